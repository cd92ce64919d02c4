package volatile

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"idbroker/broker"
)

const (
	// dialTime bounds one attempt to connect. Redis stands beside the broker: where it
	// takes longer, it is away, and people should be told so soon.
	dialTime = 2 * time.Second
	// tripTime bounds the wait for an answer, and for a connection of the pool. Redis
	// answers within a millisecond; a fork for a snapshot may stop it for half a second.
	tripTime = time.Second
	// retries are further attempts after a broken connection: one, for a Redis that was
	// restarted behind connections which the pool still has.
	retries = 1
	// sayEvery is how often the log has that Redis is away, at most: one that takes reads
	// and refuses writes is away every other time.
	sayEvery = time.Minute
)

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
	client *redis.Client
	prefix string
	log    *slog.Logger
	onTrip func(error)
	up     atomic.Bool

	mu   sync.Mutex
	said time.Time // when the log had last that Redis is away; zero: it is not
}

// quiet keeps the library from writing to standard error: what it knows comes back as
// an error, too.
type quiet struct{}

// Printf implements the library's logger.
func (quiet) Printf(context.Context, string, ...any) {}

// Open prepares a connection; it is made when it is needed, so that a broker starts
// also while Redis is away. Errors: the URL or the authority cannot be used; they quote
// neither, since there may be a password in it.
func Open(o Options) (*Redis, error) {
	c, err := redis.ParseURL(o.URL.Reveal())
	if err != nil {
		return nil, errors.New("the URL of Redis cannot be used (it is not shown, it may hold a password); write redis://HOST:6379/0, rediss:// for TLS, or unix:///PATH")
	}
	if o.Password != "" {
		c.Password = o.Password.Reveal()
	}
	if len(o.CA) > 0 {
		if c.TLSConfig == nil {
			return nil, errors.New("an authority is of use with rediss:// alone")
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(o.CA) {
			return nil, errors.New("there is no certificate (PEM) in the file of the authority")
		}
		c.TLSConfig.RootCAs = pool
	}
	if c.TLSConfig != nil {
		c.TLSConfig.MinVersion = tls.VersionTLS12
	}
	c.DialTimeout, c.ReadTimeout, c.WriteTimeout, c.PoolTimeout = dialTime, tripTime, tripTime, tripTime
	c.MaxRetries, c.DialerRetries, c.ContextTimeoutEnabled = retries, 1, true
	c.PipelinePoolSize = -1  // one pool: a look is one pipeline
	c.DisableIdentity = true // no command that an old or restricted Redis refuses
	c.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	redis.SetLogger(quiet{})
	r := &Redis{client: redis.NewClient(c), prefix: o.Prefix, log: o.Log, onTrip: o.OnTrip}
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
	if err := r.client.Close(); err != nil {
		return fmt.Errorf("close redis: %w", err)
	}
	return nil
}

// Up tells whether the last round trip succeeded; false before the first.
func (r *Redis) Up() bool { return r.up.Load() }

// trip sends commands in one round trip. Its error is ErrAway or the context's; a
// command that Redis has answered with "nothing there" or "of another type" (see lost)
// is none of its: look at the command's own.
func (r *Redis) trip(ctx context.Context, what string, build func(p redis.Pipeliner)) error {
	p := r.client.Pipeline()
	build(p)
	commands, err := p.Exec(ctx)
	answered := false // a command has, so that err is its own; otherwise it was not sent at all
	for i := 0; err != nil && i < len(commands); i++ {
		e := commands[i].Err()
		if answered = answered || e != nil; e != nil && !lost(e) {
			return r.told(ctx, what, e)
		}
	}
	if answered {
		err = nil
	}
	return r.told(ctx, what, err)
}

// run runs a script, which Redis knows after the first time, in one round trip.
func (r *Redis) run(ctx context.Context, what string, s *redis.Script, keys []string, args ...any) (*redis.Cmd, error) {
	c := s.Run(ctx, r.client, keys, args...)
	return c, r.told(ctx, what, c.Err())
}

// lost tells whether an answer of Redis says that nothing of ours is there.
func lost(err error) bool {
	return errors.Is(err, redis.Nil) || strings.HasPrefix(err.Error(), "WRONGTYPE ")
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
