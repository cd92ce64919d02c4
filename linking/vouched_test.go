package linking_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
)

func automaticAtOne(a *providers.App) {
	if a.ID == "one" {
		automatic(a)
	}
}

func unmailed(a *providers.App) { a.Unmailed = true }

// TestFormWithoutAMail: who keeps the address that the provider proved begins at
// once; everything else is mailed.
func TestFormWithoutAMail(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, unmailed)
		login := w.signIn("ada").Login
		must(t, w.accounts.SignUp(t.Context(), login, local.SignUpForm{Email: "Ada@example.org", Name: "Ada Lovelace", Username: "ada", Locale: "de"}))
		u, err := db.UserByEmail(t.Context(), "ada@example.org")
		must(t, err)
		l, err := db.Login(t.Context(), login.ID)
		must(t, err)
		if u.EmailVouchedBy != "one" || u.Name != "Ada Lovelace" || u.Username != "ada" || l.UserID != u.ID || l.Provider != "one" || l.Remote != nil || l.SignUp != nil || w.state(u).identities != 1 {
			t.Errorf("%+v, %+v, %+v", u, l, w.state(u))
		}
		if m, err := w.inbox.last(db, u.Email); err != nil || m.Template != "welcome" {
			t.Errorf("%+v, %v", m, err)
		}
		if again := w.signIn("ada"); again.Outcome != linking.SignedIn {
			t.Errorf("%+v", again)
		}
	})
}

// TestFormIsMailed: whatever makes the provider's word worth less than a mail, or
// none at all, leads to the mail, and nothing begins before.
func TestFormIsMailed(t *testing.T) {
	for name, tt := range map[string]struct {
		edit   func(*providers.App)
		person providertest.Person
		email  string
		known  bool
		want   string
	}{
		"confirm_email":         {edit: func(a *providers.App) { a.Unmailed = false }, person: providertest.Person{Email: "new@example.org", EmailVerified: true}, email: "new@example.org", want: "sign-up"},
		"another address":       {person: providertest.Person{Email: "new@example.org", EmailVerified: true}, email: "victim@example.org", want: "sign-up"},
		"a lookalike":           {person: providertest.Person{Email: "nеw@example.org", EmailVerified: true}, email: "new@example.org", want: "sign-up"},
		"not verified there":    {person: providertest.Person{Email: "new@example.org"}, email: "new@example.org", want: "sign-up"},
		"outside email_domains": {edit: func(a *providers.App) { a.EmailDomains = []string{"campus.example"} }, person: providertest.Person{Email: "new@example.org", EmailVerified: true}, email: "new@example.org", want: "sign-up"},
		"an account has it":     {person: providertest.Person{Email: "ada@example.org", EmailVerified: true}, email: "ada@example.org", known: true, want: "known"},
	} {
		edits := []func(*providers.App){unmailed}
		if tt.edit != nil {
			edits = append(edits, tt.edit)
		}
		w := newWorld(t, storetest.New(t), edits...)
		if tt.known {
			w.user("ada", "hash")
		}
		tt.person.Subject = "new"
		w.op.AddPerson(tt.person)
		n := w.count()
		login := w.signIn("new").Login
		must(t, w.accounts.SignUp(t.Context(), login, local.SignUpForm{Email: tt.email}))
		l, err := w.db.Login(t.Context(), login.ID)
		must(t, err)
		if m, err := w.inbox.last(w.db, tt.email); err != nil || m.Template != tt.want || l.UserID != "" || l.SignUp == nil || w.count() != n {
			t.Errorf("%s: %+v, %v, %+v", name, m, err, l)
		}
	}
}

