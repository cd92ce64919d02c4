package local_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// asked asks for another address and returns the secret that was mailed to it.
func asked(t *testing.T, db *store.DB, a *local.Accounts, s broker.Session, email string) broker.Secret {
	t.Helper()
	must(t, a.RequestEmail(t.Context(), s, email))
	for _, m := range mails(t, db) {
		if m.Template == "email" && m.To == email {
			return tokenOf(t, m)
		}
	}
	t.Fatalf("no mail to %s", email)
	return ""
}

// moved gives an account another address and returns the secret that was mailed
// to the old one.
func moved(t *testing.T, db *store.DB, a *local.Accounts, s broker.Session, email string) broker.Secret {
	t.Helper()
	_, err := a.ConfirmEmail(t.Context(), s, asked(t, db, a, s, email))
	must(t, err)
	sent := mails(t, db)
	if len(sent) != 1 || sent[0].Template != "email-changed" || sent[0].Data["new"] != broker.MaskEmail(email) {
		t.Fatalf("mails: %+v", sent)
	}
	return tokenOf(t, sent[0])
}

// TestNewEmail: the address is the account's when its mail was read, and not
// before; what the old one had in hand to get in is of no use any more.
func TestNewEmail(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, l := linkedAccounts(t, db)
		ctx := t.Context()
		p := somebody(t, db, a, l, "ada@example.org")
		here := startSession(t, db, p.User)
		waits := waiting(t, db, true)
		code := codeFor(t, db, a, waits, p.Email)
		token := asked(t, db, a, here, "ada@new.example.org")
		for range 3 { // reading is not spending
			if email, err := a.EmailFor(ctx, here, token); err != nil || email != "ada@new.example.org" {
				t.Fatalf("%q, %v", email, err)
			}
		}
		if u, err := db.User(ctx, p.ID); err != nil || u.Email != p.Email || u.Version != p.Version {
			t.Fatalf("before: %+v, %v", u, err)
		}
		email, err := a.ConfirmEmail(ctx, here, token)
		u, err2 := db.User(ctx, p.ID)
		if err != nil || err2 != nil || email != "ada@new.example.org" || u.Email != email || !u.EmailProven() {
			t.Fatalf("%q %+v, %v, %v", email, u, err, err2)
		}
		if _, err := a.ConfirmEmail(ctx, here, token); !errors.Is(err, local.ErrMailUsed) {
			t.Errorf("a second time: %v", err)
		}
		if _, err := a.Reset(ctx, p.reset, "another good password"); !errors.Is(err, local.ErrMailUsed) {
			t.Errorf("the reader of the old address chooses a password: %v", err)
		}
		if _, _, err := a.RedeemCode(ctx, waits, code); !errors.Is(err, local.ErrCodeGone) {
			t.Errorf("the reader of the old address comes in with a code: %v", err)
		}
		if _, err := db.Session(ctx, p.session.IDHash); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("the other session: %v", err)
		}
		if g, err := db.Grant(ctx, p.grant.ID); err != nil || g.Live(time.Now()) {
			t.Errorf("its grant: %+v, %v", g, err)
		}
		if _, err := db.Session(ctx, here.IDHash); err != nil {
			t.Errorf("this session: %v", err)
		}
		if _, err := l.Undo(ctx, broker.Session{}, p.undo); errors.Is(err, broker.ErrNotFound) || broker.KindOf(err) == broker.KindGone {
			t.Errorf("a thief could end the way back of what they linked: %v", err)
		}
		if events, err := db.Events(ctx, p.ID, 1); err != nil || len(events) != 1 {
			t.Errorf("events: %+v, %v", events, err)
		}
	})
}

// TestNewEmailRefused are the attacks on the way to another address: nothing has
// changed after any of them.
func TestNewEmailRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u, eve := signUp(t, db, a, "ada@example.org"), signUp(t, db, a, "eve@example.org")
		here, hers := startSession(t, db, u), startSession(t, db, eve)
		stale := here
		stale.AuthTime = here.AuthTime.Add(-16 * time.Minute)
		for email, want := range map[string]error{"no address": broker.ErrEmail, " ADA@example.org": local.ErrEmailSame} {
			if err := a.RequestEmail(ctx, here, email); !errors.Is(err, want) {
				t.Errorf("%s: %v", email, err)
			}
		}
		for what, s := range map[string]broker.Session{"an old sign-in": stale, "nobody": {}} {
			if err := a.RequestEmail(ctx, s, "ada@new.example.org"); !errors.Is(err, broker.ErrSignIn) {
				t.Errorf("%s: %v", what, err)
			}
		}
		first := asked(t, db, a, here, "ada@first.example.org")
		token := asked(t, db, a, here, "ada@new.example.org")
		must(t, a.RequestReset(ctx, u.Email))
		reset := tokenOf(t, mails(t, db)[0])
		for what, try := range map[string]struct {
			s     broker.Session
			token broker.Secret
			want  error
		}{
			"the reader of a mistyped address":   {broker.Session{}, token, local.ErrEmailOther},
			"the same, with their own account":   {hers, token, local.ErrEmailOther},
			"a link that another one came after": {here, first, local.ErrMailUsed},
			"a link for something else":          {here, reset, local.ErrMailUnknown},
			"a guess":                            {here, broker.NewSecret(), local.ErrMailUnknown},
			"nothing":                            {here, "", local.ErrMailUnknown},
		} {
			if _, err := a.EmailFor(ctx, try.s, try.token); !errors.Is(err, try.want) {
				t.Errorf("%s looks: %v", what, err)
			}
			if _, err := a.ConfirmEmail(ctx, try.s, try.token); !errors.Is(err, try.want) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := a.Reset(ctx, token, "another good password"); !errors.Is(err, local.ErrMailUnknown) {
			t.Errorf("the link chooses a password: %v", err)
		}
		if _, err := a.TakeEmailBack(ctx, token); !errors.Is(err, local.ErrBackUnknown) {
			t.Errorf("the link proves an address without a session: %v", err)
		}

		// Meanwhile somebody else proves the address.
		taker := signUp(t, db, a, "ada@new.example.org")
		if _, err := a.EmailFor(ctx, here, token); !errors.Is(err, local.ErrEmailTaken) {
			t.Errorf("taken, looking: %v", err)
		}
		if _, err := a.ConfirmEmail(ctx, here, token); !errors.Is(err, local.ErrEmailTaken) {
			t.Errorf("taken: %v", err)
		}
		must(t, a.Delete(ctx, taker.ID))

		// Meanwhile the account changes: whoever asked may have been thrown out.
		must(t, a.UpdateProfile(ctx, u.ID, local.Profile{Version: local.AnyVersion, Name: "Ada"}))
		if _, err := a.ConfirmEmail(ctx, here, token); !errors.Is(err, local.ErrEmailOutdated) {
			t.Errorf("of another version: %v", err)
		}
		got, err := db.User(ctx, u.ID)
		if err != nil || got.Email != u.Email || got.Version != u.Version+1 {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := db.Session(ctx, here.IDHash); err != nil {
			t.Errorf("the session: %v", err)
		}
	})
}

