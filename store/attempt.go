package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type attemptRow struct {
	bun.BaseModel `bun:"table:attempts"`

	StateHash   string `bun:"state_hash,pk"`
	BrowserHash string `bun:"browser_hash"`
	Provider    string `bun:"provider"`
	Purpose     string `bun:"purpose"`
	UserID      string `bun:"user_id"`
	LoginID     string `bun:"login_id"`
	ReturnTo    string `bun:"return_to"`
	RedirectURI string `bun:"redirect_uri"`
	ClientID    string `bun:"client_id"`
	Session     []byte `bun:"session"`
	CreatedAt   micros `bun:"created_at"`
	ExpiresAt   micros `bun:"expires_at"`
	UsedAt      micros `bun:"used_at"`
}

// CreateAttempt writes a new journey to a provider.
func (db *DB) CreateAttempt(ctx context.Context, a broker.Attempt) error {
	const what = "create attempt"
	session, err := db.ring().seal(inRow("attempts", "session", a.StateHash), []byte(a.Session.Reveal()))
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	return db.insert(ctx, what, &attemptRow{
		StateHash: a.StateHash, BrowserHash: a.BrowserHash, Provider: a.Provider, Purpose: string(a.Purpose),
		UserID: string(a.UserID), LoginID: string(a.LoginID), ReturnTo: a.ReturnTo, RedirectURI: a.RedirectURI,
		ClientID: a.ClientID, Session: session,
		CreatedAt: micro(a.CreatedAt), ExpiresAt: micro(a.ExpiresAt), UsedAt: micro(a.UsedAt),
	})
}

// Attempt returns the attempt with a state, used or expired ones too, or
// broker.ErrNotFound.
func (db *DB) Attempt(ctx context.Context, stateHash string) (broker.Attempt, error) {
	const what = "read attempt"
	r, err := one[attemptRow](ctx, db, what, "state_hash = ?", stateHash)
	if err != nil {
		return broker.Attempt{}, err
	}
	return db.attempt(what, r)
}

// OpenAttempt returns the latest attempt of a browser at a provider that is
// neither used nor expired, or broker.ErrNotFound.
func (db *DB) OpenAttempt(ctx context.Context, browserHash, provider string, at time.Time) (broker.Attempt, error) {
	const what = "find open attempt"
	rows, err := many[attemptRow](ctx, db, what, "created_at DESC", 1,
		"browser_hash = ? AND provider = ? AND used_at = 0 AND expires_at > ?", browserHash, provider, micro(at))
	switch {
	case err != nil:
		return broker.Attempt{}, err
	case len(rows) == 0:
		return broker.Attempt{}, broker.ErrNotFound
	}
	return db.attempt(what, &rows[0])
}

// attempt opens what is sealed in a row.
func (db *DB) attempt(what string, r *attemptRow) (broker.Attempt, error) {
	session, err := db.ring().open(inRow("attempts", "session", r.StateHash), r.Session)
	if err != nil {
		return broker.Attempt{}, db.failed(what, err)
	}
	return broker.Attempt{
		StateHash: r.StateHash, BrowserHash: r.BrowserHash, Provider: r.Provider, Purpose: broker.Purpose(r.Purpose),
		UserID: broker.UserID(r.UserID), LoginID: broker.LoginID(r.LoginID), ReturnTo: r.ReturnTo, RedirectURI: r.RedirectURI,
		ClientID: r.ClientID, Session: broker.Secret(session),
		CreatedAt: r.CreatedAt.time(), ExpiresAt: r.ExpiresAt.time(), UsedAt: r.UsedAt.time(),
	}, nil
}

// SpendAttempt uses an attempt up. broker.ErrSpent where it was used, has
// expired, or never was.
func (db *DB) SpendAttempt(ctx context.Context, stateHash string, at time.Time) error {
	n, err := db.exec(ctx, "spend attempt",
		"UPDATE attempts SET used_at = ? WHERE state_hash = ? AND used_at = 0 AND expires_at > ?",
		micro(at), stateHash, micro(at))
	return must(n, err, broker.ErrSpent, "spend attempt")
}
