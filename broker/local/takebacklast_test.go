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
