package storetest_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestInitialAccessTokens: each use is given once, also to many at a time, and
// none after the end.
func TestInitialAccessTokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		five := broker.InitialAccessToken{Hash: "five", Note: "the hospital", UsesLeft: 5, CreatedAt: at}
		old := broker.InitialAccessToken{Hash: "old", UsesLeft: 5, CreatedAt: at.Add(time.Second), ExpiresAt: at.Add(time.Hour)}
		ok(t, db.CreateInitialAccessToken(ctx, five))
		same(t, must(db.InitialAccessToken(ctx, "five"))(t), five)
		if _, err := db.InitialAccessToken(ctx, "none"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("none: %v", err)
		}
		ok(t, db.CreateInitialAccessToken(ctx, old))
		if err := db.CreateInitialAccessToken(ctx, five); !errors.Is(err, broker.ErrConflict) {
			t.Errorf("twice: %v", err)
		}
		same(t, must(db.InitialAccessTokens(ctx))(t), []broker.InitialAccessToken{five, old})
		var given atomic.Int64
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() {
				if err := db.SpendInitialAccessToken(ctx, "five", at); err == nil {
					given.Add(1)
				} else if !errors.Is(err, broker.ErrSpent) {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		same(t, given.Load(), int64(5))
		ok(t, db.SpendInitialAccessToken(ctx, "old", at.Add(time.Hour-time.Second)))
		for _, hash := range []string{"old", "", "unknown", "\x00"} {
			if err := db.SpendInitialAccessToken(ctx, hash, at.Add(time.Hour)); !errors.Is(err, broker.ErrSpent) {
				t.Errorf("%q: %v", hash, err)
			}
		}
		same(t, must(db.Prune(ctx, at.Add(26*time.Hour)))(t), 1)
		ok(t, db.DeleteInitialAccessToken(ctx, "five"))
		if err := db.DeleteInitialAccessToken(ctx, "five"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("deleted twice: %v", err)
		}
	})
}

func TestRegistrationsAreCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		for i, e := range []broker.Event{
			{Name: broker.EventClientRegistered, IP: "192.0.2.1", At: at}, {Name: broker.EventClientRegistered, IP: "192.0.2.1", At: at.Add(-time.Hour)},
			{Name: broker.EventClientRegistered, IP: "192.0.2.2", At: at}, {Name: broker.EventClientRegistered, IP: "192.0.2.1", At: at.Add(-25 * time.Hour)},
			{Name: broker.EventClientCreated, IP: "192.0.2.1", At: at},
		} {
			e.ID = string(rune('a' + i))
			ok(t, db.AddEvent(ctx, e))
		}
		day := at.Add(-24 * time.Hour)
		same(t, must(db.Registrations(ctx, "", day))(t), 3)
		same(t, must(db.Registrations(ctx, "192.0.2.1", day))(t), 2)
		same(t, must(db.Registrations(ctx, "192.0.2.1' OR '1'='1", day))(t), 0)
	})
}

// TestTroublesAreBounded: a kind is one row, however often it happens; what does
// not exist has none.
func TestTroublesAreBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		ok(t, db.CreateClient(ctx, broker.Client{ID: "app"}))
		one := broker.Trouble{ClientID: "app", Endpoint: "token", Code: "invalid_grant", Reason: "expired", Times: 2, LastAt: at.Add(-time.Hour)}
		two := broker.Trouble{ClientID: "app", Endpoint: "authorize", Code: "invalid_scope", Times: 1, LastAt: at.Add(-time.Minute)}
		ok(t, db.AddTrouble(ctx, one))
		ok(t, db.AddTrouble(ctx, two))
		ok(t, db.AddTrouble(ctx, broker.Trouble{ClientID: "nobody", Endpoint: "token", Code: "x", Times: 1, LastAt: at}))
		one.LastAt = at
		ok(t, db.AddTrouble(ctx, one))
		one.Times = 4
		same(t, must(db.Troubles(ctx, "app", 9))(t), []broker.Trouble{one, two})
		same(t, must(db.Troubles(ctx, "app", 1))(t), []broker.Trouble{one})
		same(t, len(must(db.Troubles(ctx, "nobody", 9))(t)), 0)
		same(t, must(db.Prune(ctx, at.Add(30*24*time.Hour)))(t), 1)
		ok(t, db.DeleteClient(ctx, "app"))
		same(t, len(must(db.Troubles(ctx, "app", 9))(t)), 0)
	})
}
