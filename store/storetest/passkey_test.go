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

// TestPasskeys: every field comes back; a credential is one account's, a name one
// passkey's of its user; nobody changes another's.
func TestPasskeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		u, eve := newUser(t, db), newUser(t, db)
		p := filled[broker.Passkey](t)
		p.UserID = u.ID
		ok(t, db.CreatePasskey(ctx, p))
		same(t, must(db.Passkey(ctx, p.CredentialID))(t), p)
		same(t, must(db.PasskeysOf(ctx, u.ID))(t), []broker.Passkey{p})
		bare := broker.Passkey{ID: "bare", UserID: u.ID}
		ok(t, db.CreatePasskey(ctx, bare))
		same(t, must(db.Passkey(ctx, ""))(t), bare)
		same(t, must(db.CountPasskeys(ctx, u.ID))(t), 2)
		same(t, must(db.CountPasskeys(ctx, eve.ID))(t), 0)
		if _, err := db.Passkey(ctx, "nobody's"); !errors.Is(err, broker.ErrNotFound) {
			t.Error(err)
		}
		for what, other := range map[string]broker.Passkey{
			"the credential of another": {ID: "1", UserID: eve.ID, CredentialID: p.CredentialID, Name: "x"},
			"a name twice":              {ID: "2", UserID: u.ID, CredentialID: "2", Name: p.Name},
			"the name in other letters": {ID: "3", UserID: u.ID, CredentialID: "3", Name: broker.FoldCase(p.Name)},
		} {
			if err := db.CreatePasskey(ctx, other); !errors.Is(err, broker.ErrConflict) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := db.RenamePasskey(ctx, u.ID, "bare", p.Name); !errors.Is(err, broker.ErrConflict) {
			t.Errorf("renamed to a name that is taken: %v", err)
		}
		for what, err := range map[string]error{
			"renamed another's": db.RenamePasskey(ctx, eve.ID, p.ID, "mine"), "deleted another's": db.DeletePasskey(ctx, eve.ID, p.ID),
		} {
			if !errors.Is(err, broker.ErrNotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		ok(t, db.RenamePasskey(ctx, u.ID, p.ID, "Telefon"))
		same(t, must(db.Passkey(ctx, p.CredentialID))(t).Name, "Telefon")
		ok(t, db.DeletePasskeysSince(ctx, u.ID, p.CreatedAt))
		same(t, must(db.PasskeysOf(ctx, u.ID))(t), []broker.Passkey{bare}) // made before
		ok(t, db.DeletePasskey(ctx, u.ID, "bare"))
		ok(t, db.CreatePasskey(ctx, p))
		ok(t, db.DeletePasskeysSince(ctx, u.ID, time.Time{}))
		same(t, must(db.CountPasskeys(ctx, u.ID))(t), 0)
		ok(t, db.CreatePasskey(ctx, p))
		ok(t, db.DeleteUser(ctx, u.ID))
		if _, err := db.Passkey(ctx, p.CredentialID); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("it outlives its user: %v", err)
		}
	})
}

// TestPasskeyCountsOn: a device that counts must count on, one that does not need
// not, and of sixteen who answer a challenge one is the first.
func TestPasskeyCountsOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		u := newUser(t, db)
		ok(t, db.CreatePasskey(ctx, broker.Passkey{ID: "counts", UserID: u.ID, CredentialID: "1", Name: "1", SignCount: 3}))
		ok(t, db.CreatePasskey(ctx, broker.Passkey{ID: "does not", UserID: u.ID, CredentialID: "2", Name: "2"}))
		use := func(id string, n int64) error {
			return db.UsePasskey(ctx, broker.PasskeyUse{ID: id, SignCount: n, Synced: true, At: at})
		}
		for _, n := range []int64{0, 2, 3} {
			if err := use("counts", n); !errors.Is(err, broker.ErrSpent) {
				t.Errorf("%d after 3: %v", n, err)
			}
		}
		ok(t, use("does not", 0))
		ok(t, use("does not", 0))
		ok(t, use("does not", 1)) // it began to
		if err := use("does not", 0); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("0 after 1: %v", err)
		}
		var used, answered atomic.Int32
		race(func(int) { counter(t, &used)(use("counts", 4)) })
		same(t, int(used.Load()), 1)
		p := must(db.Passkey(ctx, "1"))(t)
		if p.SignCount != 4 || !p.Synced || !p.LastUsedAt.Equal(at) {
			t.Errorf("%+v", p)
		}
		if err := use("gone", 5); !errors.Is(err, broker.ErrSpent) {
			t.Error(err)
		}
		race(func(int) { counter(t, &answered)(db.SpendPasskeyChallenge(ctx, "h", at)) })
		same(t, int(answered.Load()), 1)
		same(t, must(db.Prune(ctx, at.Add(time.Hour)))(t), 0)
		same(t, must(db.Prune(ctx, at.Add(time.Hour+time.Second)))(t), 1)
	})
}
