package web

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// unknown is a browser that has come back with an identity which nobody has, and
// where it was led.
func (w *world) unknown(subject string) (*browser, string) {
	w.t.Helper()
	b := w.browser()
	login := b.get(authorize()).param("login")
	b.walk(b.get("/oauth/login/demo/?login="+login), subject).to("/oauth/signup/demo/?login=" + login)
	return b, login
}

// identities are the subjects that open a user's account.
func (w *world) identities(u broker.User) string {
	w.t.Helper()
	all, err := w.db.IdentitiesOf(w.t.Context(), u.ID)
	must(w.t, err)
	var subjects []string
	for _, i := range all {
		subjects = append(subjects, i.Provider+" "+i.Subject)
	}
	return strings.Join(subjects, ", ")
}

// agree says yes to the question on /link/, and nothing was linked before.
func (b *browser) agree(u broker.User, a answer, login, before, after string) {
	b.w.t.Helper()
	a.to("/link/?login=" + login)
	page := b.get(a.location).want(200).says("Link Demo to your account?")
	if row, err := b.session(); err != nil || row.UserID != u.ID {
		b.w.t.Errorf("signed in as %q: %v", row.UserID, err)
	}
	if got := b.w.identities(u); got != before {
		b.w.t.Errorf("linked before anybody was asked: %s", got)
	}
	b.post("/link/", append([]string{"decision", "link"}, page.hidden()...)...).to("/consent/?login=" + login)
	if got := b.w.identities(u); got != after {
		b.w.t.Errorf("linked: %s", got)
	}
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// hidden are the names and values of the hidden fields of a page's first form,
// in turn.
func (a answer) hidden() []string {
	var all []string
	body, _, _ := strings.Cut(a.body, "</form>")
	for _, m := range hiddenField.FindAllStringSubmatch(body, -1) {
		all = append(all, m[1], m[2])
	}
	return all
}

// TestChoose: the page offers each way, and each proves the account and leads to
// the question. Nothing is linked before the answer.
func TestChoose(t *testing.T) {
	w := newWorld(t)
	w.client()
	u := w.user("ada")
	w.user("bob")

	b, login := w.unknown("bob") // the provider tells no address
	page := b.get("/oauth/signup/demo/?login=" + login).want(200).says("I have an account here").says("Bob").says("The App")
	for _, to := range []string{"/login/?login=" + login, "/oauth/login/other/?login=" + login, "/code/?login=" + login, "/oauth/signup/demo/?login=" + login + "&amp;new=1"} {
		if !strings.Contains(page.body, `href="`+to+`"`) {
			t.Errorf("no way to %s", to)
		}
	}
	if strings.Contains(page.body, "/oauth/login/demo/") {
		t.Error("the identity that waits is offered as a proof")
	}
	b.get("/oauth/signup/demo/?login=" + login + "&new=1").want(200).says("Create your account")
	b.agree(u, b.post("/login/", "login", login, "email", u.Email, "password", password), login, "", "demo bob")

	// With the identity that it has now; the new one is of another provider.
	b = w.browser()
	login = b.get(authorize()).param("login")
	b.walk(b.get("/oauth/login/other/?login="+login), "ada").to("/oauth/signup/other/?login=" + login)
	a := b.walk(b.get("/oauth/login/demo/?login="+login), "bob").to("/link/?login=" + login)
	b.get(a.location).want(200).says("Link Other to your account?")
	if got := w.identities(u); got != "demo bob" {
		t.Errorf("linked before anybody was asked: %s", got)
	}
	b.post("/link/", "login", login, "decision", "link").to("/consent/")
	if got := w.identities(u); got != "demo bob, other ada" {
		t.Errorf("linked: %s", got)
	}

	// With a code by mail.
	w.op.AddPerson(providertest.Person{Subject: "eve", Name: "Eve"})
	b, login = w.unknown("eve")
	bob, err := w.db.UserByEmail(t.Context(), "bob@example.org")
	must(t, err)
	b.get("/code/?login=" + login).want(200).says("Get a code by mail")
	b.post("/code/send/", "login", login, "email", "bob@example.org").to("/code/?login=" + login)
	b.get("/code/?login=" + login).want(200).says("bob@example.org").says("Type the code")
	b.agree(bob, b.post("/code/", "login", login, "code", w.mailedCode("code-link")), login, "", "demo eve")
	row, err := b.session()
	must(t, err)
	if len(row.AMR) != 1 || row.AMR[0] != "otp" || row.ACR != broker.ACRSingle || row.Provider != "" {
		t.Errorf("session %+v", row)
	}
}

// mailedCode is the code in the one mail that waits.
func (w *world) mailedCode(template string) string {
	w.t.Helper()
	for _, m := range w.mails() {
		if m.Template == template {
			return m.Data["code"]
		}
	}
	w.t.Fatalf("no mail %q", template)
	return ""
}

// TestKnownAddress: the page tells that there is an account where the provider has
// proven the address, and to nobody else.
func TestKnownAddress(t *testing.T) {
	w := newWorld(t)
	w.client()
	w.user("ada")
	w.op.AddPerson(providertest.Person{Subject: "mallory", Name: "Mallory", Email: "ada@example.org"})
	for subject, want := range map[string]bool{"ada": true, "mallory": false} {
		b, login := w.unknown(subject)
		page := b.get("/oauth/signup/demo/?login=" + login).want(200)
		if got := strings.Contains(page.body, "a…@example.org"); got != want {
			t.Errorf("%s is told: %v", subject, got)
		}
	}
}

// TestTwoProvidersInTwoTabs: two providers in two tabs of one sign-in, by hops that cross. Both
// end well, each with its own identity.
func TestTwoProvidersInTwoTabs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, tokens.Options{})
		w.client()
		b := w.browser()
		login := b.get(authorize()).param("login")
		one, two := b.get("/oauth/login/demo/?login="+login), b.get("/oauth/login/other/?login="+login)
		first := b.walk(one, "bob").to("/oauth/signup/demo/").param("login")
		second := b.walk(two, "ada").to("/oauth/signup/other/").param("login")
		if first == second {
			t.Fatal("both tabs have one login")
		}
		for _, tab := range []struct{ login, provider, says string }{{first, "demo", "Bob"}, {second, "other", "Ada Lovelace"}, {first, "demo", "Bob"}} {
			b.get("/oauth/signup/" + tab.provider + "/?login=" + tab.login).want(200).says(tab.says) // a reload
		}
		prove := func(login, provider, email string) {
			form := b.get("/oauth/signup/" + provider + "/?login=" + login + "&new=1").want(200)
			b.post("/signup/", append([]string{"name", provider, "email", email}, form.hidden()...)...).to("/sent/?login=" + login)
		}
		prove(first, "demo", "bob@example.org")
		link1 := w.mailedLink("sign-up")
		prove(second, "other", "ada@example.org")
		link2 := w.mailedLink("sign-up")
		for i, link := range []string{link2, link1} {
			b.post("/verify-email/", "token", strings.TrimPrefix(link, "/verify-email/?token=")).to("/consent/?login=" + []string{second, first}[i])
		}
		for email, want := range map[string]string{"bob@example.org": "demo bob", "ada@example.org": "other ada"} {
			u, err := db.UserByEmail(t.Context(), email)
			must(t, err)
			if got := w.identities(u); got != want {
				t.Errorf("%s is opened by %s, want %s", email, got, want)
			}
		}
	})
}

