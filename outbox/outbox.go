// Package outbox does what must happen after a commit: it claims the entries
// that units of work left behind, hands each to the handler of its kind, tries
// again with growing pauses, and gives up where somebody can see it. An entry
// is done at least once: a handler that succeeded just before a crash runs
// again.
package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"idbroker/broker"
)

// Store is what the worker needs of the database.
type Store interface {
	ClaimOutbox(ctx context.Context, limit int, at time.Time, lease time.Duration, kinds ...string) ([]broker.OutboxEntry, error)
	FinishOutbox(ctx context.Context, id string, at time.Time) error
	RetryOutbox(ctx context.Context, id string, next time.Time, lastError string) error
	FailOutbox(ctx context.Context, id string, at time.Time, lastError string) error
}

// Handler does the work of one kind of entry. It may be called twice for one. An
// error marked with broker.Permanent is not tried again.
type Handler func(ctx context.Context, payload []byte) error

const (
	// batch is how many entries are claimed at once: few enough to finish
	// within the lease.
	batch = 10
	// lease is how long a claimed entry belongs to this worker. A worker that
	// dies gives its entries back after it.
	lease = 5 * time.Minute
	// handlerTime bounds one handler; batch times it stays under the lease.
	handlerTime = 25 * time.Second
	// idle is how often the worker looks when nobody woke it: for entries of
	// other replicas, and for those whose pause is over.
	idle = 5 * time.Second
	// firstPause doubles with every attempt up to maxPause; maxAttempts of
	// them last about two days, as long as mail servers try.
	firstPause  = 10 * time.Second
	maxPause    = 4 * time.Hour
	maxAttempts = 22
	// maxError bounds the text that is kept of a failure, in bytes.
	maxError = 500
)

// Worker works the outbox off.
type Worker struct {
	store    Store
	handlers map[string]Handler
	log      *slog.Logger
	wake     chan struct{}
	kinds    []string // those that it has a handler for
	atOnce   int
	done     func(kind, outcome string)
	advice   map[string]string // by kind
}

// New returns a Worker for the kinds that handlers names; entries of others wait
// for another worker, or another replica. Kinds that can hold each other up
// belong to different workers. done, which may be nil, is told "done", "retry" or
// "failed" for each entry.
func New(store Store, handlers map[string]Handler, log *slog.Logger, done func(kind, outcome string)) *Worker {
	if done == nil {
		done = func(string, string) {}
	}
	return &Worker{
		store: store, handlers: handlers, log: log, wake: make(chan struct{}, 1), done: done,
		kinds: slices.Sorted(maps.Keys(handlers)), atOnce: 1,
	}
}

// AtOnce lets the worker handle up to n entries at the same time, and returns
// it. Call it before Run.
func (w *Worker) AtOnce(n int) *Worker {
	w.atOnce = n
	return w
}

// Advise has the worker say, when it gives an entry of a kind up, what an operator
// can do, and returns it. Call it before Run.
func (w *Worker) Advise(byKind map[string]string) *Worker {
	w.advice = byKind
	return w
}

// Wake makes the worker look now. It never blocks.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, and finishes the entry that it is at.
func (w *Worker) Run(ctx context.Context) {
	for {
		n, err := w.Work(ctx)
		if err != nil && ctx.Err() == nil {
			w.log.ErrorContext(ctx, "outbox not read", "err", err)
		}
		if n > 0 && err == nil && ctx.Err() == nil {
			continue // there may be more, also by what was just done
		}
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-time.After(idle):
		}
	}
}

// Work claims one batch, handles it, and returns how many entries it held.
func (w *Worker) Work(ctx context.Context) (int, error) {
	if len(w.kinds) == 0 {
		return 0, nil // naming none would claim all
	}
	entries, err := w.store.ClaimOutbox(ctx, batch, time.Now(), lease, w.kinds...)
	if err != nil {
		return 0, fmt.Errorf("claim outbox: %w", err)
	}
	going := context.WithoutCancel(ctx) // what has begun is settled even while we are shutting down
	var all errgroup.Group
	all.SetLimit(w.atOnce)
	for _, e := range entries {
		all.Go(func() error {
			if ctx.Err() != nil { // what has not begun is given back
				return w.store.RetryOutbox(going, e.ID, e.NextAt, e.LastError)
			}
			return w.settle(going, e)
		})
	}
	return len(entries), all.Wait()
}

// settle handles one entry and records how it went.
func (w *Worker) settle(ctx context.Context, e broker.OutboxEntry) error {
	err := w.handle(ctx, e)
	at := time.Now()
	switch {
	case err == nil:
		w.done(e.Kind, "done")
		return w.store.FinishOutbox(ctx, e.ID, at)
	case broker.IsPermanent(err), e.Attempts >= maxAttempts:
		w.done(e.Kind, "failed")
		w.log.ErrorContext(ctx, "outbox entry given up", "kind", e.Kind, "entry", e.ID, "attempts", e.Attempts, "err", err, "todo", w.advice[e.Kind])
		return w.store.FailOutbox(ctx, e.ID, at, short(err))
	}
	w.done(e.Kind, "retry")
	next := at.Add(pause(e.Attempts))
	w.log.WarnContext(ctx, "outbox entry failed, will try again", "kind", e.Kind, "entry", e.ID, "attempts", e.Attempts, "next", next, "err", err)
	return w.store.RetryOutbox(ctx, e.ID, next, short(err))
}

// handle calls the handler; its panic is its error.
func (w *Worker) handle(ctx context.Context, e broker.OutboxEntry) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = broker.Permanent(fmt.Errorf("handler panicked: %v", p))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, handlerTime)
	defer cancel()
	return w.handlers[e.Kind](ctx, e.Payload) // it claims no other kinds
}

// pause is how long to wait after the n-th attempt, with a fifth of jitter so
// that entries that failed together do not return together.
func pause(n int) time.Duration {
	d := maxPause
	if n >= 1 && n <= 11 {
		d = min(firstPause<<(n-1), maxPause)
	}
	return d + time.Duration(rand.Int64N(int64(d/5)))
}

func short(err error) string {
	s := strings.ToValidUTF8(err.Error(), "?")
	if len(s) > maxError {
		s = strings.ToValidUTF8(s[:maxError], "")
	}
	return s
}