// TestFormAfterThePolicy: the policy is asked when the form comes, not only when
// the person came back.
func TestFormAfterThePolicy(t *testing.T) {
	db := storetest.New(t)
	login := newWorld(t, db, unmailed).signIn("ada").Login
	for name, edit := range map[string]func(*providers.App){
		"hidden": func(a *providers.App) { a.Hidden, a.Unmailed = true, true }, "confirm_email": func(*providers.App) {},
		"no sign-up": func(a *providers.App) { a.SignUp, a.Unmailed = broker.SignUpNo, true },
	} {
		w := newWorld(t, db, edit)
		err := w.accounts.SignUp(t.Context(), login, local.SignUpForm{Email: "ada@example.org"})
		if n := w.count(); n != 0 || err != nil && broker.KindOf(err) == broker.KindInternal {
			t.Errorf("%s: %v, %d accounts", name, err, n)
		}
	}
}

// squatted is an account that mallory began with ada's address, because a
// provider said so, and furnished.
func squatted(t *testing.T, w *world) broker.User {
	t.Helper()
	w.op.AddPerson(providertest.Person{Subject: "mallory", Username: "mallory", Name: "Mallory", Email: "victim@example.org", EmailVerified: true})
	w.op2.AddPerson(providertest.Person{Subject: "mallory", Username: "mallory"})
	res := w.signIn("mallory")
	if res.Outcome != linking.Began {
		t.Fatalf("%+v", res)
	}
	u := res.User
	w.link(u, "two", "mallory")
	now := time.Now()
	must(t, w.db.CreateSession(t.Context(), broker.Session{IDHash: "mallorys", SID: "sid", UserID: u.ID, AuthTime: now, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}))
	must(t, w.accounts.ChangePassword(t.Context(), broker.Session{UserID: u.ID, SID: "sid", AuthTime: now}, "", "a password of mallory's"))
	must(t, w.accounts.UpdateProfile(t.Context(), u.ID, local.Profile{Version: local.AnyVersion, Name: "Mallory", Phone: "+41227676111"}))
	must(t, w.db.CreateClient(t.Context(), broker.Client{ID: "app", Name: "App", CreatedAt: now, UpdatedAt: now}))
	must(t, w.db.SaveConsent(t.Context(), broker.Consent{UserID: u.ID, ClientID: "app", Scopes: []string{"openid"}, CreatedAt: now, UpdatedAt: now}))
	return w.read(u)
}

// reclaimed holds that nothing of mallory's opens the account or stands in it.
func reclaimed(t *testing.T, w *world, was broker.User, identities int) {
	t.Helper()
	ctx := t.Context()
	u := w.read(was)
	if u.ID != was.ID || !u.EmailProven() || u.Phone != "" || w.count() != 1 {
		t.Errorf("%+v, %d accounts", u, w.count())
	}
	if got := w.state(u); got.identities != identities || got.accounts != identities {
		t.Errorf("%+v", got)
	}
	if _, _, err := w.accounts.Authenticate(ctx, u.Email, "a password of mallory's"); err == nil {
		t.Error("mallory's password still works")
	}
	if _, err := w.db.Session(ctx, "mallorys"); err == nil {
		t.Error("mallory's session stands")
	}
	if _, err := w.db.Consent(ctx, u.ID, "app"); err == nil {
		t.Error("mallory's consent stands")
	}
	for _, provider := range []string{"one", "two"} {
		if res := w.journey(newBrowser(), provider, broker.PurposeSignIn, "mallory"); res.Outcome == linking.SignedIn {
			t.Errorf("mallory still comes in with %s", provider)
		}
	}
	events, err := w.db.Events(ctx, u.ID, 100)
	must(t, err)
	n := 0
	for _, e := range events {
		if e.Name == broker.EventReclaimed {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d events %s", n, broker.EventReclaimed)
	}
}

// token is the secret of the last mail of a template to an address.
func (w *world) token(to, template string) broker.Secret {
	w.t.Helper()
	m, err := w.inbox.last(w.db, to)
	_, token, ok := strings.Cut(m.Data["link"], "token=")
	if err != nil || m.Template != template || !ok {
		w.t.Fatalf("%+v, %v", m, err)
	}
	return broker.Secret(token)
}

// TestReclaimByReset: who reads the mail of an address that only a provider vouched
// for chooses a password, and everybody else is out.
func TestReclaimByReset(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, automaticAtOne)
		u := squatted(t, w)
		payload := broker.ResetRequest{Email: u.Email, At: time.Now()}.Entry(time.Now()).Payload
		must(t, w.accounts.DeliverReset(t.Context(), payload))
		_, err := w.accounts.Reset(t.Context(), w.token(u.Email, "reset"), "a password of the owner")
		must(t, err)
		if _, _, err := w.accounts.Authenticate(t.Context(), u.Email, "a password of the owner"); err != nil {
			t.Error(err)
		}
		reclaimed(t, w, u, 0)
	})
}

