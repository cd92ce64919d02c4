package outbox_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
	"idbroker/outbox"
	"idbroker/store"
	"idbroker/store/storetest"
)

func enqueue(t *testing.T, db *store.DB, kind, payload string) string {
	t.Helper()
	now := time.Now()
	e := broker.OutboxEntry{ID: broker.NewID(), Kind: kind, Payload: []byte(payload), CreatedAt: now, NextAt: now}
	if err := db.Enqueue(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return e.ID
}

func worker(db *store.DB, h map[string]outbox.Handler) *outbox.Worker {
	return outbox.New(db, h, slog.New(slog.DiscardHandler), nil)
}

func TestDelivers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var got []string
		w := worker(db, map[string]outbox.Handler{"mail": func(_ context.Context, p []byte) error {
			got = append(got, string(p))
			return nil
		}})
		enqueue(t, db, "mail", "one")
		enqueue(t, db, "mail", "two")
		if n, err := w.Work(t.Context()); n != 2 || err != nil || strings.Join(got, " ") != "one two" {
			t.Errorf("Work = %d, %v; handled %q", n, err, got)
		}
		if n, err := w.Work(t.Context()); n != 0 || err != nil {
			t.Errorf("once more: %d, %v", n, err)
		}
	})
}

// TestStopsBetweenEntries: a shutdown waits for one conversation with a mail
// server, not for all that were claimed; what was not begun goes to whoever
// looks next.
func TestStopsBetweenEntries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		var got []string
		w := worker(db, map[string]outbox.Handler{"mail": func(_ context.Context, p []byte) error {
			got = append(got, string(p))
			cancel()
			return nil
		}})
		for _, p := range []string{"one", "two", "three"} {
			enqueue(t, db, "mail", p)
		}
		w.Run(ctx)
		if len(got) != 1 {
			t.Errorf("handled after the end: %q", got)
		}
		if n, err := w.Work(t.Context()); n != 2 || err != nil || len(got) != 3 {
			t.Errorf("the next one: %d, %v; handled %q", n, err, got)
		}
	})
}

// TestRetriesThenGivesUp lives through the days that a mail server may be down.
func TestRetriesThenGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t)
		tries := 0
		var last time.Time
		w := worker(db, map[string]outbox.Handler{"mail": func(context.Context, []byte) error {
			tries++
			last = time.Now()
			return errors.New("connection refused")
		}})
		start := time.Now()
		id := enqueue(t, db, "mail", "x")
		for time.Since(start) < 5*24*time.Hour {
			if _, err := w.Work(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute)
		}
		if tries != 22 || last.Sub(start) < 24*time.Hour || last.Sub(start) > 4*24*time.Hour {
			t.Errorf("%d tries in %s", tries, last.Sub(start))
		}
		dead, err := db.FailedOutbox(context.Background(), 10)
		if err != nil || len(dead) != 1 || dead[0].ID != id || dead[0].LastError != "connection refused" {
			t.Errorf("dead letters: %+v, %v", dead, err)
		}
	})
}

func TestGivesUpAtOnce(t *testing.T) {
	db := storetest.New(t)
	w := worker(db, map[string]outbox.Handler{
		"no":    func(context.Context, []byte) error { return broker.Permanent(errors.New(strings.Repeat("ü", 1000))) },
		"panic": func(context.Context, []byte) error { panic("boom") },
	})
	enqueue(t, db, "no", "x")
	enqueue(t, db, "panic", "x")
	if n, err := w.Work(t.Context()); n != 2 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	dead, err := db.FailedOutbox(t.Context(), 10)
	if err != nil || len(dead) != 2 {
		t.Fatalf("%+v, %v", dead, err)
	}
	for _, d := range dead {
		if len(d.LastError) > 500 || d.LastError == "" || strings.ContainsRune(d.LastError, '\uFFFD') {
			t.Errorf("error of %d bytes: %q", len(d.LastError), d.LastError)
		}
	}
}

