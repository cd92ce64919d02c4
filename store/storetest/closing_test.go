package storetest_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestUsersToErase: those that are due, the longest due first, and no others.
func TestUsersToErase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		for id, eraseAt := range map[broker.UserID]time.Time{
			"open": {}, "later": at.Add(time.Microsecond), "now": at, "before": at.Add(-time.Hour),
		} {
			ok(t, db.CreateUser(ctx, broker.User{ID: id, Email: string(id) + "@example.org", EraseAt: eraseAt, DisabledAt: eraseAt, CreatedAt: at, UpdatedAt: at}))
		}
		if got := must(db.UsersToErase(ctx, at, 9))(t); !slices.Equal(got, []broker.UserID{"before", "now"}) {
			t.Errorf("%v", got)
		}
		if got := must(db.UsersToErase(ctx, at, 1))(t); !slices.Equal(got, []broker.UserID{"before"}) {
			t.Errorf("%v", got)
		}
	})
}

// TestLockAdmins: the active ones, inside a unit of work alone.
func TestLockAdmins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		for id, u := range map[broker.UserID]broker.User{"b": {Admin: true}, "a": {Admin: true}, "disabled": {Admin: true, DisabledAt: at}, "nobody": {}} {
			u.ID, u.Email, u.CreatedAt, u.UpdatedAt = id, string(id)+"@example.org", at, at
			ok(t, db.CreateUser(ctx, u))
		}
		if _, err := db.LockAdmins(ctx); err == nil {
			t.Error("a lock outside a unit of work holds nothing")
		}
		ok(t, db.InTx(ctx, func(ctx context.Context) error {
			got, err := db.LockAdmins(ctx)
			if !slices.Equal(got, []broker.UserID{"a", "b"}) {
				t.Errorf("%v", got)
			}
			return err
		}))
	})
}
