package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

const lease = time.Minute

func enqueue(t *testing.T, db *store.DB, id string, next time.Time) {
	t.Helper()
	ok(t, db.Enqueue(context.Background(), broker.OutboxEntry{ID: id, Kind: "mail", Payload: []byte("to " + id), CreatedAt: next, NextAt: next}))
}

func ids(entries []broker.OutboxEntry) string {
	var list []string
	for _, e := range entries {
		list = append(list, e.ID)
	}
	return strings.Join(list, " ")
}

// TestOutboxLife follows entries through claim, retry, giving up and finish.
func TestOutboxLife(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		enqueue(t, db, "late", at.Add(time.Hour))
		enqueue(t, db, "b", at)
		enqueue(t, db, "a", at)
		enqueue(t, db, "first", at.Add(-time.Second))
		claim := func(limit int, at time.Time) []broker.OutboxEntry {
			t.Helper()
			return must(db.ClaimOutbox(ctx, limit, at, lease))(t)
		}
		got := claim(2, at)
		same(t, ids(got), "first a")
		same(t, got[1], broker.OutboxEntry{ID: "a", Kind: "mail", Payload: []byte("to a"), CreatedAt: at, NextAt: at, Attempts: 1, ClaimedUntil: at.Add(lease)})
		same(t, ids(claim(9, at)), "b")
		same(t, ids(claim(9, at.Add(lease-time.Microsecond))), "")
		same(t, ids(claim(9, at.Add(lease))), "first a b") // whoever had them has died
		same(t, ids(claim(0, at.Add(9*lease))), "")

		ok(t, db.FinishOutbox(ctx, "first", at))
		ok(t, db.RetryOutbox(ctx, "a", at.Add(2*time.Hour), "421 "+strings.Repeat("é", 400)+"\x00\xff"))
		ok(t, db.FailOutbox(ctx, "b", at, "550 no\x00such user"))
		same(t, ids(claim(9, at.Add(time.Hour))), "late")
		got = claim(9, at.Add(2*time.Hour))
		same(t, ids(got), "late a")
		if e := got[1].LastError; len(e) > 500 || len(e) < 490 || !utf8.ValidString(e) || got[1].Attempts != 3 {
			t.Errorf("%d attempts, last error of %d bytes", got[1].Attempts, len(e))
		}
		failed := must(db.FailedOutbox(ctx, 9))(t)
		same(t, ids(failed), "b")
		same(t, failed[0].LastError, "550 no\uFFFDsuch user")
		for name, err := range map[string]error{
			"finish": db.FinishOutbox(ctx, "none", at),
			"retry":  db.RetryOutbox(ctx, "none", at, ""),
			"fail":   db.FailOutbox(ctx, "none", at, ""),
		} {
			if !errors.Is(err, broker.ErrNotFound) {
				t.Errorf("%s of none = %v", name, err)
			}
		}
	})
}

// TestOutboxWorkers: of sixteen that claim at once, none gets what another has.
func TestOutboxWorkers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		const entries = 100
		ok(t, db.InTx(ctx, func(ctx context.Context) error {
			for i := range entries {
				id := fmt.Sprintf("%03d", i)
				if err := db.Enqueue(ctx, broker.OutboxEntry{ID: id, NextAt: at}); err != nil {
					return err
				}
			}
			return nil
		}))
		var mu sync.Mutex
		claimed := map[string]int{}
		race(func(int) {
			for range entries { // more than enough
				got, err := db.ClaimOutbox(ctx, 3, at, lease)
				if err != nil {
					t.Error(err)
				}
				if len(got) == 0 {
					return
				}
				mu.Lock()
				for _, e := range got {
					claimed[e.ID]++
				}
				mu.Unlock()
			}
		})
		for id, n := range claimed {
			if n != 1 {
				t.Errorf("%s was claimed %d times", id, n)
			}
		}
		if len(claimed) != entries {
			t.Errorf("%d of %d were claimed", len(claimed), entries)
		}
	})
}

// TestOutboxUnopenable: an entry that nobody can open is given up, and does not
// keep others from being claimed.
func TestOutboxUnopenable(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		ctx, at := context.Background(), now()
		enqueue(t, storetest.Open(t, dsn), "lost", at)
		db := storetest.Open(t, dsn) // with another keyring
		enqueue(t, db, "own", at)
		same(t, ids(must(db.ClaimOutbox(ctx, 9, at, lease))(t)), "own")
		same(t, ids(must(db.FailedOutbox(ctx, 9))(t)), "lost")
	})
}