// TestOldFormOfAnotherIdentity: what the person reads is what is done. A page that
// shows another identity than the one that waits by now does nothing.
func TestOldFormOfAnotherIdentity(t *testing.T) {
	w := newWorld(t)
	w.client()
	u := w.user("ada")
	b, login := w.unknown("bob")
	old := b.get("/oauth/signup/demo/?login=" + login + "&new=1").want(200).hidden()
	b.post("/login/", "login", login, "email", u.Email, "password", password).to("/link/")
	question := b.get("/link/?login=" + login).want(200).hidden()
	// The person says no, and comes back with another identity in the same login.
	b.post("/link/", append([]string{"decision", "skip"}, question...)...).to("/consent/")
	l, err := w.db.Login(t.Context(), broker.LoginID(login))
	must(t, err)
	l.Remote = &broker.Profile{Provider: "other", Issuer: w.op.Issuer, Subject: "eve", Name: "Eve"}
	must(t, w.db.SaveLogin(t.Context(), l))
	b.post("/link/", append([]string{"decision", "link"}, question...)...).to("/link/")
	if got := w.identities(u); got != "" {
		t.Errorf("linked: %s", got)
	}
	b.get("/link/?login=" + login).want(200).says("in another tab").says("Eve")

	l.UserID, l.SID = "", ""
	must(t, w.db.SaveLogin(t.Context(), l))
	b.post("/signup/", append([]string{"name", "Bob", "email", "new@example.org"}, old...)...).to("/oauth/signup/other/")
	if sent := w.mails(); len(sent) != 0 {
		t.Errorf("mailed: %+v", sent)
	}
}

// TestChoiceOfAHiddenProvider: an operator who hides a provider ends what was under way.
func TestChoiceOfAHiddenProvider(t *testing.T) {
	w := newWorld(t)
	b, login := w.unknownAt("gone")
	for _, path := range []string{"/oauth/signup/gone/?login=" + login, "/oauth/signup/gone/?login=" + login + "&new=1"} {
		b.get(path).want(404)
	}
	b.post("/signup/", "login", login, "name", "x", "email", "x@example.org").want(404)
	b.get("/oauth/signup/demo/?login=" + login).want(410)
}

// unknownAt is unknown for a provider that has been hidden since.
func (w *world) unknownAt(provider string) (*browser, string) {
	b := w.browser()
	b.get("/login/?next=/") // ties the browser to a login
	l := broker.Login{
		ID: broker.LoginID(broker.NewID()), BrowserHash: broker.Secret(b.cookie(browserCookie)).Hash(), StartedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
		Remote: &broker.Profile{Provider: provider, Issuer: w.op.Issuer, Subject: "x"},
	}
	must(w.t, w.db.CreateLogin(w.t.Context(), l))
	return b, string(l.ID)
}

// TestResendTooSoon keeps the person on the page.
func TestResendTooSoon(t *testing.T) {
	w := newWorld(t)
	w.client()
	b, login := w.unknown("bob")
	b.post("/signup/", "login", login, "name", "Bob", "email", "bob@example.org").to("/sent/")
	page := b.post("/sent/", "login", login).want(429).says("less than a minute ago").says("bob@example.org")
	if !strings.Contains(page.body, "new=1") {
		t.Error("no way to correct the address")
	}
	if sent := w.mails(); len(sent) != 1 {
		t.Errorf("%d mails", len(sent))
	}
}
