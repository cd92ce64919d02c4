package local_test

import (
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestTakeBackTheOnlyPasskey: without passwords a passkey that is all that opens an account
// stays; where mailed codes open it, too, the owner is rid of a thief's.
func TestTakeBackTheOnlyPasskey(t *testing.T) {
	for codes, want := range map[local.Codes]error{local.CodesOff: local.ErrTakeBackLast, local.CodesSignIn: nil} {
		storetest.Each(t, func(t *testing.T, db *store.DB) {
			u := signUp(t, db, accounts(t, db), "ada@example.org")
			a := accountsWith(t, db, local.Options{NoPasswords: true, Codes: codes, UndoWithin: time.Hour})
			now, secret := time.Now(), broker.NewSecret()
			must(t, db.CreatePasskey(t.Context(), broker.Passkey{ID: "k", UserID: u.ID, CredentialID: "AQ", Name: "Thief’s", CreatedAt: now}))
			must(t, db.CreateMailToken(t.Context(), broker.MailToken{Hash: secret.Hash(), Purpose: broker.MailPasskeyBack, Email: u.Email, UserID: u.ID, About: "k", CreatedAt: now, ExpiresAt: now.Add(time.Hour)}))
			_, err := a.TakeBack(t.Context(), broker.Session{}, broker.MailPasskeyBack, secret)
			wantErr(t, "taking back the only passkey", err, want)
		})
	}
}

// TestTakeBackTheAppBesideAPasskey is the attack of a thief of the mailbox where everybody
// needs a second factor: the owner has an app in the place of their passkey, and the link
// in the mail about the app would leave them with nothing, so that he set up his. So
// the passkey comes back.
func TestTakeBackTheAppBesideAPasskey(t *testing.T) {
	for need, want := range map[bool]int{true: 1, false: 0} {
		storetest.Each(t, func(t *testing.T, db *store.DB) {
			a := accountsWith(t, db, local.Options{NeedFactors: need, UndoWithin: time.Hour})
			ctx, u := t.Context(), signUp(t, db, accounts(t, db), "ada@example.org")
			s := stay(t, db, u, "s1")
			must(t, db.CreatePasskey(ctx, broker.Passkey{ID: "k", UserID: u.ID, CredentialID: "AQ", Name: "Phone", CreatedAt: time.Now()}))
			withApp(t, a, s)
			link := tokenOf(t, mailed(t, db, "factor-added"))
			must(t, a.RemovePasskey(ctx, s, "k"))
			_, err := a.TakeBack(ctx, broker.Session{}, broker.MailFactorBack, link)
			must(t, err)
			if keys, err := db.PasskeysOf(ctx, u.ID); err != nil || len(keys) != want {
				t.Errorf("needed %t: %d passkeys, want %d, %v", need, len(keys), want, err)
			}
		})
	}
}
