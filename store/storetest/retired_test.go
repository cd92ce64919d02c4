package storetest_test

import (
	"context"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestRetired: every field comes back, in the order of the removals, to its user alone;
// what is forgotten is gone, and with the account everything.
func TestRetired(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		u, eve := newUser(t, db), newUser(t, db)
		r, key := filled[broker.Retired](t), filled[broker.Passkey](t)
		r.UserID, r.Passkey = u.ID, &key
		bare := broker.Retired{ID: "bare", UserID: u.ID, Kind: broker.FactorTOTP, RemovedAt: r.RemovedAt.Add(time.Second)}
		other := broker.Retired{ID: "other", UserID: eve.ID, RemovedAt: r.RemovedAt}
		for _, row := range []broker.Retired{bare, r, other} {
			ok(t, db.Retire(ctx, row))
		}
		same(t, must(db.RetiredSince(ctx, u.ID, r.RemovedAt))(t), []broker.Retired{r, bare})
		same(t, must(db.RetiredSince(ctx, u.ID, bare.RemovedAt))(t), []broker.Retired{bare})
		ok(t, db.ForgetRetired(ctx, eve.ID, r.ID)) // another's
		same(t, len(must(db.RetiredSince(ctx, u.ID, time.Time{}))(t)), 2)
		ok(t, db.ForgetRetired(ctx, u.ID, r.ID))
		same(t, must(db.RetiredSince(ctx, u.ID, time.Time{}))(t), []broker.Retired{bare})
		ok(t, db.ForgetAllRetired(ctx, u.ID))
		same(t, len(must(db.RetiredSince(ctx, u.ID, time.Time{}))(t)), 0)
		same(t, must(db.RetiredSince(ctx, eve.ID, time.Time{}))(t), []broker.Retired{other})
		ok(t, db.DeleteUser(ctx, eve.ID))
		same(t, len(must(db.RetiredSince(ctx, eve.ID, time.Time{}))(t)), 0)
	})
}

// TestLinkChangesSince: those of a time and after it, the last first, of its user.
func TestLinkChangesSince(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		u, eve, at := newUser(t, db), newUser(t, db), time.Now().Round(time.Microsecond)
		for i, id := range []string{"first", "second", "third"} {
			ok(t, db.CreateLinkChange(ctx, broker.LinkChange{ID: id, UserID: u.ID, ChangedAt: at.Add(time.Duration(i) * time.Second)}))
		}
		ok(t, db.CreateLinkChange(ctx, broker.LinkChange{ID: "eve's", UserID: eve.ID, ChangedAt: at}))
		var ids []string
		for _, c := range must(db.LinkChangesSince(ctx, u.ID, at.Add(time.Second)))(t) {
			ids = append(ids, c.ID)
		}
		same(t, ids, []string{"third", "second"})
	})
}
