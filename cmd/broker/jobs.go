package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// reloadEvery is how soon a replica sees a rotated key; it is far shorter
	// than tokens.key_overlap.
	reloadEvery = time.Minute
	// pruneEvery keeps the tables short without being noticed.
	pruneEvery = 10 * time.Minute
	// lastFlush bounds what the doctor's memory may cost at the end.
	lastFlush = 2 * time.Second
)

// jobs run beside the requests until they are told to stop.
type jobs struct {
	cancel context.CancelFunc
	wait   sync.WaitGroup
}

// start begins the jobs. They live on their own context: what they are at is
// finished after the requests are.
func (s *server) startJobs() *jobs {
	ctx, cancel := context.WithCancel(context.Background())
	j := &jobs{cancel: cancel}
	j.wait.Go(func() { s.outbox.Run(ctx) })
	j.wait.Go(func() { s.notices.Run(ctx) })
	j.wait.Go(func() { s.revocations.Run(ctx) })
	j.wait.Go(func() { s.every(ctx, "reload keys", reloadEvery, s.rooms.tokens.ReloadKeys) })
	j.wait.Go(func() {
		s.every(ctx, "keep troubles", reloadEvery, s.rooms.tokens.FlushTroubles)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
		defer cancel()
		_ = s.rooms.tokens.FlushTroubles(last) // a help, not a record
	})
	j.wait.Go(func() {
		s.every(ctx, "prune", pruneEvery, func(ctx context.Context) error {
			n, err := s.rooms.db.Prune(ctx, time.Now())
			clients, err2 := s.rooms.tokens.PruneClients(ctx)
			if clients > 0 {
				s.log.InfoContext(ctx, "unused clients removed", "clients", clients)
			}
			if err == nil {
				err = err2
			}
			if n > 0 {
				s.log.DebugContext(ctx, "rows pruned", "rows", n)
			}
			return err
		})
	})
	return j
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
