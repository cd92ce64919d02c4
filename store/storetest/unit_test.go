package storetest_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// errMine is an error of the code inside a unit.
var errMine = errors.New("mine")

// event writes an event with an id.
func event(ctx context.Context, db *store.DB, id string) error {
	return db.AddEvent(ctx, broker.Event{ID: id, At: time.Unix(1, 0), Name: "test"})
}

// events lists the ids of all events.
func events(t *testing.T, db *store.DB) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	for _, e := range must(db.Events(context.Background(), "", 1000))(t) {
		ids[e.ID] = true
	}
	return ids
}

func TestUnit(t *testing.T) {
	tests := []struct {
		name string
		fn   func(ctx context.Context, db *store.DB) error
		want error // nil: committed
	}{
		{"commit", func(ctx context.Context, db *store.DB) error {
			return event(ctx, db, "b")
		}, nil},
		{"error", func(ctx context.Context, db *store.DB) error {
			return errors.Join(event(ctx, db, "b"), errMine)
		}, errMine},
		{"swallowed conflict", func(ctx context.Context, db *store.DB) error {
			_ = event(ctx, db, "a")
			return nil
		}, broker.ErrDoomed},
		{"swallowed conflict of a prepared statement", func(ctx context.Context, db *store.DB) error {
			if err := db.CreateGrant(ctx, broker.Grant{ID: "g"}); err != nil {
				return err
			}
			if err := db.CreateGrant(ctx, broker.Grant{ID: "g"}); !errors.Is(err, broker.ErrConflict) {
				return err
			}
			return nil
		}, broker.ErrDoomed},
		{"swallowed foreign key", func(ctx context.Context, db *store.DB) error {
			_ = db.CreateIdentity(ctx, broker.UserIdentity{ID: "i", UserID: "nobody"})
			return nil
		}, broker.ErrDoomed},
		{"swallowed refusal of a text", func(ctx context.Context, db *store.DB) error {
			_ = event(ctx, db, "a\x00b")
			return nil
		}, broker.ErrDoomed},
		{"statement after a doomed one", func(ctx context.Context, db *store.DB) error {
			_ = event(ctx, db, "a")
			if err := event(ctx, db, "c"); !errors.Is(err, broker.ErrDoomed) {
				return errors.Join(errMine, err)
			}
			if _, err := db.Grant(ctx, "g"); !errors.Is(err, broker.ErrDoomed) {
				return errors.Join(errMine, err)
			}
			_, err := db.Users(ctx, "", 1)
			return err
		}, broker.ErrDoomed},
		{"not found does not doom", func(ctx context.Context, db *store.DB) error {
			if _, err := db.User(ctx, "nobody"); !errors.Is(err, broker.ErrNotFound) {
				return err
			}
			if _, err := db.Grant(ctx, "none"); !errors.Is(err, broker.ErrNotFound) {
				return err
			}
			if err := db.SpendAttempt(ctx, "none", time.Now()); !errors.Is(err, broker.ErrSpent) {
				return err
			}
			return event(ctx, db, "b")
		}, nil},
		{"joined", func(ctx context.Context, db *store.DB) error {
			return db.InTx(ctx, func(ctx context.Context) error { return event(ctx, db, "b") })
		}, nil},
		{"joined, failed outside", func(ctx context.Context, db *store.DB) error {
			return errors.Join(db.InTx(ctx, func(ctx context.Context) error { return event(ctx, db, "b") }), errMine)
		}, errMine},
		{"joined, failed inside, swallowed", func(ctx context.Context, db *store.DB) error {
			_ = db.InTx(ctx, func(context.Context) error { return errMine })
			return event(ctx, db, "c")
		}, broker.ErrDoomed},
		{"joined, panicked inside, recovered", func(ctx context.Context, db *store.DB) error {
			defer func() { _ = recover() }()
			return db.InTx(ctx, func(context.Context) error { panic("inside") })
		}, broker.ErrDoomed},
		{"reads its own writes", func(ctx context.Context, db *store.DB) error {
			if err := db.CreateGrant(ctx, broker.Grant{ID: "own"}); err != nil {
				return err
			}
			_, err := db.Grant(ctx, "own")
			return errors.Join(err, event(ctx, db, "b"))
		}, nil},
	}
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db, raw, ctx := storetest.Open(t, dsn), storetest.Raw(t, dsn), context.Background()
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				for _, table := range []string{"events", "grants"} {
					_, err := raw.Exec("DELETE FROM " + table)
					ok(t, err)
				}
				ok(t, event(ctx, db, "a"))
				err := db.InTx(ctx, func(ctx context.Context) error {
					if err := event(ctx, db, "before"); err != nil {
						return err
					}
					return tt.fn(ctx, db)
				})
				if !errors.Is(err, tt.want) || (tt.want == nil && err != nil) {
					t.Fatalf("InTx = %v, want %v", err, tt.want)
				}
				if got := events(t, db); got["before"] != (tt.want == nil) || got["c"] {
					t.Errorf("after %v there are %v", err, got)
				}
				ok(t, db.InTx(ctx, func(ctx context.Context) error { return event(ctx, db, "next") })) // nothing is left open
			})
		}
	})
}

