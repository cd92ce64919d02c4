package local_test

import (
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/store"
	"idbroker/store/storetest"
)

// texting are accounts whose second factor may be a telephone number.
func texting(t *testing.T, db *store.DB, edit ...func(*local.Options)) *local.Accounts {
	t.Helper()
	reg, err := providers.New(providers.Options{BaseURL: issuer})
	must(t, err)
	o := local.Options{Issuer: issuer, Hashing: cheap, SMS: true, CodeKeys: [][32]byte{{1}}}
	for _, f := range edit {
		f(&o)
	}
	return local.New(db, linking.New(db, reg, linking.Options{}), o)
}

// withNumber makes a telephone number a factor.
func withNumber(t *testing.T, db *store.DB, a *local.Accounts, s broker.Session) (codes []string) {
	t.Helper()
	must(t, a.StartSMS(t.Context(), s, "+41791234567"))
	entries, err := db.ClaimOutbox(t.Context(), 9, time.Now(), time.Minute, broker.OutboxSMS)
	must(t, err)
	var m broker.SMS
	must(t, json.Unmarshal(entries[0].Payload, &m))
	must(t, db.FinishOutbox(t.Context(), entries[0].ID, time.Now()))
	codes, err = a.ConfirmSMS(t.Context(), s, m.Code, goesOn)
	must(t, err)
	return codes
}

// mailed is the last mail of a template.
func mailed(t *testing.T, db *store.DB, template string) broker.Mail {
	t.Helper()
	var found broker.Mail
	for _, m := range mails(t, db) {
		if m.Template == template {
			found = m
		}
	}
	if found.Template == "" {
		t.Fatalf("no mail %q", template)
	}
	return found
}

func userOf(t *testing.T, db *store.DB, id broker.UserID) broker.User {
	t.Helper()
	u, err := db.User(t.Context(), id)
	must(t, err)
	return u
}

// gone tells whether a session is over.
func gone(t *testing.T, db *store.DB, s broker.Session) bool {
	t.Helper()
	_, err := db.Session(t.Context(), s.IDHash)
	if err != nil && !errors.Is(err, broker.ErrNotFound) {
		t.Fatal(err)
	}
	return err != nil
}

// longAgo makes a user's second factors older than any mail takes back.
func longAgo(t *testing.T, db *store.DB, user broker.UserID) {
	t.Helper()
	all, err := db.Factors(t.Context(), user)
	must(t, err)
	must(t, db.DeleteFactors(t.Context(), user))
	for _, f := range all {
		f.CreatedAt, f.ConfirmedAt = f.CreatedAt.Add(-8*24*time.Hour), f.ConfirmedAt.Add(-8*24*time.Hour)
		must(t, db.CreateFactor(t.Context(), f))
	}
}

// TestTakeFactorBack is the attack of somebody at an open browser who sets an app up so
// that its owner is locked out: the mail gives the owner the account back as it was,
// once, and everybody is out, who had made themselves recovery codes, too.
func TestTakeFactorBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		thief := stay(t, db, u, "thief")
		_, codes := withApp(t, a, thief)
		m := mailed(t, db, "factor-added")
		until, err := time.Parse(time.RFC3339, m.Data["until"])
		if left := time.Until(until); err != nil || left < 6*24*time.Hour || left > 7*24*time.Hour {
			t.Errorf("until %q: %v", m.Data["until"], err)
		}
		token := tokenOf(t, m)
		for range 2 { // looking is not taking
			b, err := a.TakeBackFor(ctx, broker.MailFactorBack, token)
			if err != nil || b.Factor != broker.FactorTOTP || b.User.ID != u.ID {
				t.Fatalf("%+v, %v", b, err)
			}
		}
		if _, err := a.TakeBack(ctx, thief, broker.MailFactorBack, token); err != nil {
			t.Fatal(err)
		}
		now := userOf(t, db, u.ID)
		if now.HasSecondFactor() || now.SignedOutAt.IsZero() || !gone(t, db, thief) {
			t.Errorf("%+v", now)
		}
		wantErr(t, "a recovery code of the thief's", a.UseRecovery(ctx, u.ID, codes[0]), local.ErrFactorGone)
		if n, err := db.CountRecoveryCodes(ctx, u.ID); n != 0 || err != nil {
			t.Errorf("%d recovery codes, %v", n, err)
		}
		if m := mailed(t, db, "factor-undone"); m.Data["link"] != "" {
			t.Errorf("the mail about it can be taken back: %+v", m)
		}
		// What stands now is the owner's, and no mail from before reaches it.
		withApp(t, a, stay(t, db, u, "owner"))
		_, err = a.TakeBack(ctx, broker.Session{}, broker.MailFactorBack, token)
		wantErr(t, "once more", err, local.ErrTakeBackUnknown)
		if !userOf(t, db, u.ID).HasSecondFactor() {
			t.Error("it took another factor away")
		}
	})
}