// TestUnknownKindWaits: a newer replica may know what to do.
func TestUnknownKindWaits(t *testing.T) {
	db := storetest.New(t)
	enqueue(t, db, "from-the-future", "x")
	done := func(context.Context, []byte) error { return nil }
	for _, known := range []map[string]outbox.Handler{nil, {"mail": done}} {
		if n, err := worker(db, known).Work(t.Context()); n != 0 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	if n, err := worker(db, map[string]outbox.Handler{"from-the-future": done}).Work(t.Context()); n != 1 || err != nil {
		t.Errorf("the newer replica: %d, %v", n, err)
	}
}

// TestWorkersDoNotShare: several replicas work one outbox off, each entry once.
func TestWorkersDoNotShare(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const entries = 60
		for range entries {
			enqueue(t, db, "mail", "x")
		}
		var handled atomic.Int32
		var wg sync.WaitGroup
		for range 4 {
			w := worker(db, map[string]outbox.Handler{"mail": func(context.Context, []byte) error { handled.Add(1); return nil }})
			wg.Go(func() {
				for {
					if n, err := w.Work(t.Context()); err != nil {
						t.Error(err)
						return
					} else if n == 0 {
						return
					}
				}
			})
		}
		wg.Wait()
		if n := handled.Load(); n != entries {
			t.Errorf("%d entries were handled %d times", entries, n)
		}
	})
}

// TestCrash: a worker that died with an entry in its hands gives it back.
func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t)
		enqueue(t, db, "mail", "x")
		if claimed, err := db.ClaimOutbox(t.Context(), 10, time.Now(), 5*time.Minute); len(claimed) != 1 || err != nil {
			t.Fatalf("%v, %v", claimed, err)
		}
		handled := 0
		w := worker(db, map[string]outbox.Handler{"mail": func(context.Context, []byte) error { handled++; return nil }})
		if n, _ := w.Work(t.Context()); n != 0 {
			t.Error("a claimed entry was claimed again")
		}
		time.Sleep(6 * time.Minute)
		if _, err := w.Work(t.Context()); err != nil || handled != 1 {
			t.Errorf("handled %d, %v", handled, err)
		}
	})
}

func TestWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t)
		handled := make(chan time.Time, 1)
		w := worker(db, map[string]outbox.Handler{"mail": func(context.Context, []byte) error { handled <- time.Now(); return nil }})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { w.Run(ctx); close(done) }()
		time.Sleep(time.Second)
		enqueue(t, db, "mail", "x")
		at := time.Now()
		w.Wake()
		w.Wake()
		if got := <-handled; got.Sub(at) > 0 {
			t.Errorf("handled after %s", got.Sub(at))
		}
		cancel()
		<-done
	})
}

// TestKindsDoNotHoldEachOtherUp: a worker takes its own kinds alone, and several
// of them at once where it may.
func TestKindsDoNotHoldEachOtherUp(t *testing.T) {
	db := storetest.New(t)
	enqueue(t, db, "logout", "slow one")
	enqueue(t, db, "logout", "slow two")
	enqueue(t, db, "mail", "x")
	both := make(chan struct{}, 2)
	notices := worker(db, map[string]outbox.Handler{"logout": func(ctx context.Context, _ []byte) error {
		both <- struct{}{}
		for len(both) < 2 && ctx.Err() == nil { // each waits for the other
			time.Sleep(time.Millisecond)
		}
		return ctx.Err()
	}}).AtOnce(2)
	mails := worker(db, map[string]outbox.Handler{"mail": func(context.Context, []byte) error { return nil }})
	if n, err := notices.Work(t.Context()); n != 2 || err != nil {
		t.Errorf("notices: %d, %v", n, err)
	}
	if n, err := mails.Work(t.Context()); n != 1 || err != nil {
		t.Errorf("mails: %d, %v", n, err)
	}
}
