package linking_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/store"
	"idbroker/store/storetest"
)

// codes lets the accounts of a world mail codes for whatever purpose.
func (w *world) codes() {
	w.accounts = local.New(w.db, w.Linker, local.Options{Issuer: base, Hashing: hashing, Codes: local.CodesSignIn, CodeKeys: [][32]byte{{1}}})
}

// coded is a login of a new browser in which a code was asked for, and the mail
// that came. Where subject is given, their identity at two waits in it.
func (w *world) coded(email, subject string) (broker.Login, broker.Mail) {
	w.t.Helper()
	ctx, now := w.t.Context(), time.Now()
	l := broker.Login{ID: broker.LoginID(broker.NewID()), BrowserHash: broker.NewSecret().Hash(), StartedAt: now, ExpiresAt: now.Add(time.Hour)}
	if subject != "" {
		l = w.journey(newBrowser(), "two", broker.PurposeSignIn, subject).Login
	} else {
		must(w.t, w.db.CreateLogin(ctx, l))
	}
	must(w.t, w.accounts.SendCode(ctx, l, email, local.CodeAsk{}))
	entries, err := w.db.ClaimOutbox(ctx, 100, now.Add(time.Second), time.Minute, broker.OutboxCode)
	must(w.t, err)
	for _, e := range entries {
		must(w.t, w.accounts.DeliverCode(ctx, e.Payload))
		must(w.t, w.db.FinishOutbox(ctx, e.ID, now))
	}
	m, err := w.inbox.last(w.db, email)
	must(w.t, err)
	if m.Data["code"] == "" {
		w.t.Fatalf("%+v", m)
	}
	return l, m
}

// TestReclaimByCode: who reads a code at an address that only a provider vouched
// for comes in to an account of which nothing is left to the one who began it.
func TestReclaimByCode(t *testing.T) {
	for purpose, subject := range map[string]string{"to sign in": "", "to link": "eve"} {
		t.Run(purpose, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db, automaticAtOne)
				w.codes()
				ctx := t.Context()
				u := squatted(t, w)
				must(t, w.accounts.DeliverReset(ctx, broker.ResetRequest{Email: u.Email, At: time.Now()}.Entry(time.Now()).Payload))
				reset := w.token(u.Email, "reset")
				l, m := w.coded(u.Email, subject)
				if m.Data["vouched"] != "Provider one" {
					t.Errorf("the mail does not tell what the code does: %+v", m)
				}
				before := w.state(u)
				if _, _, err := w.accounts.RedeemCode(ctx, l, "BBBB-BBBB"); !errors.Is(err, local.ErrCodeWrong) || !reflect.DeepEqual(w.read(u), u) || w.state(u) != before {
					t.Errorf("a wrong code: %v, %+v", err, w.state(u))
				}
				got, how, err := w.accounts.RedeemCode(ctx, l, m.Data["code"])
				must(t, err)
				if now := w.read(u); got.ID != u.ID || got.Version != now.Version || !got.EmailProven() || now.HasPassword() || now.SignedOutAt.IsZero() || how.At.Before(now.SignedOutAt) {
					t.Errorf("%+v, told %+v, %+v", now, got, how)
				}
				if _, err := w.accounts.Reset(ctx, reset, "a password of mallory's"); err == nil {
					t.Error("a link from before still works")
				}
				if subject == "" {
					reclaimed(t, w, u, 0)
					return
				}
				l.Authenticated(got.ID, how)
				outcome, err := w.LinkPending(ctx, broker.Session{UserID: got.ID, SID: "owner", AuthTime: how.At}, l, false)
				if err != nil || outcome != linking.Linked {
					t.Errorf("%s, %v", outcome, err)
				}
				reclaimed(t, w, u, 1)
			})
		})
	}
}

// TestCodeOfOnesOwn: an address that was proven here is re-claimed by nobody; a code
// takes nothing from the account.
func TestCodeOfOnesOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, automaticAtOne)
		w.codes()
		u := squatted(t, w)
		u.EmailVouchedBy = ""
		must(t, db.UpdateUser(t.Context(), u))
		u = w.read(u)
		l, m := w.coded(u.Email, "")
		before := w.state(u)
		if _, _, err := w.accounts.RedeemCode(t.Context(), l, m.Data["code"]); err != nil || !reflect.DeepEqual(w.read(u), u) || w.state(u) != before || m.Data["vouched"] != "" {
			t.Errorf("%v, %+v, %+v, %+v", err, w.read(u), w.state(u), m)
		}
		if _, err := db.Session(t.Context(), "mallorys"); err != nil {
			t.Error("the session is gone")
		}
	})
}

// TestCodeIsSpentOrNothing: where the re-claim fails half-way nothing has changed, and
// the code still works.
func TestCodeIsSpentOrNothing(t *testing.T) {
	w := newWorld(t, storetest.New(t), automaticAtOne)
	w.codes()
	u := squatted(t, w)
	l, m := w.coded(u.Email, "")
	before := w.state(u)
	fails := true
	working := w.accounts
	w.accounts = local.New(w.db, w.Linker, local.Options{
		Issuer: base, Hashing: hashing, Codes: local.CodesSignIn, CodeKeys: [][32]byte{{1}},
		EndGrants: func(context.Context, broker.GrantFilter, string, time.Time) (int, error) {
			if fails {
				return 0, errCrash
			}
			return 0, nil
		},
	})
	if _, _, err := w.accounts.RedeemCode(t.Context(), l, m.Data["code"]); !errors.Is(err, errCrash) || !reflect.DeepEqual(w.read(u), u) || w.state(u) != before {
		t.Errorf("%v, %+v, %+v", err, w.read(u), w.state(u))
	}
	if _, err := w.db.Session(t.Context(), "mallorys"); err != nil {
		t.Error("the session is gone")
	}
	fails = false
	_, _, err := w.accounts.RedeemCode(t.Context(), l, m.Data["code"])
	must(t, err)
	w.accounts = working
	reclaimed(t, w, u, 0)
}

// TestReclaimAtANewAddress: that an operator gives the account another address
// proves nothing. Whoever reads the mail there re-claims it, as at the old one.
func TestReclaimAtANewAddress(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, automaticAtOne)
		w.codes()
		ctx := t.Context()
		u, err := w.accounts.ChangeEmail(ctx, squatted(t, w).ID, "owner@new.example.org")
		must(t, err)
		must(t, w.accounts.DeliverReset(ctx, broker.ResetRequest{Email: u.Email, At: time.Now()}.Entry(time.Now()).Payload))
		_, err = w.accounts.Reset(ctx, w.token(u.Email, "reset"), "a password of the owner")
		must(t, err)
		reclaimed(t, w, u, 0)
	})
}
