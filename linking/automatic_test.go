package linking_test

import (
	"context"
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

func automatic(a *providers.App) { a.SignUp = broker.SignUpAutomatic }

// signIn is a journey of a new browser to provider one.
func (w *world) signIn(subject string) linking.Result {
	w.t.Helper()
	return w.journey(newBrowser(), "one", broker.PurposeSignIn, subject)
}

// count is how many accounts there are.
func (w *world) count() int {
	w.t.Helper()
	n, err := w.db.CountUsers(w.t.Context())
	must(w.t, err)
	return n
}

// TestAutomaticSignUp: the account begins at the callback, remembers that only
// the provider vouches for its address, and its owner is told.
func TestAutomaticSignUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, automatic)
		b := newBrowser()
		res, err := w.Finish(t.Context(), linking.FinishRequest{Provider: "one", Browser: b.cookie, Callback: w.out(b, "one", broker.PurposeSignIn, "ada"), Locale: "de"})
		must(t, err)
		u, err := db.UserByEmail(t.Context(), "ada@example.org")
		must(t, err)
		if res.Outcome != linking.Began || res.User.ID != u.ID || res.How.Provider != "one" || !u.EmailVerified() || u.EmailProven() || u.EmailVouchedBy != "one" ||
			u.Name != "ada" || u.Username != "ada-at-one" || u.Locale != "de" || u.HasPassword() {
			t.Errorf("%+v, %+v", res, u)
		}
		if got := w.state(u); got.identities != 1 || got.accounts != 1 || got.tokens != 1 || got.events != 2 {
			t.Errorf("%+v", got)
		}
		m, err := w.inbox.last(db, u.Email)
		if err != nil || m.Template != "welcome" || m.Locale != "de" || m.Data["provider"] != "Provider one" || m.Data["link"] != base+"/lost-password/" {
			t.Errorf("%+v, %v", m, err)
		}
		if again := w.signIn("ada"); again.Outcome != linking.SignedIn || again.User.ID != u.ID || w.count() != 1 {
			t.Errorf("%+v", again)
		}
	})
}

// TestAutomaticInALogin: the login of an application goes on with the new account.
func TestAutomaticInALogin(t *testing.T) {
	w := newWorld(t, storetest.New(t), automatic)
	b := newBrowser()
	waiting := newWorld(t, w.db).journey(b, "one", broker.PurposeSignIn, "bob").Login // another identity waits in it
	to, err := w.Start(t.Context(), linking.StartRequest{Provider: "one", Purpose: broker.PurposeSignIn, Browser: b.cookie, LoginID: waiting.ID})
	must(t, err)
	res, err := w.back(b, "one", callback(w.op.Walk(t, to, "ada")))
	must(t, err)
	l, err := w.db.Login(t.Context(), waiting.ID)
	must(t, err)
	if res.Outcome != linking.Began || l.UserID != res.User.ID || l.Remote != nil || l.SignUp != nil || l.Next(false) != broker.StepDone {
		t.Errorf("%+v, %+v", res, l)
	}
}

// TestAutomaticFallsBack: where anything is missing the form asks, and no account
// begins, least of all a stranger's opens.
func TestAutomaticFallsBack(t *testing.T) {
	for name, tt := range map[string]struct {
		person providertest.Person
		edit   func(*providers.App)
		known  string // somebody has this address
	}{
		"not verified there":    {person: providertest.Person{Email: "new@example.org"}},
		"no address":            {person: providertest.Person{EmailVerified: true}},
		"no address at all":     {person: providertest.Person{Email: "nobody", EmailVerified: true}},
		"trust is never":        {person: providertest.Person{Email: "new@example.org", EmailVerified: true}, edit: func(a *providers.App) { a.SignUp, a.EmailTrust = "", providers.EmailNever }},
		"outside email_domains": {person: providertest.Person{Email: "new@evil.example", EmailVerified: true}, edit: func(a *providers.App) { a.EmailDomains = []string{"example.org"} }},
		"an account has it":     {person: providertest.Person{Email: "ada@example.org", EmailVerified: true}, known: "ada"},
		"in capitals":           {person: providertest.Person{Email: "ADA@Example.ORG", EmailVerified: true}, known: "ada"},
		"always, and lying":     {person: providertest.Person{Email: "ada@example.org"}, edit: func(a *providers.App) { a.EmailTrust = providers.EmailAlways }, known: "ada"},
	} {
		edits := []func(*providers.App){automatic}
		if tt.edit != nil {
			edits = append(edits, tt.edit)
		}
		w := newWorld(t, storetest.New(t), edits...)
		var victim broker.User
		if tt.known != "" {
			victim = w.user(tt.known, "hash")
		}
		tt.person.Subject = "new"
		w.op.AddPerson(tt.person)
		before, n := w.state(victim), w.count()
		if res := w.signIn("new"); res.Outcome != linking.NewPerson || res.Login.Remote == nil || res.User.ID != "" || w.state(victim) != before || w.count() != n {
			t.Errorf("%s: %+v, %+v", name, res, w.state(victim))
		}
	}
}

// naming are apps that tell a name as no provider of ours would let through.
type naming struct {
	linking.Apps
	name string
}

