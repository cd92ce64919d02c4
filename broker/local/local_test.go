package local_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/store"
	"idbroker/store/storetest"
)

const (
	issuer = "https://broker.example"
	good   = broker.Secret("correct horse battery")
)

// cheap makes hashing fast; nothing here is about its cost.
var cheap = local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}

func accounts(t *testing.T, db *store.DB) *local.Accounts {
	t.Helper()
	reg, err := providers.New(providers.Options{BaseURL: issuer})
	must(t, err)
	return local.New(db, linking.New(db, reg, linking.Options{}), local.Options{Issuer: issuer, Hashing: cheap})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newLogin() (broker.Login, broker.Secret) {
	b, now := broker.NewSecret(), time.Now()
	return broker.Login{ID: broker.LoginID(broker.NewID()), BrowserHash: b.Hash(), StartedAt: now, ExpiresAt: now.Add(broker.LoginLifetime)}, b
}

// mails works the outbox off, and returns the mails in it.
func mails(t *testing.T, db *store.DB) []broker.Mail {
	t.Helper()
	resets, err := db.ClaimOutbox(t.Context(), 100, time.Now(), time.Minute, broker.OutboxReset)
	must(t, err)
	for _, e := range resets {
		must(t, accounts(t, db).DeliverReset(t.Context(), e.Payload))
		must(t, db.FinishOutbox(t.Context(), e.ID, time.Now()))
	}
	emails, err := db.ClaimOutbox(t.Context(), 100, time.Now(), time.Minute, broker.OutboxEmail)
	must(t, err)
	for _, e := range emails {
		must(t, accounts(t, db).DeliverEmail(t.Context(), e.Payload))
		must(t, db.FinishOutbox(t.Context(), e.ID, time.Now()))
	}
	signIns, err := db.ClaimOutbox(t.Context(), 100, time.Now(), time.Minute, broker.OutboxSignIn)
	must(t, err)
	for _, e := range signIns {
		must(t, accounts(t, db).DeliverSignIn(t.Context(), e.Payload))
		must(t, db.FinishOutbox(t.Context(), e.ID, time.Now()))
	}
	entries, err := db.ClaimOutbox(t.Context(), 100, time.Now(), time.Minute)
	must(t, err)
	var out []broker.Mail
	for _, e := range entries {
		var m broker.Mail
		must(t, json.Unmarshal(e.Payload, &m))
		out = append(out, m)
		must(t, db.FinishOutbox(t.Context(), e.ID, time.Now()))
	}
	return out
}

func tokenOf(t *testing.T, m broker.Mail) broker.Secret {
	t.Helper()
	_, token, ok := strings.Cut(m.Data["link"], "?token=")
	if !ok || !strings.HasPrefix(m.Data["link"], issuer) {
		t.Fatalf("no token in %+v", m)
	}
	return broker.Secret(token)
}

// signUp makes an account the way a person does.
func signUp(t *testing.T, db *store.DB, a *local.Accounts, email string) broker.User {
	t.Helper()
	login, _ := newLogin()
	must(t, a.SignUp(t.Context(), login, local.SignUpForm{Email: email, Name: "Ada Lovelace", Password: good}))
	u, _, err := a.Prove(t.Context(), tokenOf(t, mails(t, db)[0]), "")
	must(t, err)
	return u
}

func TestSignUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		login, _ := newLogin()
		must(t, a.SignUp(ctx, login, local.SignUpForm{Email: " Ada@Example.org", Name: "Ada Lovelace", Username: "ada", Password: good, Locale: "de"}))
		if n, err := db.CountUsers(ctx); n != 0 || err != nil {
			t.Errorf("%d users before the proof, %v", n, err)
		}
		if _, _, err := a.Authenticate(ctx, "ada@example.org", good); !errors.Is(err, local.ErrWrongLogin) {
			t.Errorf("signed in before the proof: %v", err)
		}
		sent := mails(t, db)
		if len(sent) != 1 || sent[0].To != "ada@example.org" || sent[0].Template != "sign-up" || sent[0].Locale != "de" {
			t.Fatalf("mails: %+v", sent)
		}
		token := tokenOf(t, sent[0])
		for range 3 { // reading is not spending: mail scanners follow links
			p, err := a.Proof(ctx, token)
			must(t, err)
			if p.Email != "ada@example.org" || p.LoginID != login.ID {
				t.Errorf("%+v", p)
			}
		}
		u, done, err := a.Prove(ctx, token, "")
		must(t, err)
		if !u.EmailVerified() || u.Username != "ada" || u.Locale != "de" || done.UserID != u.ID || done.SignUp != nil || done.AMR[0] != "pwd" {
			t.Errorf("user %+v, login %+v", u, done)
		}
		if _, _, err := a.Prove(ctx, token, ""); !errors.Is(err, local.ErrMailUsed) {
			t.Errorf("replayed link: %v", err)
		}
		for _, who := range []string{"ada@example.org", "ADA@example.org", "ada", "Ada"} {
			got, how, err := a.Authenticate(ctx, who, good)
			if err != nil || got.ID != u.ID || how.At.IsZero() || how.ACR != broker.ACRSingle {
				t.Errorf("sign in as %q: %v, %v", who, got.ID, err)
			}
		}
	})
}

