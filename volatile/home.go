package volatile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"idbroker/broker"
)

// DB is what volatile needs of the database. Its methods do what those of the
// same names do in store.
type DB interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	CreateSession(ctx context.Context, s broker.Session) error
	CreateSessionOf(ctx context.Context, s broker.Session, u broker.User) error
	Session(ctx context.Context, idHash string) (broker.Session, error)
	SessionUser(ctx context.Context, idHash string) (broker.Session, broker.User, error)
	SaveSession(ctx context.Context, s broker.Session) error
	DeleteSession(ctx context.Context, idHash string) error
	TakeSession(ctx context.Context, idHash string) error
	TakeSessions(ctx context.Context, f broker.SessionFilter) ([]broker.Session, error)
	SessionsOf(ctx context.Context, user broker.UserID) ([]broker.Session, error)
	EndUpstream(ctx context.Context, l broker.UpstreamLogout) ([]broker.Session, error)
	EndLateUpstream(ctx context.Context, since, at time.Time) ([]broker.Session, error)
	ExpireSession(ctx context.Context, idHash string, at time.Time) error
}

// HomeOptions configures a Home.
type HomeOptions struct {
	Key     [32]byte      // finds and seals records; all replicas have the same one. Required.
	Idle    time.Duration // a session that is not used ends, and its record goes; 0: 2 hours
	KeepIPs time.Duration // an IP is forgotten so long after it was noted; 0: with the session
	Log     *slog.Logger  // nil: discard
}

// defaultIdle is web's.
const defaultIdle = 2 * time.Hour

// Home keeps sessions in the database and in Redis, and buckets in Redis. It does what
// the methods of the same names do in store, which it is put before.
type Home struct {
	db     DB
	redis  *Redis
	sealer sealer
	o      HomeOptions
}

// New returns a Home.
func New(db DB, r *Redis, o HomeOptions) *Home {
	if o.Key == [32]byte{} {
		panic("volatile: no key")
	}
	if o.Idle <= 0 {
		o.Idle = defaultIdle
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Home{db: db, redis: r, sealer: sealer{o.Key}, o: o}
}

// ErrNotKept: what a unit of work has written stands, but not what belongs to it in
// Redis, so that a session which it began cannot be used. Whoever signs in again is in.
var ErrNotKept = ErrAway.Why("error.not_kept")

// pending is what a unit of work has to do in Redis when it has been committed.
type pending struct {
	mu      sync.Mutex
	writes  []func(b *batch)
	forgets []string // keys
}

// pendingKey finds what is pending in the units of one Home in a context.
type pendingKey struct{ h *Home }

// unit is what is pending in the unit of work that ctx carries; nil: there is none.
func (h *Home) unit(ctx context.Context) *pending {
	p, _ := ctx.Value(pendingKey{h}).(*pending)
	return p
}

// errInUnit: somebody would wait for Redis in a unit of work, which holds the
// database's writer meanwhile.
var errInUnit = errors.New("redis is not asked inside a unit of work")

// InTx runs fn as one unit of work of the database, and writes to Redis what fn had to
// write there when it has been committed. Where that fails, what the database has
// written stands: ErrNotKept, or nil where only records of what is gone are left, which
// nobody can open and which expire.
func (h *Home) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	if h.unit(ctx) != nil {
		return h.db.InTx(ctx, fn)
	}
	p := &pending{}
	if err := h.db.InTx(context.WithValue(ctx, pendingKey{h}, p), fn); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return h.flush(ctx, p)
}

// flush does what is pending. It is done also when whoever asked has left, since the
// database's part of it is done.
func (h *Home) flush(ctx context.Context, p *pending) error {
	if len(p.writes)+len(p.forgets) == 0 {
		return nil
	}
	err := h.redis.trip(context.WithoutCancel(ctx), "write sessions", func(b *batch) {
		if len(p.forgets) > 0 {
			b.del(p.forgets...) // first: what a unit writes is newer
		}
		for _, write := range p.writes {
			write(b)
		}
	})
	if err == nil {
		return nil
	}
	if len(p.writes) > 0 {
		return ErrNotKept.Because(err)
	}
	h.o.Log.WarnContext(ctx, "records of sessions that have ended stay in redis until they expire; they open nothing", "sessions", len(p.forgets)/keysPerSession, "err", err)
	return nil
}

// write puts something into Redis: at once, or when the unit of ctx is committed.
func (h *Home) write(ctx context.Context, what string, fn func(b *batch)) error {
	if u := h.unit(ctx); u != nil {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.writes = append(u.writes, fn)
		return nil
	}
	return h.redis.trip(ctx, what, fn)
}

// forget removes the records of sessions whose rows are gone.
func (h *Home) forget(ctx context.Context, idHashes ...string) error {
	var keys []string
	for _, id := range idHashes {
		k := h.keys(id)
		keys = append(keys, k.seen, k.place, k.data)
	}
	if u := h.unit(ctx); u != nil {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.forgets = append(u.forgets, keys...)
		return nil
	}
	return h.flush(ctx, &pending{forgets: keys})
}

// keys are where the records of a session stand.
type keys struct{ seen, place, data string }

const keysPerSession = 3

func (h *Home) keys(idHash string) keys {
	name := h.sealer.name(idHash)
	return keys{h.redis.prefix + "s:" + name, h.redis.prefix + "i:" + name, h.redis.prefix + "d:" + name}
}

// lifetimes are how long the records of a session stay from now on: all but its place,
// and that. Redis counts in milliseconds. What has ended already is 0.
func (h *Home) lifetimes(s broker.Session, at time.Time) (record, place time.Duration) {
	record = h.o.Idle
	if left := s.ExpiresAt.Sub(at); !s.ExpiresAt.IsZero() && (s.Lasting || left < record) {
		record = left
	}
	place = record
	if h.o.KeepIPs > 0 {
		place = min(place, s.IPAt.Add(h.o.KeepIPs).Sub(at))
	}
	if s.IP == "" {
		place = 0
	}
	return atLeast(record), atLeast(place)
}

// atLeast is d, or 0 where Redis cannot count it.
func atLeast(d time.Duration) time.Duration {
	if d < time.Millisecond {
		return 0
	}
	return d
}

// set writes a value for a time, or removes it where there is none or no time.
func set(b *batch, key string, value []byte, life time.Duration) {
	if len(value) == 0 || life == 0 {
		b.del(key)
		return
	}
	b.set(key, value, life)
}

// put writes all records of a session.
func (h *Home) put(ctx context.Context, s broker.Session) error {
	now := time.Now()
	record, life := h.lifetimes(s, now)
	text, err := h.seenOf(s)
	if err != nil {
		return fmt.Errorf("create session: %w", err)
	}
	k, where, data := h.keys(s.IDHash), h.placeOf(s), h.dataOf(s)
	return h.write(ctx, "create session", func(b *batch) {
		set(b, k.seen, text, record)
		set(b, k.place, where, life)
		set(b, k.data, data, record)
	})
}
