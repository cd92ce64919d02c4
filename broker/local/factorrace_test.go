package local_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/broker/local/passkeytest"
	"idbroker/store"
	"idbroker/store/storetest"
)

// texted is the code of the one message that waits.
func texted(t *testing.T, db *store.DB) string {
	t.Helper()
	entries, err := db.ClaimOutbox(t.Context(), 20, time.Now().Add(time.Second), time.Minute, broker.OutboxSMS)
	must(t, err)
	if len(entries) != 1 {
		t.Fatalf("%d messages", len(entries))
	}
	var m broker.SMS
	must(t, json.Unmarshal(entries[0].Payload, &m))
	must(t, db.FinishOutbox(t.Context(), entries[0].ID, time.Now()))
	return m.Code
}

func goesOn(context.Context) error { return nil }

// TestFactorBesideTheOwners is the attack of a thief of a password who sets a number
// up while the owner sets an app up: his request is on its way when the owner's
// ends his session. His number must not stand beside the owner's app.
func TestFactorBesideTheOwners(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := local.New(db, nil, local.Options{Issuer: issuer, Hashing: cheap, SMS: true})
		ctx := t.Context()
		u := signUp(t, db, a, "ada@example.org")
		owner, thief := stay(t, db, u, "s1"), stay(t, db, u, "s2")
		onTheWay := thief // a login of his, at the step that sets a factor up
		onTheWay.IDHash, onTheWay.SID = "", "login"
		for _, s := range []broker.Session{thief, onTheWay} {
			must(t, a.StartSMS(ctx, s, "+41227676111"))
			code := texted(t, db)
			secret, _ := withApp(t, a, owner)
			_, err := a.ConfirmSMS(ctx, s, code, goesOn)
			wantErr(t, "a number by who has not shown the app", err, broker.ErrSignIn)
			if ways, err := a.FactorWays(ctx, u.ID); err != nil || len(ways) != 1 || ways[0].Kind != broker.FactorTOTP {
				t.Errorf("%+v, %v", ways, err)
			}
			must(t, db.DropPendingFactors(ctx, u.ID, broker.FactorSMS))
			must(t, a.RemoveFactor(ctx, owner, shown(t, secret, 1)))
		}
	})
}

// TestNumberOfAnEndedSession: a number counts together with the session that goes on
// with it, or not at all.
func TestNumberOfAnEndedSession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := local.New(db, nil, local.Options{Issuer: issuer, Hashing: cheap, SMS: true})
		ctx := t.Context()
		s := stay(t, db, signUp(t, db, a, "ada@example.org"), "s1")
		must(t, a.StartSMS(ctx, s, "+41227676111"))
		ended := errors.New("the session was ended this very moment")
		_, err := a.ConfirmSMS(ctx, s, texted(t, db), func(context.Context) error { return ended })
		wantErr(t, "an ended session", err, ended)
		if ways, err := a.FactorWays(ctx, s.UserID); err != nil || len(ways) != 0 {
			t.Errorf("%+v, %v", ways, err)
		}
	})
}

// TestPendingFactorsCountForNothing: what is being set up is shown by nobody, and gets
// no code but the first.
func TestPendingFactorsCountForNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := local.New(db, nil, local.Options{Issuer: issuer, Hashing: cheap, SMS: true})
		ctx := t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := stay(t, db, u, "s1")
		must(t, a.StartSMS(ctx, s, "+41227676111"))
		code := texted(t, db)
		must(t, a.StartFactor(ctx, s))
		f, _, err := a.FactorOf(ctx, u.ID)
		must(t, err)
		wantErr(t, "a code of the app", a.UseFactor(ctx, u.ID, shown(t, f.Secret, 0)), local.ErrFactorGone)
		wantErr(t, "the code that was sent", a.UseSMS(ctx, u.ID, s.SID, code), local.ErrFactorGone)
		wantErr(t, "another code", a.SendSMS(ctx, u, s.SID), local.ErrFactorGone)

		must(t, a.SetDisabled(ctx, u.ID, true))
		_, err = a.ConfirmFactor(ctx, s, shown(t, f.Secret, 0))
		wantErr(t, "an app of a blocked account", err, broker.ErrDisabled)
		_, err = a.ConfirmSMS(ctx, s, code, goesOn)
		wantErr(t, "a number of a blocked account", err, broker.ErrDisabled)
	})
}

// TestRecoveryCodesOfANumber is the attack of who steals the database and knows the
// telephone number: nothing in it tells them whether a code is right. The number is
// what it was, also of a factor from before it had a secret.
func TestRecoveryCodesOfANumber(t *testing.T) {
	const number = "+41227676111"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := local.New(db, nil, local.Options{Issuer: issuer, Hashing: cheap, SMS: true})
		ctx := t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := stay(t, db, u, "s1")
		must(t, a.StartSMS(ctx, s, number))
		codes, err := a.ConfirmSMS(ctx, s, texted(t, db), goesOn)
		must(t, err)
		for _, code := range codes {
			m := hmac.New(sha256.New, []byte(number))
			m.Write([]byte("recovery\x00" + string(u.ID) + "\x00" + strings.ReplaceAll(code, "-", "")))
			if known, err := db.HasRecoveryCode(ctx, u.ID, base64.RawURLEncoding.EncodeToString(m.Sum(nil))); err != nil || known {
				t.Fatalf("%v, %v", known, err)
			}
		}
		must(t, a.UseRecovery(ctx, u.ID, codes[0]))
		for range 2 {
			if ways, err := a.FactorWays(ctx, u.ID); err != nil || len(ways) != 1 || ways[0].Number != number {
				t.Errorf("%+v, %v", ways, err)
			}
			f, err := db.Factor(ctx, u.ID, broker.FactorSMS)
			must(t, err)
			f.Secret = number
			must(t, db.DeleteFactor(ctx, u.ID, broker.FactorSMS))
			must(t, db.CreateFactor(ctx, f))
		}
	})
}

// TestPasskeyBesideTheOwnersFactor is the attack of TestFactorBesideTheOwners with a
// passkey, which opens the account without the owner's app.
func TestPasskeyBesideTheOwnersFactor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := local.New(db, nil, local.Options{Issuer: issuer, Hashing: cheap}), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		owner, thief := stay(t, db, u, "s1"), stay(t, db, u, "s2")
		ask := local.PasskeyAsk{Purpose: broker.PasskeyAdd, Browser: "b", User: u.ID}
		options, err := a.PasskeyOptions(ctx, ask, time.Now())
		must(t, err)
		made := passkeytest.New(t, passkeytest.ES256).Register(t, options, issuer)
		withApp(t, a, owner)
		wantErr(t, "a passkey by who has not shown the app", a.AddPasskey(ctx, thief, ask, "mine", made), broker.ErrSignIn)
		must(t, a.AddPasskey(ctx, owner.WithFactor(broker.AMROTP), ask, "hers", made))
	})
}