// TestSignUpOfAKnownAddress answers as for a new one, and mails the owner.
func TestSignUpOfAKnownAddress(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		login, _ := newLogin()
		must(t, a.SignUp(ctx, login, local.SignUpForm{Email: "ADA@example.org", Name: "Eve", Password: "something else of hers"}))
		sent := mails(t, db)
		if len(sent) != 1 || sent[0].Template != "known" || strings.Contains(sent[0].Data["link"], "token") || sent[0].Data["name"] == "Eve" {
			t.Errorf("%+v", sent)
		}
		if _, _, err := a.Authenticate(ctx, "ada@example.org", "something else"); !errors.Is(err, local.ErrWrongLogin) {
			t.Errorf("the stranger's password works: %v", err)
		}
		got, err := db.User(ctx, u.ID)
		must(t, err)
		if got.Name != u.Name || got.PasswordHash != u.PasswordHash || got.Version != u.Version {
			t.Error("the account changed")
		}
	})
}

// TestTwoSignUpsForOneAddress: both are mailed, one link makes the account, the
// other is told.
func TestTwoSignUpsForOneAddress(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		signUpAtOnce(t, accounts(t, db), db, "ada@example.org")
	})
}

// TestChangedAddress: a form sent again with another address voids the link to
// the first, so nobody gets an address proven that they did not read.
func TestChangedAddress(t *testing.T) {
	db := storetest.New(t)
	a, ctx := accounts(t, db), t.Context()
	login, _ := newLogin()
	must(t, a.SignUp(ctx, login, local.SignUpForm{Email: "eve@example.org", Password: good}))
	first := tokenOf(t, mails(t, db)[0])
	login, err := db.Login(ctx, login.ID)
	must(t, err)
	must(t, a.SignUp(ctx, login, local.SignUpForm{Email: "ada@example.org", Password: good}))
	if _, _, err := a.Prove(ctx, first, ""); !errors.Is(err, local.ErrMailUnknown) {
		t.Errorf("the first address's link proves the second address: %v", err)
	}
	second := mails(t, db)
	if u, _, err := a.Prove(ctx, tokenOf(t, second[0]), ""); err != nil || u.Email != "ada@example.org" {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestResendProof(t *testing.T) {
	db := storetest.New(t)
	a, ctx := accounts(t, db), t.Context()
	login, _ := newLogin()
	if err := a.ResendProof(ctx, login); !errors.Is(err, broker.ErrSpent) {
		t.Errorf("nothing to send again: %v", err)
	}
	must(t, a.SignUp(ctx, login, local.SignUpForm{Email: "ada@example.org", Password: good}))
	login, err := db.Login(ctx, login.ID)
	must(t, err)
	must(t, a.ResendProof(ctx, login))
	sent := mails(t, db)
	if len(sent) != 2 || tokenOf(t, sent[0]) == tokenOf(t, sent[1]) {
		t.Fatalf("%d mails", len(sent))
	}
	if _, _, err := a.Prove(ctx, tokenOf(t, sent[0]), ""); err != nil {
		t.Errorf("the first link died: %v", err)
	}
	if _, _, err := a.Prove(ctx, tokenOf(t, sent[1]), ""); !errors.Is(err, local.ErrMailUsed) {
		t.Errorf("the second link made a second account: %v", err)
	}
}

func TestMailLinksExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t)
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "bob@example.org")
		login, _ := newLogin()
		must(t, a.SignUp(ctx, login, local.SignUpForm{Email: "ada@example.org", Password: good}))
		must(t, a.RequestReset(ctx, u.Email))
		links := map[string]broker.Secret{} // by template: both were put into the outbox at one instant
		for _, m := range mails(t, db) {
			links[m.Template] = tokenOf(t, m)
		}
		time.Sleep(broker.MailTokenLifetime)
		if _, _, err := a.Prove(ctx, links["sign-up"], ""); !errors.Is(err, local.ErrMailExpired) {
			t.Errorf("sign-up: %v", err)
		}
		if _, err := a.Reset(ctx, links["reset"], "another password of hers"); !errors.Is(err, local.ErrMailExpired) {
			t.Errorf("reset: %v", err)
		}
	})
}

