package local_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// Two spellings of one mailbox: letters is shown and mailed where it was typed, ascii where that was.
const (
	letters = "ada@b\u00fccher.example"
	ascii   = "ada@xn--bcher-kva.example"
)

// TestTwoSpellingsSignUpAtOnce: two forms with the spellings of one mailbox, whose links are opened at
// the same moment, make one account, found by both.
func TestTwoSpellingsSignUpAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		signUpAtOnce(t, a, db, letters, ascii)
		for _, email := range []string{letters, ascii} {
			if _, _, err := a.Authenticate(ctx, email, good); err != nil {
				t.Errorf("sign in as %s: %v", email, err)
			}
		}
	})
}

// TestMailsGoToTheSpellingOfTheAccount: whoever asks, and however they write the address. What one mail server
// takes for the same domain need not be what another does, so no link, code or name goes elsewhere.
func TestMailsGoToTheSpellingOfTheAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := coded(t, db), t.Context()
		owner := signUp(t, db, a, letters)
		stranger := startSession(t, db, signUp(t, db, a, "eve@example.org"))
		login, _ := newLogin()
		must(t, a.SignUp(ctx, login, local.SignUpForm{Email: ascii, Password: good}))
		must(t, a.RequestEmail(ctx, stranger, ascii))
		must(t, a.RequestReset(ctx, ascii))
		waits := waiting(t, db, false)
		must(t, a.SendCode(ctx, waits, ascii, local.CodeAsk{}))
		var reset, code string
		want := map[string]bool{"known": true, "email-known": true, "reset": true, "code-sign-in": true}
		for _, m := range codeMails(t, db, a) {
			if m.To != letters || !want[m.Template] {
				t.Errorf("%s to %s", m.Template, m.To)
			}
			delete(want, m.Template)
			if m.Template == "reset" {
				reset = string(tokenOf(t, m))
			}
			code += m.Data["code"]
		}
		if len(want) > 0 {
			t.Errorf("not mailed: %v", want)
		}
		if sent, ok, err := a.CodeSent(ctx, waits); !ok || err != nil || sent.Email != letters {
			t.Errorf("the page shows %q, %v", sent.Email, err)
		}
		if u, _, err := a.RedeemCode(ctx, waits, code); err != nil || u.ID != owner.ID {
			t.Errorf("the code opens %q, %v", u.ID, err)
		}
		if u, err := a.Reset(ctx, broker.Secret(reset), "tulip anchor quartz meadow"); err != nil || u.ID != owner.ID || u.Email != letters {
			t.Errorf("the link resets %+v, %v", u, err)
		}
	})
}

// TestSpellingsShareTheirCodes: who writes an address in many ways gets no more codes mailed to it, and
// tries at no more of them.
func TestSpellingsShareTheirCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t)
		a, ctx := coded(t, db), t.Context()
		u := signUp(t, db, a, letters)
		count := func(spellings ...string) (sent int) {
			for i := range 40 {
				l := waiting(t, db, false)
				must(t, a.SendCode(ctx, l, spellings[i%len(spellings)], local.CodeAsk{}))
			}
			return len(codeMails(t, db, a))
		}
		many := count(letters, ascii, "ada@bu\u0308cher.example", "ada@XN--BCHER-KVA.example")
		signUp(t, db, a, "bob@example.org")
		if one := count("bob@example.org"); many == 0 || one == 0 || many > one {
			t.Errorf("%d codes to an address in four spellings, %d to one", many, one)
		}
		must(t, a.Delete(ctx, u.ID))
		for _, email := range []string{letters, ascii} {
			if n, _, err := db.CountMailCodes(ctx, email, "", time.Now().Truncate(time.Hour), broker.MailCodesStranger); n != 0 || err != nil {
				t.Errorf("%d codes to %s outlive the account, %v", n, email, err)
			}
		}
	})
}

