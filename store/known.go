package store

import (
	"context"
	"errors"
	"sync"

	"idbroker/broker"
)

// maxKnown bounds how many clients are remembered. Decoded they take a few
// kilobytes each; an installation has hundreds.
const maxKnown = 4096

// knownClients are clients as they were last read here. Whoever takes one from
// here has its stamp compared by the statement that follows, so that
// what another replica changed is noticed in time.
type knownClients struct {
	mu   sync.RWMutex
	byID map[string]broker.Client
}

func (k *knownClients) get(id string) (broker.Client, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	c, ok := k.byID[id]
	return c, ok
}

func (k *knownClients) put(c broker.Client) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byID == nil || len(k.byID) >= maxKnown {
		k.byID = map[string]broker.Client{}
	}
	k.byID[c.ID] = c
}

func (k *knownClients) forget(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.byID, id)
}

// KnownClient returns a client as it was last read here, without asking the
// database: another replica may have changed it. Have its Stamp compared before
// anything is answered. Read only: others have it too.
func (db *DB) KnownClient(id string) (broker.Client, bool) { return db.known.get(id) }

// CurrentClient returns a client as it is now, disabled ones too, or
// broker.ErrNotFound. Read only: others have it too.
func (db *DB) CurrentClient(ctx context.Context, id string) (broker.Client, error) {
	known, ok := db.known.get(id)
	if !ok || db.unit(ctx) != nil {
		return db.learn(ctx, id)
	}
	r, err := hotRead[stampRow](ctx, db, db.read, hotClientStamp, "read client", stampColumns, id)
	if err != nil {
		if errors.Is(err, broker.ErrNotFound) {
			db.known.forget(id)
		}
		return broker.Client{}, err
	}
	if known.Stamp() == r.stamp() {
		return known, nil
	}
	return db.learn(ctx, id)
}

// learn reads a client and remembers it; inside a unit of work, what may
// yet be rolled back is not remembered.
func (db *DB) learn(ctx context.Context, id string) (broker.Client, error) {
	c, err := db.Client(ctx, id)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		db.known.forget(id)
	case err == nil && db.unit(ctx) == nil:
		db.known.put(c)
	}
	return c, err
}

// stampRow is as much of a client as tells whether it has changed.
type stampRow struct {
	Version   int64  `bun:"version"`
	CreatedAt micros `bun:"created_at"`
}

func (r *stampRow) stamp() broker.ClientStamp {
	if r.Version < 0 { // there is no such client
		return broker.ClientStamp{}
	}
	return broker.ClientStamp{Version: int(r.Version), CreatedAt: int64(r.CreatedAt), Known: true}
}

// sameClient is the condition that the grant's client is in a state, and not
// disabled; with a first argument of 0 that it is in any.
const sameClient = ` AND (? = 0 OR EXISTS (SELECT 1 FROM clients WHERE clients.id = grants.client_id
	AND clients.version = ? AND clients.created_at = ? AND clients.disabled_at = 0))`

// stampArgs are the arguments of sameClient.
func stampArgs(s broker.ClientStamp) []any {
	if !s.Known {
		return []any{int64(0), int64(0), int64(0)}
	}
	return []any{int64(1), int64(s.Version), s.CreatedAt}
}
