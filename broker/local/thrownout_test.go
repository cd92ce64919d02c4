package local_test

import (
	"errors"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/broker/local/passkeytest"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestThrownOutSetsNothingUp is the attack of a thief of the password who waits at the page
// that sets a second factor up, on the way to a session, while the owner throws everybody
// out: neither his app nor his number nor his passkey gets into the account, and nothing
// gets into one that was blocked meanwhile.
func TestThrownOutSetsNothingUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := texting(t, db), t.Context()
		u := signUp(t, db, accounts(t, db), "ada@example.org")
		thief := broker.Session{SID: "login", UserID: u.ID, AuthTime: time.Now()} // no session: IDHash is ""
		ask := local.PasskeyAsk{Purpose: broker.PasskeyAdd, Browser: "his", Login: "login", User: u.ID}
		key := passkeytest.New(t, passkeytest.ES256)
		must(t, a.StartFactor(ctx, thief))
		must(t, a.StartSMS(ctx, thief, "+41791234567"))
		app, _, err := a.FactorOf(ctx, u.ID)
		must(t, err)
		code := texted(t, db)
		options, err := a.PasskeyOptions(ctx, ask, time.Now())
		must(t, err)
		tryAll := func(when string, want error) {
			t.Helper()
			_, err := a.ConfirmFactor(ctx, thief, shown(t, app.Secret, 0))
			wantErr(t, when+": an app", err, want)
			_, err = a.ConfirmSMS(ctx, thief, code, goesOn)
			wantErr(t, when+": a number", err, want)
			err = a.AddFirstPasskey(ctx, thief, ask, "Mine", key.Register(t, options, issuer))
			wantErr(t, when+": a passkey", err, want)
			passkeys, err := a.PasskeysOf(ctx, u.ID)
			must(t, err)
			ways, err := a.FactorWays(ctx, u.ID)
			must(t, err)
			if now := userOf(t, db, u.ID); len(passkeys)+len(ways) > 0 || now.HasSecondFactor() {
				t.Errorf("%s: %d passkeys and %d factors stand", when, len(passkeys), len(ways))
			}
		}
		must(t, a.SetDisabled(ctx, u.ID, true))
		tryAll("blocked", broker.ErrDisabled)
		must(t, a.SetDisabled(ctx, u.ID, false))
		must(t, a.StartSMS(ctx, thief, "+41791234567")) // a new code: that one was used up
		code = texted(t, db)
		_, err = a.SignOut(ctx, u.ID, true)
		must(t, err)
		tryAll("signed out everywhere", broker.ErrSignIn)
	})
}

// TestPasskeysAskedForElsewhere: what a device answers counts for the person, the browser
// and the time that it was asked for, and for who has just signed in.
func TestPasskeysAskedForElsewhere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u, eve := signUp(t, db, a, "ada@example.org"), signUp(t, db, a, "eve@example.org")
		s := stay(t, db, u, "s1")
		stale := s
		stale.AuthTime = time.Now().Add(-time.Hour)
		key, own := passkeytest.New(t, passkeytest.ES256), local.PasskeyAsk{Purpose: broker.PasskeyAdd, Browser: "b", User: u.ID}
		others, nowhere := own, own
		others.User, nowhere.Browser = eve.ID, ""
		add := func(s broker.Session, ask local.PasskeyAsk, at time.Time, pad int) error {
			options, err := a.PasskeyOptions(ctx, ask, at)
			must(t, err)
			credential := key.Register(t, options, issuer)
			for len(credential) < pad {
				credential += " "
			}
			return a.AddPasskey(ctx, s, ask, "Phone", credential)
		}
		now := time.Now()
		for what, tt := range map[string]struct{ got, want error }{
			"for somebody else":     {add(s, others, now, 0), broker.ErrSignIn},
			"long after signing in": {add(stale, own, now, 0), broker.ErrSignIn},
			"in no browser":         {add(s, nowhere, now, 0), local.ErrPasskeyRefused},
			"long ago":              {add(s, own, now.Add(-broker.PasskeyChallengeLifetime-time.Second), 0), local.ErrPasskeyExpired},
			"in days to come":       {add(s, own, now.Add(24*time.Hour), 0), local.ErrPasskeyExpired},
			"with too much":         {add(s, own, now, local.MaxCredential+1), local.ErrPasskeyUnreadable},
		} {
			wantErr(t, what, tt.got, tt.want)
		}
		if all, err := a.PasskeysOf(ctx, u.ID); err != nil || len(all) != 0 {
			t.Fatalf("%+v, %v", all, err)
		}
		must(t, add(s, own, now, 0))

		sign := func(at time.Time, pad int) (broker.User, error) {
			ask := local.PasskeyAsk{Purpose: broker.PasskeySignIn, Browser: "b"}
			options, err := a.PasskeyOptions(ctx, ask, at)
			must(t, err)
			credential := key.Sign(t, options, issuer)
			for len(credential) < pad {
				credential += " "
			}
			who, _, err := a.UsePasskey(ctx, ask, credential)
			return who, err
		}
		if who, err := sign(now, 0); err != nil || who.ID != u.ID {
			t.Errorf("an honest answer: %v", err)
		}
		_, err := sign(now.Add(-broker.PasskeyChallengeLifetime-time.Second), 0)
		wantErr(t, "a challenge of before", err, local.ErrPasskeyExpired)
		_, err = sign(now, local.MaxCredential+1)
		wantErr(t, "too much of an answer", err, local.ErrPasskeyUnreadable)
		must(t, a.SetDisabled(ctx, u.ID, true))
		_, err = sign(now, 0)
		wantErr(t, "of a blocked account", err, broker.ErrDisabled)
		wantErr(t, "one more for a blocked account", add(s, own, now, 0), broker.ErrDisabled)
		must(t, a.SetDisabled(ctx, u.ID, false))
		off := accountsWith(t, db, local.Options{NoPasskeys: true})
		wantErr(t, "where they are off", off.AddPasskey(ctx, s, own, "Phone", "{}"), local.ErrNoPasskeys)

		password := stay(t, db, u, "s2") // what did not begin with the passkey goes on
		s = stay(t, db, u, "s3")
		all, err := a.PasskeysOf(ctx, u.ID)
		must(t, err)
		must(t, a.RemovePasskey(ctx, s, all[0].ID))
		if gone(t, db, password) {
			t.Error("a session of the password ended with the passkey")
		}
	})
}

