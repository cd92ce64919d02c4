package local_test

import (
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// closedAccount is somebody who has closed their account, and what reopens it.
func closedAccount(t *testing.T, db *store.DB) (*local.Accounts, broker.User, broker.Secret) {
	t.Helper()
	a := accounts(t, db)
	u := signUp(t, db, a, "ada@example.org")
	back := closed(t, db, a, startSession(t, db, u))
	return a, userOf(t, db, u.ID), back
}

// TestClosedAndForgotten: who has closed their account and does not know the password any
// more asks for another as anybody does, and comes back by what is mailed. Before, no mail
// came, and signing up again only said to choose a new password.
func TestClosedAndForgotten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		a, u, first := closedAccount(t, db)
		must(t, a.RequestReset(ctx, u.Email))
		sent := mails(t, db)
		if len(sent) != 1 || sent[0].Template != "closed-known" || sent[0].To != u.Email || sent[0].Data["until"] == "" {
			t.Fatalf("mails: %+v", sent)
		}
		if _, err := a.ReopenFor(ctx, first); err != nil {
			t.Errorf("the link of the first mail: %v", err) // a stranger who asks takes nothing away
		}
		if _, err := a.ResetFor(ctx, tokenOf(t, sent[0])); err == nil {
			t.Error("the link that reopens chooses a password, too")
		}
		_, err := a.Reopen(ctx, tokenOf(t, sent[0]))
		must(t, err)
		must(t, a.RequestReset(ctx, u.Email))
		_, err = a.Reset(ctx, tokenOf(t, mails(t, db)[0]), "another password of hers")
		must(t, err)
		if _, _, err := a.Authenticate(ctx, u.Email, "another password of hers"); err != nil {
			t.Error(err)
		}
		mails(t, db)

		// What is due to be erased is past help.
		u = userOf(t, db, u.ID)
		u.DisabledAt, u.EraseAt = time.Now(), time.Now().Add(-time.Second)
		must(t, db.UpdateUser(ctx, u))
		must(t, a.RequestReset(ctx, u.Email))
		if sent := mails(t, db); len(sent) != 0 {
			t.Errorf("too late: %+v", sent)
		}
	})
}

// TestClosedUnproven: an address that nobody has proven reopens nothing, whoever reads its mail.
func TestClosedUnproven(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		a, u, _ := closedAccount(t, db)
		u.EmailVerifiedAt = time.Time{}
		must(t, db.UpdateUser(ctx, u))
		must(t, a.RequestReset(ctx, u.Email))
		if sent := mails(t, db); len(sent) != 0 {
			t.Errorf("mails: %+v", sent)
		}
	})
}

// TestClosedAsksForACode: so does who signs in with codes, and the code is not mailed.
func TestClosedAsksForACode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		a, u, _ := closedAccount(t, db)
		login, _ := newLogin()
		c := broker.MailCode{ID: broker.NewID(), Purpose: broker.CodeSignIn, LoginID: login.ID, Email: u.Email, CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Minute)}
		must(t, db.CreateMailCode(ctx, c))
		q := broker.CodeRequest{ID: c.ID, Code: "BCDF-GHJK", At: time.Now()}
		must(t, a.DeliverCode(ctx, q.Entry(time.Now()).Payload))
		sent := mails(t, db)
		if len(sent) != 1 || sent[0].Template != "closed-known" {
			t.Fatalf("mails: %+v", sent)
		}
		if _, err := a.Reopen(ctx, tokenOf(t, sent[0])); err != nil {
			t.Error(err)
		}
	})
}

// TestResetTellsTheUsername: where people sign in with it, who has forgotten both learns it
// from the same mail; where nobody does, it stays out.
func TestResetTellsTheUsername(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		u.Username = "ada"
		must(t, db.UpdateUser(ctx, u))
		must(t, a.RequestReset(ctx, u.Email))
		if sent := mails(t, db); len(sent) != 1 || sent[0].Data["username"] != "ada" {
			t.Errorf("mails: %+v", sent)
		}
		without := accountsWith(t, db, local.Options{Usernames: local.Usernames{NoSignIn: true}})
		must(t, without.DeliverReset(ctx, broker.ResetRequest{Email: u.Email, At: time.Now()}.Entry(time.Now()).Payload))
		if sent := mails(t, db); len(sent) != 1 || sent[0].Data["username"] != "" {
			t.Errorf("mails: %+v", sent)
		}
	})
}