func TestFormProblems(t *testing.T) {
	db := storetest.New(t)
	a, ctx := accounts(t, db), t.Context()
	login, _ := newLogin()
	err := a.SignUp(ctx, login, local.SignUpForm{Email: "nobody", Name: "a\x00b", Username: "a b", Password: "short"})
	var form *local.FormError
	if !errors.As(err, &form) || len(form.Fields) != 4 || broker.KindOf(err) != broker.KindInvalid {
		t.Fatalf("%v", err)
	}
	for field, want := range map[string]string{"email": "field.email_invalid", "name": "field.name_invalid", "username": "field.username_invalid", "password": "password.short"} {
		if e := form.Fields[field]; e == nil || e.Message != want || e.Field != field {
			t.Errorf("%s: %+v", field, e)
		}
	}
	for password, want := range map[broker.Secret]error{
		"": local.ErrRequired, "1234567": local.ErrPasswordShort, "пароль1": local.ErrPasswordShort, "ada@example.org": local.ErrPasswordObvious,
		broker.Secret(strings.Repeat("x", 1025)): local.ErrPasswordLong, "nul\x00in the middle": local.ErrPasswordBadBytes, "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8": local.ErrPasswordBadBytes,
	} {
		login, _ := newLogin()
		err := a.SignUp(ctx, login, local.SignUpForm{Email: "ada@example.org", Password: password})
		if !errors.As(err, &form) || form.Fields["password"] == nil || !errors.Is(form.Fields["password"].At(""), want) {
			t.Errorf("password %q: %v", password.Reveal(), err)
		}
	}
	if n := len(mails(t, db)); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
	signUp(t, db, a, "taken@example.org")
	u, err := db.UserByEmail(ctx, "taken@example.org")
	must(t, err)
	must(t, a.UpdateProfile(ctx, u.ID, local.Profile{Version: local.AnyVersion, Name: "Ada", Locale: "de"}))
	_, err = a.SetUsername(ctx, u.ID, "Ada_L")
	must(t, err)
	login, _ = newLogin()
	err = a.SignUp(ctx, login, local.SignUpForm{Email: "new@example.org", Username: "ada_l", Password: good})
	if !errors.As(err, &form) || !errors.Is(form.Fields["username"], local.ErrUsernameTaken) {
		t.Errorf("taken username: %v", err)
	}
	if closed := local.New(db, nil, local.Options{NoSignUp: true, Hashing: cheap}); !errors.Is(closed.SignUp(ctx, login, local.SignUpForm{}), local.ErrSignUpClosed) {
		t.Error("sign-up is not closed")
	}
}