// TestNoNumbersWhereTheyAreOff: once nobody sends messages any more, a number is neither
// set up nor confirmed nor sent to, and none is offered that would be a dead end.
func TestNoNumbersWhereTheyAreOff(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := texting(t, db), t.Context()
		off := texting(t, db, func(o *local.Options) { o.SMS = false })
		u := signUp(t, db, accounts(t, db), "ada@example.org")
		s := stay(t, db, u, "s1")
		wantErr(t, "begin", off.StartSMS(ctx, s, "+41791234567"), local.ErrNoSMS)
		must(t, a.StartSMS(ctx, s, "+41791234567"))
		_, err := off.ConfirmSMS(ctx, s, texted(t, db), goesOn)
		wantErr(t, "confirm", err, local.ErrNoSMS)
		withNumber(t, db, a, s)
		wantErr(t, "send", off.SendSMS(ctx, userOf(t, db, u.ID), s.SID), local.ErrNoSMS)
		if ways, err := off.FactorWays(ctx, u.ID); err != nil || len(ways) != 0 {
			t.Errorf("offered: %+v, %v", ways, err)
		}
		none := accountsWith(t, db, local.Options{NoFactors: true})
		wantErr(t, "an app where factors are off", none.StartFactor(ctx, s), local.ErrNoFactors)
		_, err = none.ConfirmFactor(ctx, s, "123456")
		wantErr(t, "confirmed there", err, local.ErrNoFactors)
		wantErr(t, "removed there", none.RemoveFactor(ctx, s, "123456"), local.ErrNoFactors)
	})
}

// TestSignUpWithoutWays: where neither a password nor a code nor a passkey would open
// the account, only a provider begins one; whoever proved a mailbox and nothing else
// is said to have proven that, in the token's amr.
func TestSignUpWithoutWays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		login, _ := newLogin()
		form := local.SignUpForm{Email: "ada@example.org", Name: "Ada", Password: good}
		closed := accountsWith(t, db, local.Options{NoPasswords: true, NoPasskeys: true})
		if err := closed.SignUp(ctx, login, form); !errors.Is(err, local.ErrSignUpClosed) {
			t.Errorf("begun: %v", err)
		}
		a := accountsWith(t, db, local.Options{NoPasswords: true, Codes: local.CodesSignIn})
		must(t, a.SignUp(ctx, login, form))
		u, done, err := a.Prove(ctx, tokenOf(t, mails(t, db)[0]), "")
		must(t, err)
		if u.HasPassword() || len(done.AMR) != 1 || done.AMR[0] != broker.AMROTP {
			t.Errorf("password %t, amr %v", u.HasPassword(), done.AMR)
		}
	})
}

// TestReclaimedFromItsBeginner is the attack of somebody who began an account with the
// victim's address by a provider's lying word, and hung an app and an undoing on it:
// with the victim's new password both are gone, so that they set up their own.
func TestReclaimedFromItsBeginner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := texting(t, db, func(o *local.Options) { o.RememberFactor = time.Hour }), t.Context()
		u := signUp(t, db, accounts(t, db), "victim@example.org")
		u.EmailVouchedBy = "hub"
		must(t, db.UpdateUser(ctx, u))
		withApp(t, a, stay(t, db, u, "his"))
		cookie := rememberedHere(t, db, a, u.ID, "")
		undo, now := broker.NewSecret(), time.Now()
		must(t, db.CreateLinkChange(ctx, broker.LinkChange{ID: "change", UserID: u.ID, Provider: "hub", UndoHash: undo.Hash(), ChangedAt: now, ExpiresAt: now.Add(time.Hour)}))
		mails(t, db)
		must(t, a.RequestReset(ctx, u.Email))
		if _, err := a.Reset(ctx, tokenOf(t, mails(t, db)[0]), "another good one"); err != nil {
			t.Fatal(err)
		}
		reclaimed := userOf(t, db, u.ID)
		if by, err := a.Remembered(ctx, reclaimed, cookie); err != nil || by != "" || reclaimed.HasSecondFactor() {
			t.Errorf("his factor or browser counts: %q, %v", by, err)
		}
		if all, err := db.Factors(ctx, u.ID); err != nil || len(all) != 0 {
			t.Errorf("%d of his factors are left, %v", len(all), err)
		}
		if _, err := db.LinkChange(ctx, undo.Hash()); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("his undoing still works: %v", err)
		}
		withApp(t, a, stay(t, db, reclaimed, "hers")) // nothing of his is in the way
	})
}