// TestTakeBackIsBound: a secret serves its purpose, its account's address and its time,
// and of many who send it at once one succeeds.
func TestTakeBackIsBound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := stay(t, db, u, "s")
		withApp(t, a, s)
		token := tokenOf(t, mailed(t, db, "factor-added"))
		must(t, a.RequestReset(ctx, u.Email))
		reset := tokenOf(t, mailed(t, db, "reset"))
		for what, try := range map[string]func() error{
			"as a passkey's": func() error { return second(a.TakeBack(ctx, s, broker.MailPasskeyBack, token)) },
			"as a sign-in's": func() error { return second(a.TakeBack(ctx, s, broker.MailSignInBack, token)) },
			"a password's":   func() error { return second(a.TakeBack(ctx, s, broker.MailFactorBack, reset)) },
			"a guess":        func() error { return second(a.TakeBack(ctx, s, broker.MailFactorBack, broker.NewSecret())) },
			"none":           func() error { return second(a.TakeBackFor(ctx, broker.MailFactorBack, "")) },
			"its hash":       func() error { return second(a.TakeBackFor(ctx, broker.MailFactorBack, broker.Secret(token.Hash()))) },
			"too old": func() error {
				old := broker.NewSecret()
				must(t, db.CreateMailToken(ctx, broker.MailToken{Hash: old.Hash(), Purpose: broker.MailFactorBack, Email: u.Email, UserID: u.ID, ExpiresAt: time.Now()}))
				return second(a.TakeBack(ctx, s, broker.MailFactorBack, old))
			},
		} {
			wantErr(t, what, try(), local.ErrTakeBackUnknown)
		}
		if err := second(a.Reset(ctx, token, "another good password")); err == nil {
			t.Error("it chooses a password")
		}

		moved := userOf(t, db, u.ID)
		moved.Email = "elsewhere@example.org"
		must(t, db.UpdateUser(ctx, moved))
		wantErr(t, "the mailbox is another", second(a.TakeBack(ctx, s, broker.MailFactorBack, token)), local.ErrTakeBackMoved)
		moved = userOf(t, db, u.ID)
		moved.Email, moved.DisabledAt = u.Email, time.Now()
		must(t, db.UpdateUser(ctx, moved))
		wantErr(t, "the account is disabled", second(a.TakeBack(ctx, s, broker.MailFactorBack, token)), broker.ErrDisabled)
		moved = userOf(t, db, u.ID)
		moved.DisabledAt = time.Time{}
		must(t, db.UpdateUser(ctx, moved))
		if now := userOf(t, db, u.ID); !now.HasSecondFactor() || gone(t, db, s) {
			t.Fatal("a refusal changed something")
		}

		var done atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				switch err := second(a.TakeBack(ctx, broker.Session{}, broker.MailFactorBack, token)); {
				case err == nil:
					done.Add(1)
				case !errors.Is(err, local.ErrTakeBackUnknown):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if done.Load() != 1 {
			t.Errorf("%d took it back", done.Load())
		}
	})
}

// TestMailStripsNoFactor is the attack of somebody who reads the mailbox and waits until
// its owner changes phones: the account had a second step, and no mail takes it away.
func TestMailStripsNoFactor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := texting(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := stay(t, db, u, "s")
		secret, _ := withApp(t, a, s)
		longAgo(t, db, u.ID)
		mails(t, db)

		// A number beside the app, and then the app goes: the number has to stay.
		withNumber(t, db, a, s.WithFactor(broker.AMROTP))
		token := tokenOf(t, mailed(t, db, "number-added"))
		if _, err := a.TakeBackFor(ctx, broker.MailFactorBack, token); err != nil {
			t.Errorf("while the app is there: %v", err)
		}
		_, err := a.RemoveOne(ctx, s, broker.FactorTOTP, shown(t, secret, 1))
		must(t, err)
		for range 2 {
			_, err = a.TakeBack(ctx, broker.Session{}, broker.MailFactorBack, token)
			wantErr(t, "the factor that is left", err, local.ErrTakeBackBare)
		}
		if now := userOf(t, db, u.ID); !now.HasSecondFactor() || gone(t, db, s) {
			t.Fatalf("%+v", now)
		}

		// All of it removed, and an app of the new phone set up: its mail has no way back.
		secret, codes := withApp(t, a, s.WithFactor(broker.AMROTP))
		if codes != nil {
			t.Error("recovery codes beside another factor")
		}
		longAgo(t, db, u.ID)
		must(t, a.RemoveFactor(ctx, s, shown(t, secret, 1)))
		mails(t, db)
		withApp(t, a, s)
		if m := mailed(t, db, "factor-added"); m.Data["link"] != "" || m.Data["until"] != "" {
			t.Errorf("the mail has a way back: %+v", m)
		}
	})
}