func TestAuthenticate(t *testing.T) {
	db := storetest.New(t)
	a, ctx := accounts(t, db), t.Context()
	u := signUp(t, db, a, "ada@example.org")
	none, err := a.Create(ctx, local.NewUser{Email: "none@example.org"})
	must(t, err)
	for _, tt := range []struct{ who, password string }{
		{"ada@example.org", "wrong password"}, {"nobody@example.org", good.Reveal()}, {"", ""}, {"ada@example.org", ""}, {none.Email, ""}, {none.Email, good.Reveal()},
		{"ada@example.org", strings.Repeat("x", 5000)}, {"ada@example.org\x00", good.Reveal()}, {"\xff", good.Reveal()}, {"' OR 1=1 --", good.Reveal()}, {"%", good.Reveal()},
	} {
		if got, _, err := a.Authenticate(ctx, tt.who, broker.Secret(tt.password)); !errors.Is(err, local.ErrWrongLogin) || got.ID != "" {
			t.Errorf("%q: %v, %v", tt.who, got.ID, err)
		}
	}
	must(t, a.SetDisabled(ctx, u.ID, true))
	if _, _, err := a.Authenticate(ctx, "ada@example.org", "wrong password"); !errors.Is(err, local.ErrWrongLogin) {
		t.Errorf("a wrong password tells that the account is disabled: %v", err)
	}
	if _, _, err := a.Authenticate(ctx, "ada@example.org", good); !errors.Is(err, broker.ErrDisabled) {
		t.Errorf("disabled: %v", err)
	}
	must(t, a.SetDisabled(ctx, u.ID, false))
	if _, _, err := a.Authenticate(ctx, "ada@example.org", good); err != nil {
		t.Errorf("enabled again: %v", err)
	}
}

// TestNormalForm: one password, typed on two systems, in two Unicode forms.
func TestNormalForm(t *testing.T) {
	db := storetest.New(t)
	a, ctx := accounts(t, db), t.Context()
	_, err := a.Create(ctx, local.NewUser{Email: "ada@example.org", Password: "Gr\u00fc\u00dfe aus K\u00f6ln"})
	must(t, err)
	if _, _, err := a.Authenticate(ctx, "ada@example.org", "Gru\u0308\u00dfe aus Ko\u0308ln"); err != nil {
		t.Errorf("%v", err)
	}
}

func TestHashIsUpgraded(t *testing.T) {
	db := storetest.New(t)
	a, ctx := accounts(t, db), t.Context()
	u, err := a.Create(ctx, local.NewUser{Email: "ada@example.org", Password: good})
	must(t, err)
	stronger := local.New(db, nil, local.Options{Hashing: local.Argon2{MemoryKiB: 128, Passes: 2, Lanes: 1}})
	_, _, err = stronger.Authenticate(ctx, u.Email, good)
	must(t, err)
	got, err := db.User(ctx, u.ID)
	must(t, err)
	if !strings.Contains(got.PasswordHash.Reveal(), "m=128,t=2,p=1") {
		t.Errorf("the hash is still %s", strings.Join(strings.Split(got.PasswordHash.Reveal(), "$")[:4], "$"))
	}
	if _, _, err = stronger.Authenticate(ctx, u.Email, good); err != nil {
		t.Errorf("after the upgrade: %v", err)
	}
}

func startSession(t *testing.T, db *store.DB, u broker.User) broker.Session {
	t.Helper()
	now := time.Now()
	s := broker.Session{IDHash: broker.NewSecret().Hash(), SID: broker.NewID(), UserID: u.ID, AuthTime: now, CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(time.Hour)}
	must(t, db.CreateSession(t.Context(), s))
	return s
}

