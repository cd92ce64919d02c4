package storetest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestFormerUsernames: a name that was given up has a holder until it is released,
// its time is over, or the same person has it again; the account may be gone by then.
func TestFormerUsernames(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
		holders := func(name, mac string, at time.Time) []broker.UserID {
			t.Helper()
			ids, err := db.UsernameHolders(ctx, name, mac, at)
			ok(t, err)
			slices.Sort(ids)
			return ids
		}
		ok(t, db.CreateUser(ctx, broker.User{ID: "ada", Username: "Countess"}))
		same(t, holders("cOUNTESS", "mac", at), []broker.UserID{"ada"})
		same(t, holders("", "", at), []broker.UserID(nil))
		same(t, holders("x\x00", "y", at), []broker.UserID(nil))

		for _, f := range []broker.FormerUsername{
			{MAC: "ever", UserID: "ada", CreatedAt: at},
			{MAC: "hour", UserID: "ada", CreatedAt: at.Add(time.Second), Until: at.Add(time.Hour)},
		} {
			ok(t, db.GiveUpUsername(ctx, f))
		}
		same(t, holders("x", "ever", at.AddDate(100, 0, 0)), []broker.UserID{"ada"})
		same(t, holders("x", "hour", at), []broker.UserID{"ada"})
		same(t, holders("x", "hour", at.Add(time.Hour)), []broker.UserID(nil))
		list, err := db.FormerUsernamesOf(ctx, "ada")
		ok(t, err)
		same(t, list, []broker.FormerUsername{{MAC: "ever", UserID: "ada", CreatedAt: at}, {MAC: "hour", UserID: "ada", CreatedAt: at.Add(time.Second), Until: at.Add(time.Hour)}})

		ok(t, db.TakeUpUsername(ctx, "bob", "ever")) // is not theirs
		same(t, holders("x", "ever", at), []broker.UserID{"ada"})
		ok(t, db.GiveUpUsername(ctx, broker.FormerUsername{MAC: "hour", UserID: "bob", CreatedAt: at}))
		same(t, holders("x", "hour", at.Add(2*time.Hour)), []broker.UserID{"bob"})
		ok(t, db.TakeUpUsername(ctx, "bob", "hour"))
		same(t, holders("x", "hour", at), []broker.UserID(nil))

		ok(t, db.DeleteUser(ctx, "ada"))
		same(t, holders("x", "ever", at), []broker.UserID{"ada"})
		ok(t, db.GiveUpUsername(ctx, broker.FormerUsername{MAC: "gone", UserID: "ada", CreatedAt: at, Until: at.Add(-time.Hour)}))
		if _, err := db.Prune(ctx, at); err != nil {
			t.Fatal(err)
		}
		if list, err = db.FormerUsernamesOf(ctx, "ada"); err != nil || len(list) != 1 || list[0].MAC != "ever" {
			t.Errorf("after pruning: %+v, %v", list, err)
		}
		ok(t, db.ReleaseUsername(ctx, "ever"))
		if err := db.ReleaseUsername(ctx, "ever"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("released twice: %v", err)
		}
	})
}

// TestUsernameIsNeverSeenFree looks at a name while its owner gives it up: in one
// row or the other there is always a holder.
func TestUsernameIsNeverSeenFree(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		u := broker.User{ID: "ada", Username: "ada"}
		ok(t, db.CreateUser(ctx, u))
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for ctx.Err() == nil {
					if ids, err := db.UsernameHolders(ctx, "ada", "mac", time.Now()); err == nil && len(ids) == 0 {
						t.Error("the name was seen to be free")
						return
					}
				}
			})
		}
		for range 20 {
			for _, name := range []string{"countess", "ada"} {
				ok(t, db.InTx(ctx, func(ctx context.Context) error {
					u.Username = name
					if name == "ada" {
						if err := db.TakeUpUsername(ctx, u.ID, "mac"); err != nil {
							return err
						}
					} else if err := db.GiveUpUsername(ctx, broker.FormerUsername{MAC: "mac", UserID: u.ID, CreatedAt: time.Now()}); err != nil {
						return err
					}
					return db.UpdateUser(ctx, u)
				}))
				u.Version++
			}
		}
		cancel()
		wg.Wait()
	})
}