// TestTakenInAnotherSpelling: nobody moves to an address that somebody has, nor takes one back that somebody
// has by now, whatever its spelling; to another spelling of one's own everybody may.
func TestTakenInAnotherSpelling(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, letters)
		bob := signUp(t, db, a, "bob@example.org")
		if _, err := a.ChangeEmail(ctx, bob.ID, ascii); !errors.Is(err, local.ErrSignUpKnown) {
			t.Errorf("an operator moves bob: %v", err)
		}
		if _, err := a.Create(ctx, local.NewUser{Email: ascii}); !errors.Is(err, local.ErrSignUpKnown) {
			t.Errorf("an operator makes another one: %v", err)
		}

		// The link that bob asked for while the mailbox was nobody's.
		must(t, second(a.ChangeEmail(ctx, u.ID, "ada@elsewhere.example")))
		mails(t, db)
		s := startSession(t, db, userOf(t, db, bob.ID))
		token := asked(t, db, a, s, ascii)
		must(t, second(a.ChangeEmail(ctx, u.ID, letters)))
		mails(t, db)
		if _, err := a.ConfirmEmail(ctx, s, token); !errors.Is(err, local.ErrEmailTaken) {
			t.Errorf("bob confirms: %v", err)
		}

		// Ada moves on, somebody takes the mailbox in another spelling, and she wants it back.
		must(t, db.VoidLinkChanges(ctx, u.ID, time.Time{}))
		must(t, proven(t, db, u.ID))
		back := moved(t, db, a, startSession(t, db, userOf(t, db, u.ID)), "ada@new.example")
		signUp(t, db, a, ascii)
		if _, err := a.TakeEmailBack(ctx, back); !errors.Is(err, local.ErrBackTaken) {
			t.Errorf("taken back: %v", err)
		}

		carl := signUp(t, db, a, "carl@b\u00fccher.example")
		if got, err := a.ChangeEmail(ctx, carl.ID, "carl@xn--bcher-kva.example"); err != nil || got.Email != "carl@xn--bcher-kva.example" {
			t.Errorf("an operator writes carl's otherwise: %q, %v", got.Email, err)
		}
		mails(t, db)
		s = startSession(t, db, userOf(t, db, carl.ID))
		if got, err := a.ConfirmEmail(ctx, s, asked(t, db, a, s, "carl@b\u00fccher.example")); err != nil || got != "carl@b\u00fccher.example" {
			t.Errorf("carl does: %q, %v", got, err)
		}
	})
}

// proven says of an account that its address was proven just now.
func proven(t *testing.T, db *store.DB, id broker.UserID) error {
	t.Helper()
	u := userOf(t, db, id)
	u.EmailVerifiedAt = time.Now()
	return db.UpdateUser(t.Context(), u)
}

// TestVouchedInAnotherSpelling: an account that a provider's word began goes to who reads the mail, who
// signs up in another spelling; and no provider begins a second one beside theirs.
func TestVouchedInAnotherSpelling(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		var squat broker.User
		begin := func(email string) error {
			return db.InTx(ctx, func(ctx context.Context) (err error) {
				u, err := a.Begin(ctx, broker.SignUp{Email: email, Name: "Mallory", PasswordHash: "x"}, "hub", time.Now())
				if err == nil {
					squat = u
				}
				return err
			})
		}
		must(t, begin(letters))
		mails(t, db)
		login, cookie := newLogin()
		must(t, a.SignUp(ctx, login, local.SignUpForm{Email: ascii, Name: "Ada", Password: good}))
		sent := mails(t, db)
		if sent[0].To != letters {
			t.Errorf("the proof went to %s", sent[0].To)
		}
		u, _, err := a.Prove(ctx, tokenOf(t, sent[0]), cookie)
		must(t, err)
		if got := userOf(t, db, u.ID); u.ID != squat.ID || !got.EmailProven() || got.Email != letters || got.Name != "Ada" {
			t.Errorf("%+v", got)
		}
		for _, email := range []string{letters, ascii, "ada@bu\u0308cher.example"} {
			if err := begin(email); !errors.Is(err, local.ErrSignUpKnown) {
				t.Errorf("a provider begins with %q: %v", email, err)
			}
		}
		if got, _, err := a.Authenticate(ctx, letters, good); err != nil || got.ID != u.ID {
			t.Errorf("%v, %v", got.ID, err)
		}
	})
}

// TestImportInAnotherSpelling: a file names a mailbox twice, or one that is here.
func TestImportInAnotherSpelling(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		i := a.Import()
		if _, err := i.Check(ctx, local.Imported{Email: letters, EmailVerified: true}); err != nil {
			t.Error(err)
		}
		var told *local.ImportError
		if _, err := i.Check(ctx, local.Imported{Email: ascii, EmailVerified: true}); !errors.As(err, &told) || told.Fields["email"] == nil {
			t.Errorf("twice in a file: %v", err)
		}
		if n, err := i.Write(ctx, []local.Imported{{Email: letters, EmailVerified: true}, {Email: ascii, EmailVerified: true}}); n != 1 || err != nil {
			t.Errorf("%d written, %v", n, err)
		}
		if known, err := a.Import().Check(ctx, local.Imported{Email: ascii}); !known || err != nil {
			t.Errorf("known %v, %v", known, err)
		}
		must(t, a.Delete(ctx, func() broker.UserID { u, err := db.UserByEmail(ctx, ascii); must(t, err); return u.ID }()))
		nobodyHas(t, db, letters)
		nobodyHas(t, db, ascii)
	})
}
