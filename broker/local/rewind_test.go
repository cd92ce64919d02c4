package local_test

import (
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/broker/local/passkeytest"
	"idbroker/linking"
	"idbroker/store"
	"idbroker/store/storetest"
)

// withPasskey gives a session's user a passkey and returns its row.
func withPasskey(t *testing.T, db *store.DB, a *local.Accounts, s broker.Session, name string) broker.Passkey {
	t.Helper()
	ask := local.PasskeyAsk{Purpose: broker.PasskeyAdd, Browser: s.SID, User: s.UserID}
	options, err := a.PasskeyOptions(t.Context(), ask, time.Now())
	must(t, err)
	must(t, a.AddPasskey(t.Context(), s, ask, name, passkeytest.New(t, passkeytest.ES256).Register(t, options, issuer)))
	all, err := db.PasskeysOf(t.Context(), s.UserID)
	must(t, err)
	for _, p := range all {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no passkey %q", name)
	return broker.Passkey{}
}

// sentTo is the code that a user's number gets now for a session.
func sentTo(t *testing.T, db *store.DB, a *local.Accounts, u broker.User, s broker.Session) string {
	t.Helper()
	f, err := db.Factor(t.Context(), u.ID, broker.FactorSMS)
	must(t, err)
	must(t, db.DeleteFactor(t.Context(), u.ID, broker.FactorSMS))
	f.CodeAt = f.CodeAt.Add(-time.Hour) // the pause is over
	must(t, db.CreateFactor(t.Context(), f))
	must(t, a.SendSMS(t.Context(), u, s.SID))
	return texted(t, db)
}

func passkeysOf(t *testing.T, db *store.DB, user broker.UserID) (names []string) {
	t.Helper()
	all, err := db.PasskeysOf(t.Context(), user)
	must(t, err)
	for _, p := range all {
		names = append(names, p.Name)
	}
	return names
}

// TestAddedAndRemovedAndAdded is the attack of a thief who moves the address, and adds,
// removes and adds a second factor, so that it looks as if one had been there before: the
// owner who takes the address back is rid of it, needs no operator, and has the
// password to choose that the thief had set.
func TestAddedAndRemovedAndAdded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := texting(t, db), t.Context()
		for _, before := range []bool{false, true} { // the first one before the address is moved
			u := signUp(t, db, a, map[bool]string{false: "ada", true: "bob"}[before]+"@example.org")
			mails(t, db)
			thief := startSession(t, db, u)
			var back broker.Secret
			if !before {
				back = moved(t, db, a, thief, "thief@example.org")
			}
			secret, _ := withApp(t, a, thief)
			if mails(t, db); before {
				back = moved(t, db, a, thief.WithFactor(broker.AMROTP), "thief2@example.org")
			}
			must(t, a.RemoveFactor(ctx, thief, shown(t, secret, 1)))
			withApp(t, a, thief)
			withNumber(t, db, a, thief.WithFactor(broker.AMROTP))
			must(t, a.ChangePassword(ctx, thief, good, "another password of thieves"))
			mails(t, db)
			must(t, second(a.TakeEmailBack(ctx, back)))
			if now := userOf(t, db, u.ID); now.HasSecondFactor() || now.HasPassword() {
				t.Errorf("before %v: second factor %v, password %v", before, now.HasSecondFactor(), now.HasPassword())
			}
			if all, err := db.Factors(ctx, u.ID); err != nil || len(all) > 0 {
				t.Errorf("before %v: %+v, %v", before, all, err)
			}
		}
	})
}

// TestMailOfEachAddition: whoever adds, removes and adds a factor while the owner gets the
// mails does not keep the last one either.
func TestMailOfEachAddition(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := texting(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		thief := startSession(t, db, u)
		secret, _ := withApp(t, a, thief)
		must(t, a.RemoveFactor(ctx, thief, shown(t, secret, 1)))
		mails(t, db)
		withApp(t, a, thief)
		must(t, second(a.TakeBack(ctx, broker.Session{}, broker.MailFactorBack, tokenOf(t, mailed(t, db, "factor-added")))))
		if userOf(t, db, u.ID).HasSecondFactor() {
			t.Error("the owner is locked out")
		}
	})
}

// TestYoungFactorVouchesForNothing is the attack of somebody at an open browser who adds a
// number of theirs, which takes nothing that the owner has, and then removes, swaps or
// outlives the owner's app by its code. After undo_within the number is as good.
func TestYoungFactorVouchesForNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := texting(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := stay(t, db, u, "s").WithFactor(broker.AMROTP)
		secret, codes := withApp(t, a, s)
		withNumber(t, db, a, s)
		must(t, a.StartSwap(ctx, s))
		next, err := a.NextApp(ctx, s)
		must(t, err)
		for what, try := range map[string]func(code string) error{
			"remove all":            func(code string) error { return a.RemoveFactor(ctx, s, code) },
			"remove the app":        func(code string) error { return second(a.RemoveOne(ctx, s, broker.FactorTOTP, code)) },
			"remove the number":     func(code string) error { return second(a.RemoveOne(ctx, s, broker.FactorSMS, code)) },
			"make recovery codes":   func(code string) error { return second(a.RenewRecovery(ctx, s, code)) },
			"put an app of theirs":  func(code string) error { return second(a.ConfirmSwap(ctx, s, shown(t, next.Secret, 0), code)) },
			"remove, with no digit": func(string) error { return a.RemoveFactor(ctx, s, wrong(t, secret)) },
		} {
			wantErr(t, what, try(sentTo(t, db, a, u, s)), local.ErrFactorYoung)
		}
		if all, err := db.Factors(ctx, u.ID); err != nil || len(all) != 3 {
			t.Fatalf("%+v, %v", all, err)
		}
		if _, err := a.RenewRecovery(ctx, s, shown(t, secret, 1)); err != nil {
			t.Errorf("with the app: %v", err)
		}
		wantErr(t, "an old recovery code", a.RemoveFactor(ctx, s, codes[0]), local.ErrRecoveryWrong)
		longAgo(t, db, u.ID)
		if err := second(a.RemoveOne(ctx, s, broker.FactorTOTP, sentTo(t, db, a, u, s))); err != nil {
			t.Errorf("with the number, a week later: %v", err)
		}
	})
}