func (n naming) Complete(ctx context.Context, id string, a broker.Attempt, cb broker.Callback) (broker.Profile, error) {
	p, err := n.Apps.Complete(ctx, id, a, cb)
	p.Name = n.name
	return p, err
}

// TestAutomaticNames: a name that cannot stand in an account is for the form.
func TestAutomaticNames(t *testing.T) {
	w := newWorld(t, storetest.New(t), automatic)
	for name, want := range map[string]linking.Outcome{"a\u202eb": linking.NewPerson, strings.Repeat("a", 300): linking.NewPerson, "a\xff": linking.NewPerson, "": linking.Began} {
		w.Linker = linking.New(w.db, naming{w.apps, name}, linking.Options{Issuer: base, Begin: w.accounts.Begin})
		if res := w.signIn("ada"); res.Outcome != want {
			t.Errorf("%.20q: %s, want %s", name, res.Outcome, want)
		}
		if u, err := w.db.UserByEmail(t.Context(), "ada@example.org"); err == nil {
			must(t, w.db.InTx(t.Context(), func(ctx context.Context) error { return w.DetachAll(ctx, u.ID, time.Now()) }))
			u.Email = "elsewhere@example.org"
			must(t, w.db.UpdateUser(t.Context(), u))
		}
	}
}

// TestAutomaticNeedsOpenDoors: accounts.sign_up stands above a provider's policy,
// and without who begins accounts none begins.
func TestAutomaticNeedsOpenDoors(t *testing.T) {
	w := newWorld(t, storetest.New(t), automatic)
	w.accounts = local.New(w.db, w.Linker, local.Options{NoSignUp: true})
	b := newBrowser()
	_, err := w.back(b, "one", w.out(b, "one", broker.PurposeSignIn, "ada"))
	wantError(t, "closed", err, local.ErrSignUpClosed)
	w.Linker = linking.New(w.db, w.apps, linking.Options{Issuer: base})
	if res := w.signIn("ada"); res.Outcome != linking.NewPerson || w.count() != 0 {
		t.Errorf("%+v", res)
	}
}

// TestAutomaticUsernames: a login name that somebody has gets a number, one that
// cannot be a username becomes one, and where none comes of it there is none.
func TestAutomaticUsernames(t *testing.T) {
	w := newWorld(t, storetest.New(t), automatic)
	for i, tt := range []struct{ told, want string }{
		{"ada", "ada"}, {"ADA", "ADA2"}, {"ada@campus.example", "ada3"}, {"Ada Lovelace", "Ada-Lovelace"}, {"../ada", "ada4"}, {"💥", ""}, {"", ""}, {strings.Repeat("x", 65), ""}, {strings.Repeat("y", 64), strings.Repeat("y", 64)}, {strings.Repeat("y", 64), strings.Repeat("y", 63) + "2"},
	} {
		subject := "s" + string(rune('a'+i))
		w.op.AddPerson(providertest.Person{Subject: subject, Username: tt.told, Email: subject + "@example.org", EmailVerified: true})
		if res := w.signIn(subject); res.Outcome != linking.Began || res.User.Username != tt.want {
			t.Errorf("%q: %s, %q, want %q", tt.told, res.Outcome, res.User.Username, tt.want)
		}
	}
}

// TestAutomaticAtOnce: an identity comes back in sixteen browsers at once, and so
// do others with its address. One account begins, and each browser gets an answer.
func TestAutomaticAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, automatic)
		w.op.AddPerson(providertest.Person{Subject: "twin", Username: "ada-at-one", Name: "Twin", Email: "ada@example.org", EmailVerified: true})
		type leg struct {
			b       *browser
			cb      broker.Callback
			subject string
		}
		var legs []leg
		for i := range 16 {
			b, subject := newBrowser(), []string{"ada", "ada", "twin"}[i%3]
			legs = append(legs, leg{b, w.out(b, "one", broker.PurposeSignIn, subject), subject})
		}
		var wg sync.WaitGroup
		results := make([]linking.Result, len(legs))
		for i, l := range legs {
			wg.Go(func() {
				var err error
				if results[i], err = w.back(l.b, "one", l.cb); err != nil {
					t.Errorf("%s: %v", l.subject, err)
				}
			})
		}
		wg.Wait()
		began, owner := 0, ""
		for i, res := range results {
			if res.Outcome == linking.Began {
				began++
				owner = legs[i].subject
			}
		}
		for i, res := range results {
			if in := res.Outcome != linking.NewPerson; in != (legs[i].subject == owner) {
				t.Errorf("%s: %s, the account is %s's", legs[i].subject, res.Outcome, owner)
			}
		}
		if began != 1 || w.count() != 1 {
			t.Errorf("%d began, %d stand", began, w.count())
		}
	})
}

// TestAutomaticCrash: what fails half-way leaves nothing.
func TestAutomaticCrash(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, automatic)
		broken := &failing{DB: db, fails: true}
		w.Linker = linking.New(broken, w.apps, linking.Options{Issuer: base, Begin: w.accounts.Begin})
		b := newBrowser()
		if _, err := w.back(b, "one", w.out(b, "one", broker.PurposeSignIn, "ada")); err == nil || w.count() != 0 || w.state() != (state{}) {
			t.Errorf("%v, %d users, %+v", err, w.count(), w.state())
		}
	})
}
