package linking_test

import (
	"context"
	"reflect"
	"strings"
	"sync"
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

func byEmail(a *providers.App) { a.LinkByEmail = true }

// TestFoundByEmail: the identity opens the account that has proven its address;
// the person is told, and takes it back.
func TestFoundByEmail(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, byEmail)
		u := w.user("ada", "hash")
		res := w.signIn("ada")
		if res.Outcome != linking.Found || res.User.ID != u.ID || res.How.Provider != "one" {
			t.Fatalf("%+v", res)
		}
		if got := w.state(u); got.identities != 1 || got.accounts != 1 || got.tokens != 1 || got.events != 1 || w.count() != 1 {
			t.Errorf("%+v", got)
		}
		m, err := w.inbox.last(db, u.Email)
		_, secret, ok := strings.Cut(m.Data["link"], "token=")
		if err != nil || m.Template != "found" || m.Data["provider"] != "Provider one" || !ok {
			t.Fatalf("%+v, %v", m, err)
		}
		if _, err := w.Undo(t.Context(), broker.Session{}, broker.Secret(secret)); err != nil || w.state(u).identities != 0 {
			t.Errorf("undo: %v, %+v", err, w.state(u))
		}
	})
}

// TestNotFoundByEmail performs the attacks on silent linking: whoever comes back,
// the account of the address is neither opened nor changed.
func TestNotFoundByEmail(t *testing.T) {
	const victim = "ada@example.org"
	person := func(email string, verified bool) providertest.Person {
		return providertest.Person{Subject: "mallory", Username: "mallory", Email: email, EmailVerified: verified}
	}
	for name, tt := range map[string]struct {
		person providertest.Person
		edit   func(*providers.App)
		victim func(*world, *broker.User)
	}{
		"the policy is off":                {person: person(victim, true), edit: func(a *providers.App) { a.LinkByEmail = false }},
		"not verified there":               {person: person(victim, false)},
		"always, which is no verification": {person: person(victim, false), edit: func(a *providers.App) { a.EmailTrust = providers.EmailAlways }},
		"outside email_domains":            {person: person(victim, true), edit: func(a *providers.App) { a.EmailDomains = []string{"campus.example"} }},
		"another's address":                {person: person("ada@example.org.evil.example", true)},
		"a plus":                           {person: person("ada+x@example.org", true)},
		"a dot":                            {person: person("a.da@example.org", true)},
		"a Cyrillic letter":                {person: person("аda@example.org", true)},
		"a wide letter":                    {person: person("ａda@example.org", true)},
		"an accent of its own":             {person: person("a\u0301da@example.org", true)},
		"a dotted capital I":               {person: person("adaİ@example.org", true), victim: func(w *world, u *broker.User) { u.Email = "adai@example.org" }},
		"the sign of kelvin":               {person: person("ada\u212a@example.org", true), victim: func(w *world, u *broker.User) { u.Email = "adak@example.org" }},
		"in another spelling":              {person: person("ada@xn--fa-hia.example", true), victim: func(w *world, u *broker.User) { u.Email = "ada@fa\u00df.example" }},
		"never proven here":                {person: person(victim, true), victim: func(w *world, u *broker.User) { u.EmailVerifiedAt = time.Time{} }},
		"only another provider says so":    {person: person(victim, true), victim: func(w *world, u *broker.User) { u.EmailVouchedBy = "two" }},
		"only this provider says so":       {person: person(victim, true), victim: func(w *world, u *broker.User) { u.EmailVouchedBy = "one" }},
		"disabled":                         {person: person(victim, true), victim: func(w *world, u *broker.User) { u.DisabledAt = time.Now() }},
		"it has an identity there":         {person: person(victim, true), victim: func(w *world, u *broker.User) { w.link(*u, "one", "bob"); *u = w.read(*u) }},
		"and second would add":             {person: person(victim, true), edit: func(a *providers.App) { a.Second = broker.SecondAdd }, victim: func(w *world, u *broker.User) { w.link(*u, "one", "bob"); *u = w.read(*u) }},
	} {
		db := storetest.New(t)
		edits := []func(*providers.App){byEmail}
		if tt.edit != nil {
			edits = append(edits, tt.edit)
		}
		w := newWorld(t, db, edits...)
		u := w.read(w.user("ada", "hash"))
		if tt.victim != nil {
			tt.victim(w, &u)
			must(t, db.UpdateUser(t.Context(), u))
			u = w.read(u)
		}
		w.op.AddPerson(tt.person)
		before := w.state(u)
		if res := w.signIn("mallory"); res.Outcome != linking.NewPerson || res.User.ID != "" || w.state(u) != before || !reflect.DeepEqual(w.read(u), u) {
			t.Errorf("%s: %s, %+v became %+v", name, res.Outcome, before, w.state(u))
		}
	}
}

// read is a user as they stand in the database.
func (w *world) read(u broker.User) broker.User {
	w.t.Helper()
	u, err := w.db.User(w.t.Context(), u.ID)
	must(w.t, err)
	return u
}