// TestRemovedPasskeyComesBack is the attack of somebody at an open browser, where everybody
// needs a second factor, who adds an app and removes the owner's passkey: taking the
// app back gives the passkey back. So does taking the address back, and whoever
// reads the mail alone gets past no passkey that its person put in the place of another.
func TestRemovedPasskeyComesBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := texting(t, db, func(o *local.Options) { o.NeedFactors = true }), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := stay(t, db, u, "s").WithFactor(broker.AMROTP)
		owners := withPasskey(t, db, a, s, "Phone")
		mails(t, db)
		withApp(t, a, s)
		token := tokenOf(t, mailed(t, db, "factor-added"))
		must(t, a.RemovePasskey(ctx, s, owners.ID))
		must(t, second(a.TakeBack(ctx, broker.Session{}, broker.MailFactorBack, token)))
		if all, err := db.PasskeysOf(ctx, u.ID); err != nil || len(all) != 1 || all[0].CredentialID != owners.CredentialID {
			t.Fatalf("%+v, %v", all, err)
		}

		back := moved(t, db, a, stay(t, db, u, "t").WithFactor(broker.AMROTP), "elsewhere@example.org")
		s = stay(t, db, u, "v").WithFactor(broker.AMROTP)
		thiefs := withPasskey(t, db, a, s, "Phone 2")
		must(t, a.RenamePasskey(ctx, u.ID, owners.ID, "Old"))
		must(t, a.RemovePasskey(ctx, s, owners.ID))
		must(t, second(a.TakeEmailBack(ctx, back)))
		if all := passkeysOf(t, db, u.ID); len(all) != 1 || all[0] != "Old" {
			t.Errorf("%v, and not %v", all, thiefs.Name)
		}
	})
}

// TestTakenBackStaysAway: what a thief has removed themselves, and its mail has taken back,
// does not come back with what stood beside it.
func TestTakenBackStaysAway(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := texting(t, db, func(o *local.Options) { o.NeedFactors = true }), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := stay(t, db, u, "s").WithFactor(broker.AMROTP)
		thiefs := withPasskey(t, db, a, s, "Thief’s")
		first := tokenOf(t, mailed(t, db, "passkey-added"))
		withApp(t, a, s)
		then := tokenOf(t, mailed(t, db, "factor-added"))
		must(t, a.RemovePasskey(ctx, s, thiefs.ID))
		must(t, second(a.TakeBack(ctx, broker.Session{}, broker.MailPasskeyBack, first)))
		must(t, second(a.TakeBack(ctx, broker.Session{}, broker.MailFactorBack, then)))
		if all := passkeysOf(t, db, u.ID); len(all) > 0 {
			t.Errorf("back again: %v", all)
		}
	})
}

// TestFactorStandsAlone: where a second factor stands, no mail gives a passkey back that its
// person has removed: a phone that is gone may have the mailbox and the passkey.
func TestFactorStandsAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := texting(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := stay(t, db, u, "s").WithFactor(broker.AMROTP)
		withApp(t, a, s)
		lost := withPasskey(t, db, a, s, "Lost phone")
		back := func() broker.Secret { mails(t, db); return moved(t, db, a, s, "elsewhere@example.org") }()
		must(t, a.RemovePasskey(ctx, s, lost.ID))
		must(t, second(a.TakeEmailBack(ctx, back)))
		if all := passkeysOf(t, db, u.ID); len(all) > 0 || !userOf(t, db, u.ID).HasSecondFactor() {
			t.Errorf("who has the phone gets past the app: %v", all)
		}
	})
}

// TestUnlinkedComesBack: where identities alone open accounts, a thief who moves the address
// and puts an identity of theirs in the place of the owner's does not keep the account.
func TestUnlinkedComesBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		u := signUp(t, db, accounts(t, db), "ada@example.org")
		a, l := linkedWith(t, db, linking.Options{NoPasswords: true}, local.Options{NoPasswords: true, Codes: local.CodesOff})
		must(t, l.Attach(ctx, u, hub, time.Now()))
		s := startSession(t, db, u)
		back := moved(t, db, a, s, "thief@example.org")
		must(t, l.Attach(ctx, u, thiefs, time.Now()))
		unlinked(t, db, l, s, "hub")
		must(t, second(a.TakeEmailBack(ctx, back)))
		if !onlyHub(t, db, u.ID) {
			t.Error("what opens the account is not what did")
		}
	})
}