func TestChangePassword(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		here, there := startSession(t, db, u), startSession(t, db, u)
		for _, tt := range []struct {
			current, next broker.Secret
			want          error
		}{
			{"wrong", "another password of hers", local.ErrPasswordWrong}, {"", "another password of hers", local.ErrPasswordWrong},
			{good, "short", local.ErrPasswordShort}, {good, good, local.ErrPasswordSame},
		} {
			var e *broker.Error
			err := a.ChangePassword(ctx, here, tt.current, tt.next)
			if !errors.As(err, &e) || e.Message != tt.want.(*broker.Error).Message {
				t.Errorf("%q → %q: %v, want %v", tt.current.Reveal(), tt.next.Reveal(), err, tt.want)
			}
		}
		if all, err := db.SessionsOf(ctx, u.ID); len(all) != 2 || err != nil {
			t.Errorf("a refused change ended sessions: %d, %v", len(all), err)
		}
		must(t, a.RequestReset(ctx, u.Email))
		reset := tokenOf(t, mails(t, db)[0])
		must(t, a.ChangePassword(ctx, here, good, "another password of hers"))
		if _, err := db.Session(ctx, here.IDHash); err != nil {
			t.Errorf("this session ended: %v", err)
		}
		if _, err := db.Session(ctx, there.IDHash); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("the other session lives: %v", err)
		}
		if _, err := a.Reset(ctx, reset, "third password"); broker.KindOf(err) != broker.KindGone {
			t.Errorf("a reset link outlived the change: %v", err)
		}
		if sent := mails(t, db); len(sent) != 1 || sent[0].Template != "password-changed" {
			t.Errorf("%+v", sent)
		}
		if _, _, err := a.Authenticate(ctx, u.Email, good); !errors.Is(err, local.ErrWrongLogin) {
			t.Errorf("the old password works: %v", err)
		}
	})
}

func TestFirstPassword(t *testing.T) {
	db := storetest.New(t)
	a, ctx := accounts(t, db), t.Context()
	u, err := a.Create(ctx, local.NewUser{Email: "ada@example.org"})
	must(t, err)
	s := startSession(t, db, u)
	s.AuthTime = time.Now().Add(-time.Hour)
	if err := a.ChangePassword(ctx, s, "", good); !errors.Is(err, broker.ErrSignIn) {
		t.Errorf("a stale session sets a first password: %v", err)
	}
	s.AuthTime = time.Now()
	must(t, a.ChangePassword(ctx, s, "", good))
	if _, _, err := a.Authenticate(ctx, u.Email, good); err != nil {
		t.Errorf("%v", err)
	}
}

func TestReset(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := startSession(t, db, u)
		must(t, a.RequestReset(ctx, "nobody@example.org"))
		if sent := mails(t, db); len(sent) != 0 {
			t.Errorf("an unknown address got %+v", sent)
		}
		must(t, a.RequestReset(ctx, "Ada@Example.org "))
		first := tokenOf(t, mails(t, db)[0])
		must(t, a.RequestReset(ctx, "ada@example.org"))
		token := tokenOf(t, mails(t, db)[0])
		if _, err := a.ResetFor(ctx, first); broker.KindOf(err) != broker.KindGone {
			t.Errorf("the earlier link still works: %v", err)
		}
		if email, err := a.ResetFor(ctx, token); email != u.Email || err != nil {
			t.Errorf("%q, %v", email, err)
		}
		if _, err := a.Reset(ctx, token, "short"); broker.KindOf(err) != broker.KindInvalid {
			t.Errorf("short: %v", err)
		}
		if _, _, err := a.Prove(ctx, token, ""); !errors.Is(err, local.ErrMailUnknown) {
			t.Errorf("a reset link proves an address: %v", err)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		ok := 0
		for range 8 {
			wg.Go(func() {
				if _, err := a.Reset(ctx, token, "another password of hers"); err == nil {
					mu.Lock()
					ok++
					mu.Unlock()
				} else if k := broker.KindOf(err); k != broker.KindGone {
					t.Errorf("%v", err)
				}
			})
		}
		wg.Wait()
		if ok != 1 {
			t.Errorf("the link worked %d times", ok)
		}
		if _, err := db.Session(ctx, s.IDHash); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("a session outlived the reset: %v", err)
		}
		if _, _, err := a.Authenticate(ctx, u.Email, "another password of hers"); err != nil {
			t.Errorf("%v", err)
		}
	})
}

func TestResetOfADisabledUser(t *testing.T) {
	db := storetest.New(t)
	a, ctx := accounts(t, db), t.Context()
	u := signUp(t, db, a, "ada@example.org")
	must(t, a.RequestReset(ctx, u.Email))
	token := tokenOf(t, mails(t, db)[0])
	must(t, a.SetDisabled(ctx, u.ID, true))
	if _, err := a.Reset(ctx, token, "another password of hers"); err == nil {
		t.Error("a link opens a disabled account")
	}
	must(t, a.RequestReset(ctx, u.Email))
	if sent := mails(t, db); len(sent) != 0 {
		t.Errorf("%+v", sent)
	}
}

