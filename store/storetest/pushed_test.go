package storetest_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestPushedRequests: every field comes back; of sixteen that spend one, one does.
func TestPushedRequests(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		p := filled[broker.PushedRequest](t)
		ok(t, db.CreatePushedRequest(ctx, p))
		same(t, must(db.PushedRequest(ctx, p.URIHash))(t), p)
		if err := db.CreatePushedRequest(ctx, p); !errors.Is(err, broker.ErrConflict) {
			t.Errorf("twice: %v", err)
		}
		if err := db.SpendPushedRequest(ctx, p.URIHash, now()); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("used: %v", err)
		}
		_, err := db.PushedRequest(ctx, "none")
		if !errors.Is(err, broker.ErrNotFound) {
			t.Error(err)
		}
		ok(t, db.CreatePushedRequest(ctx, broker.PushedRequest{URIHash: "x", ExpiresAt: now().Add(-time.Minute)}))
		var won atomic.Int32
		race(func(int) {
			if err := db.SpendPushedRequest(ctx, "x", now()); err == nil {
				won.Add(1)
			} else if !errors.Is(err, broker.ErrSpent) {
				t.Error(err)
			}
		})
		same(t, won.Load(), int32(1))
	})
}

// TestPushedRequestsArePruned, when no login that began with one can be open.
func TestPushedRequestsArePruned(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		ok(t, db.CreatePushedRequest(ctx, broker.PushedRequest{URIHash: "gone", ExpiresAt: at.Add(-24*time.Hour - time.Second)}))
		ok(t, db.CreatePushedRequest(ctx, broker.PushedRequest{URIHash: "kept", ExpiresAt: at.Add(-24*time.Hour + time.Second)}))
		same(t, must(db.Prune(ctx, at))(t), 1)
		must(db.PushedRequest(ctx, "kept"))(t)
	})
}
