package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"idbroker/broker"
	"idbroker/config"
	"idbroker/store"
	"idbroker/volatile"
)

// redisEvery is how soon the log and the metrics have that Redis is away although nobody
// visits, and that it is back.
const redisEvery = 15 * time.Second

// underRedis is the database, one level deeper than what is put before it.
type underRedis struct{ *store.DB }

// withRedis is the database whose sessions and buckets are in Redis.
type withRedis struct {
	*volatile.Home
	underRedis
}

// openRedis prepares the connection that the configuration asks for; nil none.
func openRedis(cfg config.Config, counted *counters, log *slog.Logger) (*volatile.Redis, error) {
	c := cfg.Redis
	if c.URL == "" {
		return nil, nil
	}
	o := volatile.Options{URL: broker.Secret(c.URL), Password: c.Password, Prefix: c.Prefix, Log: log}
	if c.CA != "" {
		var err error
		if o.CA, err = os.ReadFile(c.CA); err != nil {
			return nil, config.Unreadable("redis.ca", c.CA, err, "name a PEM file that the broker may read")
		}
	}
	if counted != nil {
		o.OnTrip = func(err error) {
			outcome := "done"
			if err != nil {
				outcome = "failed"
			}
			counted.add("broker_redis_round_trips_total", "outcome", outcome)
		}
	}
	r, err := volatile.Open(o)
	if err != nil {
		return nil, config.Problem{Path: "redis.url", What: err.Error(), Fix: "mend redis.url, redis.ca or both; then try it with \"broker redis check\""}
	}
	if counted != nil {
		counted.set.NewGauge("broker_redis_up", func() float64 {
			if r.Up() {
				return 1
			}
			return 0
		})
	}
	return r, nil
}

// useRedis puts Redis before the database, where there is one.
func (r *rooms) useRedis(ring store.Keyring, counted *counters) error {
	var err error
	if r.redis, err = openRedis(r.cfg, counted, r.log); err != nil || r.redis == nil {
		return err
	}
	home := volatile.New(r.db, r.redis, volatile.HomeOptions{
		Key: ring.DeriveOldest("volatile"), Idle: r.cfg.Sessions.Idle, KeepIPs: r.cfg.Sessions.KeepIPs, Log: r.log,
	})
	r.kept = withRedis{home, underRedis{r.db}}
	return nil
}

// lookAtRedis warns at the start of what would lose sessions. A Redis that is away keeps
// no broker from starting: tokens do not need it, and the log has said so.
func (r *rooms) lookAtRedis(ctx context.Context) {
	if r.redis == nil {
		return
	}
	if health, err := r.redis.Look(ctx); err == nil {
		if advice := health.Advice(); advice != "" {
			r.log.WarnContext(ctx, advice)
		}
	}
}

// pingRedis notices that Redis has gone or come. What it finds is in the log already.
func (s *server) pingRedis(ctx context.Context) error {
	if _, err := s.rooms.redis.Look(ctx); !errors.Is(err, volatile.ErrAway) {
		return err
	}
	return nil
}

type redisCommands struct {
	Check redisCheck `cmd:"" help:"Do there what the broker does, and tell what is wrong."`
}

type redisCheck struct{ output }

// Help teaches.
func (redisCheck) Help() string {
	return `It connects as the configuration says, writes, reads, runs a script and removes what it wrote, and exits with 1 where something of that fails.

	broker redis check`
}

// redisView is what redis check tells.
type redisView struct {
	Version   string  `json:"version,omitempty"`
	RoundTrip float64 `json:"round_trip_ms"`
	Used      int64   `json:"used_bytes,omitempty"`
	Max       int64   `json:"max_bytes,omitempty"`
	Policy    string  `json:"maxmemory_policy,omitempty"`
	Advice    string  `json:"advice,omitempty"`
}

// Run tries Redis.
func (c redisCheck) Run(ctx context.Context, p *program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	r, err := openRedis(cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if r == nil {
		return errors.New("redis.url is not set, so sessions and the counting of tries are in the database; there is nothing to check")
	}
	defer r.Close()
	health, err := r.Look(ctx)
	if err == nil {
		err = r.Try(ctx)
	}
	if err != nil {
		if e, ok := errors.AsType[*broker.Error](err); ok { // whose words are for people who visit
			err = e.Err
		}
		return fmt.Errorf("%w; is Redis running, is redis.url right, and may its user run GETRANGE, SET, DEL, PEXPIRE, PTTL, EVAL and EVALSHA on keys that begin with %s?", err, cfg.Redis.Prefix)
	}
	v := redisView{
		Version: health.Version, RoundTrip: float64(health.RoundTrip.Microseconds()) / 1000,
		Used: health.Used, Max: health.MaxMemory, Policy: health.Policy, Advice: health.Advice(),
	}
	return c.print(p.out, v, func(w io.Writer) {
		fmt.Fprintf(w, "Redis %s does what the broker needs; a round trip took %.1f ms.\n", v.Version, v.RoundTrip)
		if v.Advice != "" {
			fmt.Fprintln(w, "But "+v.Advice+".")
		}
	})
}

// sessionsOf are the sessions of somebody for a command; nil where Redis cannot be asked
// which of them stand, which it says on standard error.
func (p *program) sessionsOf(ctx context.Context, r *rooms, id broker.UserID) ([]broker.Session, error) {
	sessions, err := r.kept.SessionsOf(ctx, id)
	if errors.Is(err, volatile.ErrAway) {
		fmt.Fprintln(p.err, "warning: Redis does not answer, so it is not known which sessions stand; see: broker redis check")
		return nil, nil
	}
	if sessions == nil && err == nil {
		sessions = []broker.Session{}
	}
	return sessions, err
}