// TestReclaimBySignUp: so does who signs up with it, with an identity of their own.
func TestReclaimBySignUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, automaticAtOne)
		u := squatted(t, w)
		b := newBrowser()
		login := w.journey(b, "two", broker.PurposeSignIn, "eve").Login // eve at two is the owner here
		must(t, w.accounts.SignUp(t.Context(), login, local.SignUpForm{Email: u.Email, Name: "Owner", Username: "eve"}))
		secret := w.token(u.Email, "sign-up")
		if got := w.read(u); !reflect.DeepEqual(got, u) {
			t.Errorf("before the mail was read: %+v", got)
		}
		user, l, err := w.accounts.Prove(t.Context(), secret, b.cookie)
		must(t, err)
		if user.ID != u.ID || user.Name != "Owner" || user.Username != "eve" || user.HasPassword() || l.UserID != u.ID {
			t.Errorf("%+v, %+v", user, l)
		}
		if res := w.journey(newBrowser(), "two", broker.PurposeSignIn, "eve"); res.Outcome != linking.SignedIn || res.User.ID != u.ID {
			t.Errorf("the owner: %+v", res)
		}
		reclaimed(t, w, u, 1)
	})
}

// TestReclaimForAStranger: a stranger fills in the form with an address that is only
// vouched for, and its owner follows the link in the mail. They do not hand their
// account to the stranger's identity, nor to a password of the stranger's.
func TestReclaimForAStranger(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, automaticAtOne)
		u := w.journey(newBrowser(), "one", broker.PurposeSignIn, "ada").User
		mallory := newBrowser()
		at := time.Now()
		with := w.journey(mallory, "two", broker.PurposeSignIn, "eve").Login
		alone := broker.Login{ID: broker.LoginID(broker.NewID()), BrowserHash: mallory.cookie.Hash(), StartedAt: at, ExpiresAt: at.Add(broker.LoginLifetime)}
		for _, login := range []broker.Login{with, alone} {
			f := local.SignUpForm{Email: u.Email, Name: "Mallory"}
			if login.Remote == nil {
				f.Password = "a password of the stranger"
			}
			must(t, w.accounts.SignUp(t.Context(), login, f))
			secret, before, state := w.token(u.Email, "sign-up"), w.read(u), w.state(u)
			for _, opened := range []broker.Secret{newBrowser().cookie, ""} {
				_, _, err := w.accounts.Prove(t.Context(), secret, opened)
				wantError(t, "the owner's browser", err, local.ErrProofElsewhere)
			}
			if !reflect.DeepEqual(w.read(u), before) || w.state(u) != state {
				t.Errorf("%+v, %+v", w.read(u), w.state(u))
			}
			if l, err := w.db.Login(t.Context(), login.ID); err != nil || l.UserID != "" {
				t.Errorf("the stranger's login: %+v, %v", l, err)
			}
			if _, err := w.accounts.Proof(t.Context(), secret); err != nil {
				t.Errorf("the link is spent: %v", err) // it may be the owner's own, read on a telephone
			}
		}
		if res := w.journey(newBrowser(), "one", broker.PurposeSignIn, "ada"); res.Outcome != linking.SignedIn || res.User.ID != u.ID {
			t.Errorf("the owner: %+v", res)
		}
	})
}

