package volatile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"idbroker/broker"
)

// sayEvery is how often the log has that Redis is away, at most: one that takes reads
// and refuses writes is away every other time.
const sayEvery = time.Minute

// ErrAway: Redis cannot be asked, or refuses.
var ErrAway = &broker.Error{Kind: broker.KindUnavailable, Message: "error.unavailable"}

// Options says how Redis is reached. The zero value of a field is its default.
type Options struct {
	// URL is redis://, rediss:// (TLS) or unix://, such as
	// "rediss://broker@redis.example.org:6379/0". Required.
	URL broker.Secret
	// Password takes the place of the URL's; "": the URL's.
	Password broker.Secret
	CA       []byte // PEM; the authority of the server's certificate; nil: the machine's
	Prefix   string // of every key
	Log      *slog.Logger
	// OnTrip, where set, hears of every round trip, also of one that failed. It must be
	// safe for concurrent use.
	OnTrip func(err error)
}

// Redis is a connection to Redis. It is safe for concurrent use.
type Redis struct {
	conns  *conns
	prefix string
	log    *slog.Logger
	onTrip func(error)
	up     atomic.Bool

	mu   sync.Mutex
	said time.Time // when the log had last that Redis is away; zero: it is not
}

// Open prepares a connection; it is made when it is needed, so that a broker starts
// also while Redis is away. Errors: the URL or the authority cannot be used; they quote
// neither, since there may be a password in it.
func Open(o Options) (*Redis, error) {
	a, err := parseAddress(o.URL.Reveal())
	if err != nil {
		return nil, err
	}
	if o.Password != "" {
		a.password = o.Password.Reveal()
	}
	if len(o.CA) > 0 {
		if err := a.trust(o.CA); err != nil {
			return nil, err
		}
	}
	r := &Redis{conns: newConns(a), prefix: o.Prefix, log: o.Log, onTrip: o.OnTrip}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if r.onTrip == nil {
		r.onTrip = func(error) {}
	}
	return r, nil
}

// Close closes every connection.
func (r *Redis) Close() error {
	if err := r.conns.pool.Close(); err != nil {
		return fmt.Errorf("close redis: %w", err)
	}
	return nil
}

// Up tells whether the last round trip succeeded; false before the first.
func (r *Redis) Up() bool { return r.up.Load() }

// trip sends commands in one round trip. Its error is ErrAway or the context's; a
// command that Redis has answered with "of another type" (see lost) is none of its, and
// has no value.
func (r *Redis) trip(ctx context.Context, what string, build func(b *batch)) error {
	var b batch
	build(&b)
	err := r.conns.send(ctx, &b)
	for i := 0; err == nil && i < len(b.commands); i++ {
		if e := b.commands[i].err; e != nil && !lost(e) {
			err = e
		}
	}
	return r.told(ctx, what, err)
}

// run runs a script, in one round trip where Redis knows it, as after the first time,
// and returns what it has answered.
func (r *Redis) run(ctx context.Context, what string, s script, keys []string, args ...any) (any, error) {
	var known, whole batch
	c := known.evalKnown(s, keys, args...)
	err := r.conns.send(ctx, &known)
	if err == nil && noScript(c.err) {
		c = whole.eval(s, keys, args...)
		err = r.conns.send(ctx, &whole)
	}
	if err == nil {
		err = c.err
	}
	return c.value, r.told(ctx, what, err)
}

// told notes how a round trip ended.
func (r *Redis) told(ctx context.Context, what string, err error) error {
	if err != nil && ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("redis: %s: %w", what, ctx.Err()) // the visitor left
	}
	r.onTrip(err)
	if r.up.Swap(err == nil) && err == nil {
		return nil // as most of the time
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		if !r.said.IsZero() {
			r.log.InfoContext(ctx, "redis answers again")
		}
		r.said = time.Time{}
		return nil
	}
	if now := time.Now(); now.Sub(r.said) >= sayEvery {
		r.said = now
		r.log.ErrorContext(ctx, "redis does not answer: until it does nobody can sign in, and who is signed in sees an error page; tokens are not affected. See to it that it runs, takes writes and has memory left, and that redis.url is right (broker redis check)",
			"doing", what, "err", err)
	}
	return ErrAway.Because(fmt.Errorf("redis: %s: %w", what, err))
}
