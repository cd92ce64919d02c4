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

// TestAssertionIsSpentOnceAClient: of sixteen at once one succeeds, and one
// client cannot use up what another has.
func TestAssertionIsSpentOnceAClient(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, later := context.Background(), now().Add(time.Minute)
		ok(t, db.SpendAssertion(ctx, "mallory", "j", later))
		var won atomic.Int32
		race(func(int) {
			switch err := db.SpendAssertion(ctx, "app", "j", later); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, broker.ErrSpent):
				t.Error(err)
			}
		})
		same(t, won.Load(), int32(1))
		ok(t, db.SpendAssertion(ctx, "app", "k", later))
		if err := db.SpendAssertion(ctx, "app\x00", "k", later); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("text that is never stored: %v", err)
		}
	})
}

// TestAssertionsArePruned once they could not be used anyway.
func TestAssertionsArePruned(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		ok(t, db.SpendAssertion(ctx, "app", "gone", at.Add(-time.Hour-time.Second)))
		ok(t, db.SpendAssertion(ctx, "app", "kept", at.Add(-time.Hour+time.Second)))
		same(t, must(db.Prune(ctx, at))(t), 1)
		ok(t, db.SpendAssertion(ctx, "app", "gone", at))
		if err := db.SpendAssertion(ctx, "app", "kept", at); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("kept: %v", err)
		}
	})
}