// TestNewEmailOfTwo: of two accounts that want one address at the same time, one
// gets it.
func TestNewEmailOfTwo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := accounts(t, db)
		var sessions [2]broker.Session
		var tokens [2]broker.Secret
		for i, email := range []string{"ada@example.org", "eve@example.org"} {
			sessions[i] = startSession(t, db, signUp(t, db, a, email))
			tokens[i] = asked(t, db, a, sessions[i], "both@example.org")
		}
		errs := make(chan error)
		for i := range sessions {
			go func() {
				_, err := a.ConfirmEmail(context.WithoutCancel(t.Context()), sessions[i], tokens[i])
				errs <- err
			}()
		}
		one, two := <-errs, <-errs
		if one != nil {
			one, two = two, one
		}
		if one != nil || !errors.Is(two, local.ErrEmailTaken) {
			t.Errorf("%v, %v", one, two)
		}
	})
}

// blind is the database to whom an address looks free that is not: somebody has it
// between our read and our write.
type blind struct{ *store.DB }

func (blind) UserByEmail(context.Context, string) (broker.User, error) {
	return broker.User{}, broker.ErrNotFound
}

// TestNewEmailLosesTheRace: the unique address decides, and nothing has changed.
func TestNewEmailLosesTheRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := startSession(t, db, u)
		back := moved(t, db, a, s, "ada@new.example.org")
		token := asked(t, db, a, s, "taken@example.org")
		signUp(t, db, a, "taken@example.org")
		signUp(t, db, a, "ada@example.org")
		_, l := linkedAccounts(t, db)
		late := local.New(blind{db}, l, local.Options{Issuer: issuer, Hashing: cheap})
		if _, err := late.ConfirmEmail(ctx, s, token); !errors.Is(err, local.ErrEmailTaken) {
			t.Errorf("confirmed: %v", err)
		}
		if _, err := late.TakeEmailBack(ctx, back); !errors.Is(err, local.ErrBackTaken) {
			t.Errorf("taken back: %v", err)
		}
		if got, err := db.User(ctx, u.ID); err != nil || got.Email != "ada@new.example.org" {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := db.Session(ctx, s.IDHash); err != nil {
			t.Errorf("the session: %v", err)
		}
	})
}

// TestNewEmailThatComesLate: a request that the outbox reaches too late, or after
// the account has changed, mails nobody.
func TestNewEmailThatComesLate(t *testing.T) {
	db := storetest.New(t)
	a, ctx := accounts(t, db), t.Context()
	u := signUp(t, db, a, "ada@example.org")
	now := time.Now()
	for what, r := range map[string]broker.EmailRequest{
		"late":            {UserID: u.ID, Version: u.Version, Email: "n@example.org", At: now.Add(-broker.MailTokenLifetime - time.Second)},
		"another version": {UserID: u.ID, Version: u.Version + 1, Email: "n@example.org", At: now},
		"nobody":          {UserID: "nobody", Email: "n@example.org", At: now},
	} {
		must(t, a.DeliverEmail(ctx, r.Entry(now).Payload))
		if sent := mails(t, db); len(sent) != 0 {
			t.Errorf("%s: %+v", what, sent)
		}
	}
	for _, payload := range []string{"", "x", "[]", `{"at":"yesterday"}`} {
		if err := a.DeliverEmail(ctx, []byte(payload)); !broker.IsPermanent(err) {
			t.Errorf("%q: %v", payload, err)
		}
	}
	must(t, a.RequestEmail(broker.WithRequest(ctx, broker.Request{IP: "192.0.2.7", Browser: "Firefox"}), startSession(t, db, u), "n@example.org"))
	sent := mails(t, db)
	if len(sent) != 1 || sent[0].Data["ip"] != "192.0.2.7" || sent[0].Data["browser"] != "Firefox" || strings.Contains(strings.Join([]string{sent[0].Data["name"], sent[0].Data["link"]}, " "), u.Name) {
		t.Errorf("%+v", sent)
	}
}
