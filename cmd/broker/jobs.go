package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"idbroker/broker"
)

const (
	// keysEvery is how soon a replica sees a new or withdrawn key: a stolen one
	// should not be of use for long, and a look costs one statement.
	keysEvery = 10 * time.Second
	// keysObeyed is what we promise of it: with jitter, and a reserve.
	keysObeyed = 15 * time.Second
	// troublesEvery is how soon the refusals of clients can be read.
	troublesEvery = time.Minute
	// pruneEvery keeps the tables short without being noticed, and is how late an
	// application hears that a session has come to its end.
	pruneEvery = 10 * time.Minute
	// tokensEvery is how often remote tokens are looked for that would end of
	// disuse; those that we keep have days left by then.
	tokensEvery = time.Hour
	// lateEvery is how long a session may outlive the provider's word that it has
	// ended, where both came at the same moment.
	lateEvery = time.Minute
	// lastFlush bounds what the doctor's memory may cost at the end.
	lastFlush = 2 * time.Second
)

// jobs run beside the requests until they are told to stop.
type jobs struct {
	cancel context.CancelFunc
	wait   sync.WaitGroup
}

// startJobs begins the jobs. They live on their own context: what they are at is
// finished after the requests are.
func (s *server) startJobs() *jobs {
	ctx, cancel := context.WithCancel(context.Background())
	j := &jobs{cancel: cancel}
	j.wait.Go(func() { s.outbox.Run(ctx) })
	j.wait.Go(func() { s.messages.Run(ctx) })
	j.wait.Go(func() { s.notices.Run(ctx) })
	j.wait.Go(func() { s.revocations.Run(ctx) })
	j.wait.Go(func() { s.every(ctx, "signing keys", keysEvery, s.rooms.tokens.KeepKeys) })
	j.wait.Go(func() { s.every(ctx, "keep encryption keys", keysEvery, s.rooms.tokens.KeepEncryptionKeys) })
	j.wait.Go(func() {
		s.every(ctx, "keep troubles", troublesEvery, s.rooms.tokens.FlushTroubles)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
		defer cancel()
		_ = s.rooms.tokens.FlushTroubles(last) // a help, not a record
	})
	j.wait.Go(func() {
		s.every(ctx, "prune", pruneEvery, s.prune)
	})
	if s.rooms.redis != nil {
		j.wait.Go(func() { s.every(ctx, "redis", redisEvery, s.pingRedis) })
	}
	j.wait.Go(func() { s.every(ctx, "keyring", ringEvery, s.ring.look) })
	j.wait.Go(func() { s.every(ctx, "remote tokens", tokensEvery, s.keepTokens) })
	j.wait.Go(func() { s.every(ctx, "late sessions", lateEvery, s.endLate) })
	j.wait.Go(func() {
		r := rest{db: s.rooms.db}
		_ = r.free(ctx) // what the start needed; the next look would tell
		s.every(ctx, "rest", restEvery, r.look)
	})
	return j
}

// prune removes what nobody needs any more. What cannot be removed now keeps
// nothing else from going.
func (s *server) prune(ctx context.Context) error {
	at := time.Now()
	sessions, err0 := s.rooms.tokens.EndExpiredSessions(ctx, at) // before their rows go
	if sessions > 0 {
		s.log.InfoContext(ctx, "sessions expired", "sessions", sessions)
		s.notices.Wake()
	}
	n, err := s.rooms.db.Prune(ctx, at)
	erased, err4 := s.rooms.accounts.EraseClosed(ctx)
	if erased > 0 {
		s.notices.Wake()
		s.revocations.Wake()
		s.outbox.Wake()
	}
	clients, err2 := s.rooms.tokens.PruneClients(ctx)
	if clients > 0 {
		s.log.InfoContext(ctx, "unused clients removed", "clients", clients)
	}
	var events int
	var err3 error
	if keep := s.cfg.Events.Keep; keep > 0 {
		events, err3 = s.rooms.db.PruneEvents(ctx, at.Add(-keep))
	}
	if n+events > 0 {
		s.log.DebugContext(ctx, "rows pruned", "rows", n, "events", events)
	}
	var ips int
	var err5 error
	if keep := s.cfg.Sessions.KeepIPs; keep > 0 {
		ips, err5 = s.rooms.db.ForgetIPs(ctx, at.Add(-keep))
	}
	if ips > 0 {
		s.log.DebugContext(ctx, "IP addresses forgotten", "ips", ips)
	}
	return errors.Join(err0, err, err2, err3, err4, err5)
}

// keepTokens refreshes remote tokens before they end of disuse.
func (s *server) keepTokens(ctx context.Context) error {
	n, err := s.rooms.linker.KeepTokens(ctx)
	if n > 0 {
		s.log.InfoContext(ctx, "remote tokens kept alive", "tokens", n)
		s.revocations.Wake() // of those whose account was unlinked meanwhile
	}
	return err
}

// endLate ends the sessions that a provider's word has missed.
func (s *server) endLate(ctx context.Context) error {
	n, err := s.rooms.linker.EndLate(ctx, func(ctx context.Context, user broker.UserID, sid string, at time.Time) error {
		if err := s.rooms.tokens.SessionEnded(ctx, user, sid); err != nil {
			return err
		}
		e := broker.NewEvent(ctx, broker.EventSignedOut, at)
		e.UserID, e.SID = user, sid
		return s.rooms.kept.AddEvent(ctx, e)
	})
	if n > 0 {
		s.log.InfoContext(ctx, "signed out at the provider, noticed late", "sessions", n)
		s.notices.Wake()
	}
	return err
}

// stop lets the jobs finish what they are at, for at most d.
func (j *jobs) stop(d time.Duration) bool {
	j.cancel()
	done := make(chan struct{})
	go func() { j.wait.Wait(); close(done) }()
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}

// every runs a job until ctx ends, with a tenth of jitter so that replicas do
// not meet. A panic is the job's error.
func (s *server) every(ctx context.Context, name string, d time.Duration, job func(context.Context) error) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(d + time.Duration(rand.Int64N(int64(d/10)))):
		}
		err := guarded(ctx, job)
		if ctx.Err() != nil {
			return
		}
		s.counters.job(name, err)
		if err != nil {
			s.log.LogAttrs(ctx, slog.LevelError, "background job failed", slog.String("job", name), slog.Any("err", err))
		}
	}
}

func guarded(ctx context.Context, job func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return job(ctx)
}