// TestReclaimOfOnesOwn: the person whose provider had vouched proves the address
// too, and keeps the account and the identity.
func TestReclaimOfOnesOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		form := newWorld(t, db)
		b := newBrowser()
		login := form.journey(b, "one", broker.PurposeSignIn, "ada").Login // before the policy
		w := newWorld(t, db, automaticAtOne, func(a *providers.App) {
			a.Issuer = map[string]string{"one": form.op.Issuer, "two": form.op2.Issuer}[a.ID]
		})
		w.op, w.op2 = form.op, form.op2
		u := w.signIn("ada").User
		must(t, form.accounts.SignUp(t.Context(), login, local.SignUpForm{Email: u.Email, Name: "Ada"}))
		if _, _, err := form.accounts.Prove(t.Context(), form.token(u.Email, "sign-up"), b.cookie); err != nil {
			t.Fatal(err)
		}
		if got := w.read(u); !got.EmailProven() || w.state(got).identities != 1 || w.signIn("ada").User.ID != u.ID {
			t.Errorf("%+v, %+v", got, w.state(got))
		}
	})
}

// TestNoReclaim: an address that was proven here, and an account that an operator
// closed, are nobody else's.
func TestNoReclaim(t *testing.T) {
	w := newWorld(t, storetest.New(t), automaticAtOne)
	u := squatted(t, w)
	login := w.journey(newBrowser(), "two", broker.PurposeSignIn, "eve").Login
	must(t, w.accounts.SignUp(t.Context(), login, local.SignUpForm{Email: u.Email}))
	secret := w.token(u.Email, "sign-up")
	for name, edit := range map[string]func(*broker.User){
		"proven": func(u *broker.User) { u.EmailVouchedBy = "" }, "disabled": func(u *broker.User) { u.EmailVouchedBy, u.DisabledAt = "one", time.Now() },
	} {
		got := w.read(u)
		edit(&got)
		must(t, w.db.UpdateUser(t.Context(), got))
		before := w.read(u)
		_, _, err := w.accounts.Prove(t.Context(), secret, "")
		wantError(t, name, err, local.ErrSignUpKnown)
		if !reflect.DeepEqual(w.read(u), before) || w.state(u).identities != 2 {
			t.Errorf("%s: %+v", name, w.read(u))
		}
		must(t, w.accounts.SignUp(t.Context(), login, local.SignUpForm{Email: u.Email}))
		if m, err := w.inbox.last(w.db, u.Email); err != nil || m.Template != "known" {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

// TestWelcome: who is told that an account began.
func TestWelcome(t *testing.T) {
	for welcome, want := range map[local.Welcome][2]string{"": {"welcome", "sign-up"}, local.WelcomeVouched: {"welcome", "sign-up"}, local.WelcomeAll: {"welcome", "welcome"}, local.WelcomeNone: {"", "sign-up"}} {
		w := newWorld(t, storetest.New(t), automatic)
		w.accounts = local.New(w.db, w.Linker, local.Options{Issuer: base, Hashing: hashing, Welcome: welcome, NoPasswords: true})
		w.signIn("ada")
		m, _ := w.inbox.last(w.db, "ada@example.org")
		if m.Template != want[0] || m.Template != "" && m.Data["link"] != base+"/login/" {
			t.Errorf("%q: %+v to Ada", welcome, m)
		}
		must(t, w.accounts.SignUp(t.Context(), broker.Login{ID: "l", ExpiresAt: time.Now().Add(time.Hour)}, local.SignUpForm{Email: "bob@mail.example", Password: "a password of bob's"}))
		_, _, err := w.accounts.Prove(t.Context(), w.token("bob@mail.example", "sign-up"), "")
		must(t, err)
		if m, _ := w.inbox.last(w.db, "bob@mail.example"); m.Template != want[1] || m.Data["provider"] != "" {
			t.Errorf("%q: %+v to Bob", welcome, m)
		}
	}
}