// TestTakeEachFactorBack: whoever set up two in an open session is out of both, in
// whatever order the owner opens the mails; what the owner had before stays.
func TestTakeEachFactorBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, first := range []string{"factor-added", "number-added"} {
			a, ctx := texting(t, db), t.Context()
			u := signUp(t, db, a, first+"@example.org")
			thief := stay(t, db, u, first)
			withApp(t, a, thief)
			tokens := map[string]broker.Secret{"factor-added": tokenOf(t, mailed(t, db, "factor-added"))}
			withNumber(t, db, a, thief.WithFactor(broker.AMROTP))
			tokens["number-added"] = tokenOf(t, mailed(t, db, "number-added"))
			must(t, second(a.TakeBack(ctx, broker.Session{}, broker.MailFactorBack, tokens[first])))
			if !userOf(t, db, u.ID).HasSecondFactor() {
				t.Errorf("%s: both are gone at once", first)
			}
			delete(tokens, first)
			for template, token := range tokens {
				if err := second(a.TakeBack(ctx, broker.Session{}, broker.MailFactorBack, token)); err != nil {
					t.Errorf("%s after %s: %v", template, first, err)
				}
			}
			if userOf(t, db, u.ID).HasSecondFactor() {
				t.Errorf("%s: the owner is locked out", first)
			}
			mails(t, db)
		}

		a, ctx := texting(t, db), t.Context()
		u := signUp(t, db, a, "bob@example.org")
		s := stay(t, db, u, "bob")
		secret, codes := withApp(t, a, s)
		mails(t, db)
		withNumber(t, db, a, s.WithFactor(broker.AMROTP))
		must(t, second(a.TakeBack(ctx, s, broker.MailFactorBack, tokenOf(t, mailed(t, db, "number-added")))))
		if !userOf(t, db, u.ID).HasSecondFactor() || !gone(t, db, s) {
			t.Error("the app is gone, too, or the session is not")
		}
		must(t, a.UseFactor(ctx, u.ID, shown(t, secret, 1)))
		must(t, a.UseRecovery(ctx, u.ID, codes[0]))
	})
}

// TestRemovedAlready: a thief who removes the factor that they came in with is out all
// the same.
func TestRemovedAlready(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		thief := stay(t, db, u, "thief")
		secret, _ := withApp(t, a, thief)
		token := tokenOf(t, mailed(t, db, "factor-added"))
		must(t, a.RemoveFactor(ctx, thief, shown(t, secret, 1)))
		b, err := a.TakeBackFor(ctx, broker.MailFactorBack, token)
		if err != nil || b.Factor != "" {
			t.Errorf("%+v, %v", b, err)
		}
		must(t, second(a.TakeBack(ctx, broker.Session{}, broker.MailFactorBack, token)))
		if !gone(t, db, thief) {
			t.Error("the thief is still in")
		}
	})
}

// TestEmailBackTakesFactors is the attack of a thief who gives the account an address of
// theirs first and a second factor then: the mail about it is the thief's.
func TestEmailBackTakesFactors(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := texting(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		thief := startSession(t, db, u)
		back := moved(t, db, a, thief, "thief@example.org")
		_, codes := withApp(t, a, thief)
		thiefs := tokenOf(t, mailed(t, db, "factor-added"))
		must(t, second(a.TakeEmailBack(ctx, back)))
		if userOf(t, db, u.ID).HasSecondFactor() {
			t.Error("the owner is locked out")
		}
		wantErr(t, "a recovery code of the thief's", a.UseRecovery(ctx, u.ID, codes[0]), local.ErrFactorGone)
		wantErr(t, "the thief's link", second(a.TakeBack(ctx, thief, broker.MailFactorBack, thiefs)), local.ErrTakeBackMoved)

		// What was there before the change stays, and so does what took its place.
		mails(t, db)
		bob := signUp(t, db, a, "bob@example.org")
		s := startSession(t, db, bob)
		secret, _ := withApp(t, a, s)
		longAgo(t, db, bob.ID)
		back = moved(t, db, a, s, "bob@new.example.org")
		withNumber(t, db, a, s.WithFactor(broker.AMROTP))
		must(t, second(a.TakeEmailBack(ctx, back)))
		if all, err := db.Factors(ctx, bob.ID); err != nil || len(all) != 1 || all[0].Kind != broker.FactorTOTP {
			t.Fatalf("%+v, %v", all, err)
		}
		s = startSession(t, db, bob)
		back = moved(t, db, a, s, "bob@new.example.org")
		must(t, a.RemoveFactor(ctx, s, shown(t, secret, 1)))
		withApp(t, a, s)
		must(t, second(a.TakeEmailBack(ctx, back)))
		if !userOf(t, db, bob.ID).HasSecondFactor() {
			t.Error("an old mailbox strips the account of the second step that it had")
		}

		// Also what was swapped for it.
		mails(t, db)
		eve := signUp(t, db, a, "eve@example.org")
		s = startSession(t, db, eve)
		secret, _ = withApp(t, a, s)
		back = moved(t, db, a, s, "eve@new.example.org")
		s = s.WithFactor(broker.AMROTP)
		must(t, a.StartSwap(ctx, s))
		next, err := a.NextApp(ctx, s)
		must(t, err)
		must(t, second(a.ConfirmSwap(ctx, s, shown(t, next.Secret, 0), shown(t, secret, 1))))
		must(t, second(a.TakeEmailBack(ctx, back)))
		if !userOf(t, db, eve.ID).HasSecondFactor() {
			t.Error("an old mailbox strips the account of the app that was swapped")
		}
	})
}
