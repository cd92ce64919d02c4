package local_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestEmailBack is the attack of a thief at an open browser who gives the account
// an address of theirs, and then another one: the owner takes it back, and the
// thief is out and cannot do the same.
func TestEmailBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		thief := startSession(t, db, u)
		owners := moved(t, db, a, thief, "thief@example.org")
		thiefs := moved(t, db, a, thief, "thief@second.example.org")
		must(t, a.UpdateProfile(ctx, u.ID, local.Profile{Version: local.AnyVersion, Name: "changed"})) // does not void it
		must(t, a.RequestReset(ctx, "thief@second.example.org"))
		reset := tokenOf(t, mails(t, db)[0])
		pending := asked(t, db, a, thief, "thief@third.example.org")

		// The thief's own way back, tried first, leaves the owner's alone.
		if u, err := a.TakeEmailBack(ctx, thiefs); err != nil || u.Email != "thief@example.org" {
			t.Fatalf("%q, %v", u.Email, err)
		}
		for range 2 {
			if email, err := a.EmailBackFor(ctx, owners); err != nil || email != u.Email {
				t.Fatalf("%q, %v", email, err)
			}
		}
		thief = startSession(t, db, u)
		thiefs = moved(t, db, a, thief, "thief@fourth.example.org")
		if got, err := a.TakeEmailBack(ctx, owners); err != nil || got.Email != u.Email {
			t.Fatalf("%q, %v", got.Email, err)
		}
		got, err := db.User(ctx, u.ID)
		if err != nil || got.Email != u.Email || !got.EmailProven() || got.SignedOutAt.IsZero() {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := db.Session(ctx, thief.IDHash); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("the thief's session: %v", err)
		}
		for what, err := range map[string]error{
			"the thief's way back":  second(a.TakeEmailBack(ctx, thiefs)),
			"the owner's once more": second(a.TakeEmailBack(ctx, owners)),
			"a guess":               second(a.EmailBackFor(ctx, broker.NewSecret())),
			"a link to a password":  second(a.TakeEmailBack(ctx, reset)),
			"no link":               second(a.TakeEmailBack(ctx, "")),
		} {
			if !errors.Is(err, local.ErrBackUnknown) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := a.Reset(ctx, reset, "another good password"); err == nil {
			t.Error("a link that the thief was mailed chooses a password")
		}
		if _, err := a.ConfirmEmail(ctx, startSession(t, db, u), pending); err == nil {
			t.Error("a link that the thief was mailed proves an address")
		}
	})
}

// TestEmailBackTaken: an address that another account has by now stays there.
func TestEmailBackTaken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := startSession(t, db, u)
		back := moved(t, db, a, s, "ada@new.example.org")
		next := signUp(t, db, a, "ada@example.org")
		if _, err := a.EmailBackFor(ctx, back); !errors.Is(err, local.ErrBackTaken) {
			t.Errorf("looking: %v", err)
		}
		if _, err := a.TakeEmailBack(ctx, back); !errors.Is(err, local.ErrBackTaken) {
			t.Errorf("taken: %v", err)
		}
		if got, err := db.User(ctx, u.ID); err != nil || got.Email != "ada@new.example.org" {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := db.Session(ctx, s.IDHash); err != nil {
			t.Errorf("the session: %v", err)
		}
		must(t, a.Delete(ctx, next.ID))
		must(t, a.SetDisabled(ctx, u.ID, true))
		if _, err := a.TakeEmailBack(ctx, back); !errors.Is(err, broker.ErrDisabled) {
			t.Errorf("disabled: %v", err)
		}
	})
}

// TestEmailBackEnds: the way back lasts for seven days, and whoever only a
// provider vouched for gets none.
func TestEmailBackEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t)
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		back := moved(t, db, a, startSession(t, db, u), "ada@new.example.org")
		time.Sleep(7*24*time.Hour - time.Second)
		if _, err := a.EmailBackFor(ctx, back); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if _, err := a.TakeEmailBack(ctx, back); !errors.Is(err, local.ErrBackUnknown) {
			t.Errorf("after seven days: %v", err)
		}
		u, err := db.User(ctx, u.ID)
		must(t, err)
		u.EmailVouchedBy = "hub"
		must(t, db.UpdateUser(ctx, u))
		s := startSession(t, db, u)
		_, err = a.ConfirmEmail(ctx, s, asked(t, db, a, s, "ada@third.example.org"))
		must(t, err)
		if sent := mails(t, db); len(sent) != 1 || sent[0].Template != "email-changed" || sent[0].Data["link"] != "" {
			t.Errorf("mails: %+v", sent)
		}
	})
}