func TestClaim(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		old, err := a.Claim(ctx)
		must(t, err)
		token, err := a.Claim(ctx)
		must(t, err)
		form := local.SignUpForm{Email: "root@example.org", Password: good}
		if _, err := a.ClaimAdmin(ctx, old, form); !errors.Is(err, local.ErrClaimLink) {
			t.Errorf("the link of an earlier start: %v", err)
		}
		if err := a.CheckClaim(ctx, "made up"); !errors.Is(err, local.ErrClaimLink) {
			t.Errorf("a link of nobody: %v", err)
		}
		if _, err := a.ClaimAdmin(ctx, token, local.SignUpForm{Email: "root@example.org"}); broker.KindOf(err) != broker.KindInvalid {
			t.Errorf("without a password: %v", err)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		var admins []broker.User
		for i := range 8 {
			f := form
			f.Email = string(rune('a'+i)) + f.Email
			wg.Go(func() {
				if u, err := a.ClaimAdmin(ctx, token, f); err == nil {
					mu.Lock()
					admins = append(admins, u)
					mu.Unlock()
				} else if !errors.Is(err, local.ErrClaimed) {
					t.Errorf("%v", err)
				}
			})
		}
		wg.Wait()
		if n, err := db.CountAdmins(ctx); len(admins) != 1 || n != 1 || err != nil {
			t.Fatalf("%d administrators, %d claimed, %v", n, len(admins), err)
		}
		if _, err := a.Claim(ctx); !errors.Is(err, local.ErrClaimed) {
			t.Errorf("a second claim: %v", err)
		}
		for _, late := range []broker.Secret{token, old, "made up"} {
			if err := a.CheckClaim(ctx, late); !errors.Is(err, local.ErrClaimed) {
				t.Errorf("a link when it is too late: %v", err)
			}
		}
		if _, _, err := a.Authenticate(ctx, admins[0].Email, good); err != nil {
			t.Errorf("%v", err)
		}
	})
}

func TestSetDisabledEndsEverything(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := startSession(t, db, u)
		now := time.Now()
		must(t, db.CreateClient(ctx, broker.Client{ID: "app", Name: "App", AuthMethod: broker.AuthNone, CreatedAt: now, UpdatedAt: now}))
		g := broker.Grant{ID: broker.GrantID(broker.NewID()), ClientID: "app", UserID: u.ID, SID: s.SID, Scopes: []string{"openid", "offline_access"}, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
		must(t, db.CreateGrant(ctx, g))
		for range 2 {
			must(t, a.SetDisabled(ctx, u.ID, true))
		}
		if _, err := db.Session(ctx, s.IDHash); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("the session lives: %v", err)
		}
		if got, err := db.Grant(ctx, g.ID); err != nil || got.Live(now) {
			t.Errorf("the grant lives: %+v, %v", got, err)
		}
		if err := a.SetDisabled(ctx, "nobody", true); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("unknown user: %v", err)
		}
	})
}

// signUpAtOnce sends forms with spellings of one mailbox by turns, opens their links at the
// same moment, and wants one account of it.
func signUpAtOnce(t *testing.T, a *local.Accounts, db *store.DB, spellings ...string) {
	t.Helper()
	ctx := t.Context()
	var tokens []broker.Secret
	for i := range 8 {
		login, _ := newLogin()
		must(t, a.SignUp(ctx, login, local.SignUpForm{Email: spellings[i%len(spellings)], Password: good}))
		tokens = append(tokens, tokenOf(t, mails(t, db)[0]))
	}
	var wg sync.WaitGroup
	errs := make([]error, len(tokens))
	for i, token := range tokens {
		wg.Go(func() { _, _, errs[i] = a.Prove(ctx, token, "") })
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else if !errors.Is(err, local.ErrSignUpKnown) {
			t.Errorf("%v", err)
		}
	}
	if n, err := db.CountUsers(ctx); n != 1 || made != 1 || err != nil {
		t.Errorf("%d users, %d made, %v", n, made, err)
	}
}