func TestUnitPanic(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		func() {
			defer func() {
				if recover() != "mine" {
					t.Error("the panic did not go on")
				}
			}()
			_ = db.InTx(ctx, func(ctx context.Context) error {
				ok(t, event(ctx, db, "a"))
				panic("mine")
			})
		}()
		if got := events(t, db); len(got) != 0 {
			t.Errorf("there are %v", got)
		}
		ok(t, event(ctx, db, "next"))
	})
}

// TestUnitOver uses the context of a unit that has ended.
func TestUnitOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var stale context.Context
		ok(t, db.InTx(context.Background(), func(ctx context.Context) error {
			stale = ctx
			return nil
		}))
		if event(stale, db, "a") == nil {
			t.Error("a write in a unit that is over succeeded")
		}
		if _, err := db.Grant(stale, "g"); err == nil || errors.Is(err, broker.ErrNotFound) {
			t.Errorf("a read in a unit that is over: %v", err)
		}
		if db.InTx(stale, func(ctx context.Context) error { return event(ctx, db, "a") }) == nil {
			t.Error("a unit joined one that is over")
		}
	})
}

// TestUnitOfAnother gives the context of a unit to another database.
func TestUnitOfAnother(t *testing.T) {
	one, other := storetest.New(t), storetest.New(t)
	err := one.InTx(context.Background(), func(ctx context.Context) error {
		ok(t, event(ctx, other, "a"))
		return errMine
	})
	if !errors.Is(err, errMine) || !events(t, other)["a"] {
		t.Errorf("%v; a unit reached into another database", err)
	}
}

func TestUnitCancelled(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(context.Background())
		err := db.InTx(ctx, func(ctx context.Context) error {
			ok(t, event(ctx, db, "a"))
			cancel()
			_ = event(ctx, db, "b")
			return nil
		})
		if err == nil {
			t.Error("a cancelled unit was committed")
		}
		if got := events(t, db); len(got) != 0 {
			t.Errorf("there are %v", got)
		}
	})
}

// TestUnitWaits: who cannot get the one writer gets an error, not a standstill.
func TestUnitWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t)
		ctx := context.Background()
		err := db.InTx(ctx, func(context.Context) error {
			return db.InTx(ctx, func(context.Context) error { return nil }) // ctx is not the unit's
		})
		if broker.KindOf(err) != broker.KindUnavailable {
			t.Errorf("a unit beside its own = %v", err)
		}
	})
}

func TestLockUser(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		u := newUser(t, db)
		if _, err := db.LockUser(ctx, u.ID); err == nil {
			t.Error("LockUser outside of a unit succeeded")
		}
		err := db.InTx(ctx, func(ctx context.Context) error {
			_, err := db.LockUser(ctx, "nobody")
			return err
		})
		if !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("LockUser of nobody = %v", err)
		}
		// Sixteen add an identity each unless there are two: the lock lets two.
		var added atomic.Int32
		race(func(i int) {
			_ = db.InTx(ctx, func(ctx context.Context) error {
				if _, err := db.LockUser(ctx, u.ID); err != nil {
					return err
				}
				have, err := db.IdentitiesOf(ctx, u.ID)
				if err != nil || len(have) >= 2 {
					return err
				}
				if err := db.CreateIdentity(ctx, broker.UserIdentity{ID: broker.NewID(), UserID: u.ID, Subject: broker.NewID()}); err != nil {
					return err
				}
				added.Add(1)
				return nil
			})
		})
		if n := len(must(db.IdentitiesOf(ctx, u.ID))(t)); n != 2 || added.Load() != 2 {
			t.Errorf("%d identities, %d added; want 2", n, added.Load())
		}
	})
}