// TestNotFoundByEmailWhereClosed: a provider that was hidden, or lets nobody in any
// more, while the person was there finds nobody.
func TestNotFoundByEmailWhereClosed(t *testing.T) {
	for name, tt := range map[string]struct {
		edit func(*providers.App)
		want error
	}{
		"hidden":    {func(a *providers.App) { a.Hidden = true }, linking.ErrUnknownProvider},
		"link-only": {func(a *providers.App) { a.LinkOnly = true }, linking.ErrLinkOnly},
	} {
		w := newWorld(t, storetest.New(t), byEmail)
		u, b := w.user("ada", "hash"), newBrowser()
		cb := w.out(b, "one", broker.PurposeSignIn, "ada")
		closed, err := providers.New(providers.Options{BaseURL: base, AllowPrivate: true, Apps: []providers.App{w.app("one", byEmail, tt.edit)}})
		must(t, err)
		w.Linker = linking.New(w.db, closed, linking.Options{Issuer: base})
		_, err = w.back(b, "one", cb)
		wantError(t, name, err, tt.want)
		if w.state(u) != (state{}) {
			t.Errorf("%s: %+v", name, w.state(u))
		}
	}
}

// TestFoundByEmailWithoutSignUp: a provider that begins no accounts still finds
// them; who has none stays out.
func TestFoundByEmailWithoutSignUp(t *testing.T) {
	w := newWorld(t, storetest.New(t), byEmail, func(a *providers.App) { a.SignUp = broker.SignUpNo })
	w.user("ada", "hash")
	if res := w.signIn("ada"); res.Outcome != linking.Found {
		t.Errorf("%s", res.Outcome)
	}
	b := newBrowser()
	_, err := w.back(b, "one", w.out(b, "one", broker.PurposeSignIn, "bob"))
	wantError(t, "a stranger", err, linking.ErrNoSignUp)
}

// TestFoundByEmailAtOnce: two identities with one verified address come back at
// once; one of them opens the account, the other is a second one and asks.
func TestFoundByEmailAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, byEmail)
		u := w.user("ada", "hash")
		w.op.AddPerson(providertest.Person{Subject: "twin", Email: u.Email, EmailVerified: true})
		type leg struct {
			b  *browser
			cb broker.Callback
		}
		legs := map[string]leg{}
		for _, subject := range []string{"ada", "twin"} {
			b := newBrowser()
			legs[subject] = leg{b, w.out(b, "one", broker.PurposeSignIn, subject)}
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		got := map[linking.Outcome]int{}
		for _, l := range legs {
			wg.Go(func() {
				res, err := w.back(l.b, "one", l.cb)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				got[res.Outcome]++
			})
		}
		wg.Wait()
		if got[linking.Found] != 1 || got[linking.NewPerson] != 1 || w.state(u).identities != 1 {
			t.Errorf("%v, %+v", got, w.state(u))
		}
	})
}

// TestLyingProvider: whatever a provider says, an account that exists is opened by
// what its person proved, and by nothing that the provider tells.
func TestLyingProvider(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for trust, verified := range map[string]bool{providers.EmailAlways: false, providers.EmailVerified: true} {
			for name, edit := range map[string]func(*providers.App){
				"form": func(*providers.App) {}, "automatic": automatic, "unmailed": func(a *providers.App) { a.Unmailed = true },
			} {
				w := newWorld(t, db, edit, func(a *providers.App) { a.EmailTrust = trust })
				u := w.read(w.user(broker.NewID(), "hash"))
				w.op.AddPerson(providertest.Person{Subject: "liar" + string(u.ID), Username: "root", Name: "Ada", Email: u.Email, EmailVerified: verified})
				before := w.state(u)
				res := w.signIn("liar" + string(u.ID))
				if res.Outcome != linking.NewPerson {
					t.Errorf("%s, %s: %s", trust, name, res.Outcome)
				}
				must(t, w.accounts.SignUp(t.Context(), res.Login, local.SignUpForm{Email: u.Email, Name: "Ada"}))
				if m, err := w.inbox.last(db, u.Email); err != nil || m.Template != "known" {
					t.Errorf("%s, %s: %+v, %v", trust, name, m, err)
				}
				l, err := db.Login(t.Context(), res.Login.ID)
				if err != nil || l.UserID != "" || w.state(u) != before || !reflect.DeepEqual(w.read(u), u) {
					t.Errorf("%s, %s: %+v, %v, %+v", trust, name, l, err, w.state(u))
				}
			}
		}
	})
}

// TestExplainFacts: an operator asks what would become of claims, and nothing does.
func TestExplainFacts(t *testing.T) {
	w := newWorld(t, storetest.New(t), automatic, byEmail)
	u := w.user("ada", "hash")
	tell := func(email string, asserted bool) (linking.Facts, linking.Outcome, error) {
		return w.Explain(context.Background(), broker.Profile{Provider: "one", Issuer: w.op.Issuer, Subject: "new", Email: email, EmailVerified: true, EmailAsserted: asserted})
	}
	if f, outcome, err := tell(u.Email, true); err != nil || outcome != linking.Found || f.Holder != u.ID {
		t.Errorf("%+v, %s, %v", f, outcome, err)
	}
	if f, outcome, err := tell(u.Email, false); err != nil || outcome != linking.NewPerson || f.Asserted {
		t.Errorf("%+v, %s, %v", f, outcome, err)
	}
	if _, outcome, err := tell("new@example.org", false); err != nil || outcome != linking.Began {
		t.Errorf("%s, %v", outcome, err)
	}
	if w.count() != 1 || w.state(u) != (state{}) {
		t.Errorf("%d users, %+v", w.count(), w.state(u))
	}
}
