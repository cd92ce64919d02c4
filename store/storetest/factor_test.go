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

// counter counts who succeeded; whoever did not must have been told ErrSpent.
func counter(t *testing.T, n *atomic.Int32) func(error) {
	return func(err error) {
		switch {
		case err == nil:
			n.Add(1)
		case !errors.Is(err, broker.ErrSpent):
			t.Error(err)
		}
	}
}

// TestTimeStepIsSpentOnce: of sixteen who type a code at once one succeeds, and
// neither that step nor an older one counts again.
func TestTimeStepIsSpentOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		u := newUser(t, db)
		ok(t, db.CreateFactor(ctx, broker.Factor{ID: "f", UserID: u.ID, Kind: broker.FactorTOTP, Secret: "S", CreatedAt: at}))
		if err := db.UseFactor(ctx, "f", 9, at); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("used before it counts: %v", err)
		}
		if err := db.CreateFactor(ctx, broker.Factor{ID: "g", UserID: u.ID, Kind: broker.FactorTOTP}); !errors.Is(err, broker.ErrConflict) {
			t.Errorf("a second one of its kind: %v", err)
		}
		var confirmed, used atomic.Int32
		race(func(int) { counter(t, &confirmed)(db.ConfirmFactor(ctx, "f", 10, at)) })
		same(t, int(confirmed.Load()), 1)
		race(func(int) { counter(t, &used)(db.UseFactor(ctx, "f", 11, at.Add(time.Second))) })
		same(t, int(used.Load()), 1)
		f := must(db.Factor(ctx, u.ID, broker.FactorTOTP))(t)
		if f.LastStep != 11 || !f.ConfirmedAt.Equal(at) || !f.LastUsedAt.Equal(at.Add(time.Second)) {
			t.Errorf("%+v", f)
		}
		for _, step := range []int64{11, 10, 0, -1} {
			if err := db.UseFactor(ctx, "f", step, at); !errors.Is(err, broker.ErrSpent) {
				t.Errorf("step %d: %v", step, err)
			}
		}
		ok(t, db.DropPendingFactors(ctx, u.ID, broker.FactorTOTP)) // it counts: it stays
		ok(t, db.UseFactor(ctx, "f", 12, at))
		ok(t, db.DeleteFactors(ctx, u.ID))
		if _, err := db.Factor(ctx, u.ID, broker.FactorTOTP); !errors.Is(err, broker.ErrNotFound) {
			t.Error(err)
		}
	})
}

// TestRecoveryCodeIsSpentOnce, by its owner alone.
func TestRecoveryCodeIsSpentOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		u := newUser(t, db)
		ok(t, db.CreateUser(ctx, broker.User{ID: "other"}))
		for _, mac := range []string{"a", "b"} {
			ok(t, db.CreateRecoveryCode(ctx, u.ID, mac, at))
		}
		if err := db.SpendRecoveryCode(ctx, "other", "a", at); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("somebody else's: %v", err)
		}
		var spent atomic.Int32
		race(func(int) { counter(t, &spent)(db.SpendRecoveryCode(ctx, u.ID, "a", at)) })
		same(t, int(spent.Load()), 1)
		same(t, must(db.CountRecoveryCodes(ctx, u.ID))(t), 1)
		ok(t, db.CreateRecoveryCode(ctx, u.ID, "later", at.Add(time.Second)))
		ok(t, db.DeleteRecoveryCodesSince(ctx, u.ID, at.Add(time.Microsecond)))
		same(t, must(db.HasRecoveryCode(ctx, u.ID, "later"))(t), false)
		same(t, must(db.CountRecoveryCodes(ctx, u.ID))(t), 1)
		ok(t, db.DeleteRecoveryCodes(ctx, u.ID))
		same(t, must(db.CountRecoveryCodes(ctx, u.ID))(t), 0)
		if err := db.SpendRecoveryCode(ctx, u.ID, "b", at); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("after all were voided: %v", err)
		}
		ok(t, db.CreateFactor(ctx, broker.Factor{ID: "f", UserID: u.ID, Kind: broker.FactorTOTP, Secret: "S"}))
		ok(t, db.CreateRecoveryCode(ctx, u.ID, "c", at))
		ok(t, db.DeleteUser(ctx, u.ID)) // takes both along
		same(t, must(db.CountRecoveryCodes(ctx, u.ID))(t), 0)
	})
}

// TestDeleteFactorsSince: those that counted before stay, and those that do not count yet.
func TestDeleteFactorsSince(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		u := newUser(t, db)
		for kind, confirmed := range map[broker.FactorKind]time.Time{broker.FactorTOTP: at.Add(-time.Microsecond), broker.FactorSMS: at, "begun": {}} {
			ok(t, db.CreateFactor(ctx, broker.Factor{ID: string(kind), UserID: u.ID, Kind: kind, Secret: "S", CreatedAt: at, ConfirmedAt: confirmed}))
		}
		ok(t, db.DeleteFactorsSince(ctx, "other", at))
		same(t, len(must(db.Factors(ctx, u.ID))(t)), 3)
		ok(t, db.DeleteFactorsSince(ctx, u.ID, at))
		left := must(db.Factors(ctx, u.ID))(t)
		if len(left) != 2 || left[0].Kind == broker.FactorSMS || left[1].Kind == broker.FactorSMS {
			t.Errorf("%+v", left)
		}
	})
}
