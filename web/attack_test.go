package web

import (
	"net/url"
	"strings"
	"sync"
	"testing"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

// personOf is somebody at the fake without an address.
func personOf(subject string) providertest.Person {
	return providertest.Person{Subject: subject, Username: subject, Name: subject}
}

// nobody fails the test where the browser is signed in.
func (b *browser) nobody() {
	b.w.t.Helper()
	if row, err := b.session(); err == nil && row.UserID != "" {
		b.w.t.Errorf("signed in as %s", row.UserID)
	}
}

// TestCallbackInAnotherBrowser is login CSRF: the attacker's code and state in
// the victim's browser.
func TestCallbackInAnotherBrowser(t *testing.T) {
	w := newWorld(t)
	w.member("ada")
	attacker, victim := w.browser(), w.browser()
	a := attacker.get("/oauth/login/demo/")
	u := w.op.Walk(t, a.location, "ada")
	victim.get("/login/?next=/x") // has a cookie of its own
	victim.callback(u).want(403)
	victim.nobody()
	w.browser().callback(u).want(403) // has none
	attacker.callback(u).to("/")      // and the attempt was not spent by that
}

func TestReplayedState(t *testing.T) {
	w := newWorld(t)
	w.member("ada")
	b := w.browser()
	u := w.op.Walk(t, b.get("/oauth/login/demo/").location, "ada")
	b.callback(u).to("/")
	b.post("/logout/")
	b.callback(u).want(403) // the browser's cookie went with the sign-out
	b.nobody()

	b = w.browser()
	u = w.op.Walk(t, b.get("/oauth/login/demo/").location, "ada")
	browserOf := b.cookie(browserCookie)
	b.callback(u).to("/")
	b.post("/logout/")
	b.setCookie(browserCookie, browserOf)
	b.callback(u).want(410)
	b.nobody()
}

func TestStateOfAnotherProvider(t *testing.T) {
	w := newWorld(t)
	w.member("ada")
	b := w.browser()
	u := w.op.Walk(t, b.get("/oauth/login/demo/").location, "ada")
	b.get("/oauth/authorized/other/?" + u.RawQuery).want(403)
	b.nobody()
	b.get("/oauth/authorized/nothing/?" + u.RawQuery).want(404)
	b.get("/oauth/authorized/gone/?" + u.RawQuery).want(404)
	b.callback(u).to("/")
}

func TestCallbackWithoutAnAnswer(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	state := func() string {
		u, err := url.Parse(b.get("/oauth/login/demo/").location)
		must(t, err)
		return u.Query().Get("state")
	}
	for _, query := range []string{
		"", "x=y", "code=a", "state=" + state(), "state=" + state() + "&token=x", "code=a&code=b&state=" + state(),
		"code=a&state=b&state=" + state(), "code=" + strings.Repeat("a", 9000) + "&state=" + state(), "code=%zz",
		"code=a&state=" + state() + "&iss=x&iss=y", "code=a&state=%ff%fe", "code=a&state=%00",
	} {
		if a := b.get("/oauth/authorized/demo/?" + query); a.status != 400 {
			t.Errorf("%.60q: %d, want 400", query, a.status)
		}
	}
	b.get("/oauth/authorized/demo/?code=a&state=unknown").want(410)
	b.nobody()
}

func TestHiddenProvider(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.get("/oauth/login/gone/").want(404)
	b.get("/oauth/login/nothing/").want(404)
	b.get("/oauth/signup/gone/").want(410) // no identity of it waits
	if a := b.get("/login/").want(200); strings.Contains(a.body, "Gone") {
		t.Error("a hidden provider is offered")
	}
	m := w.member("ada")
	m.post("/oauth/login/gone/").want(404)
}

// TestTwoTabs: two journeys of one browser do not collide.
func TestTwoTabs(t *testing.T) {
	w := newWorld(t)
	w.member("ada")
	b := w.browser()
	one := w.op.Walk(t, b.get("/oauth/login/demo/?next=/one").location, "ada")
	two := w.op.Walk(t, b.get("/oauth/login/demo/?next=/two").location, "ada")
	b.callback(two).to("/two")
	b.callback(one).to("/one")
}

// TestLoginOfAnotherBrowser: the id of a login opens nothing.
func TestLoginOfAnotherBrowser(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	w.client()
	victim, thief := w.browser(), w.browser()
	thief.signIn("ada")
	login := victim.get(authorize()).param("login")
	consent := victim.post("/login/", "login", login, "email", ada.Email, "password", password).to("/consent/").location
	thief.post("/logout/")
	thief.get("/login/?next=/x")
	for _, b := range []*browser{thief, w.browser()} {
		for _, path := range []string{"/login/", "/signup/", "/sent/", "/link/", "/consent/", "/oauth/login/demo/", "/oauth/signup/demo/", "/lost-password/"} {
			b.get(path + "?login=" + login).want(403)
		}
		for _, path := range []string{"/login/", "/signup/", "/sent/", "/link/", "/consent/", "/oauth/signup/demo/"} {
			decision := "allow"
			if path == "/link/" {
				decision = "link"
			}
			b.post(path, "login", login, "decision", decision, "email", "a@example.org", "password", password).want(403)
		}
		b.nobody()
	}
	victim.get(consent).want(200)
	for _, id := range []string{"x", strings.Repeat("a", 26), strings.Repeat("a", 5000), "' OR 1=1 --"} {
		victim.get("/login/?login=" + url.QueryEscape(id)).want(410)
	}
}

// TestMailScanner: whoever only looks spends nothing.
func TestMailScanner(t *testing.T) {
	w := newWorld(t)
	b, scanner := w.browser(), w.browser()
	b.post("/signup/", "email", "ada@example.org", "name", "Ada", "password", password).to("/sent/")
	link := w.mailedLink("sign-up")
	for range 3 {
		scanner.get(link).want(200)
		scanner.do(scanner.request("HEAD", link, nil)).want(200)
	}
	scanner.nobody()
	if _, err := w.db.UserByEmail(t.Context(), "ada@example.org"); err == nil {
		t.Fatal("a GET made an account")
	}
	token := strings.TrimPrefix(link, "/verify-email/?token=")
	b.post("/verify-email/", "token", token).to("/")
	b.post("/verify-email/", "token", token).want(410)
	b.get(link).want(410)
	w.browser().post("/reset-password/", "token", token, "password", "another purpose").want(410)
	if log := w.log.String(); strings.Contains(log, token) {
		t.Error("the token is in the log")
	}
}

// TestUserSwitchDuringLink: the person who comes back from the provider is not
// the one who left.
func TestUserSwitchDuringLink(t *testing.T) {
	w := newWorld(t)
	ada, eve := w.user("ada"), w.user("eve")
	b := w.browser()
	b.signIn("ada")
	u := w.op.Walk(t, b.post("/oauth/login/demo/").location, "bob")
	b.post("/login/?switch=1", "email", eve.Email, "password", password).to("/")
	b.callback(u).want(403)
	for _, id := range []broker.UserID{ada.ID, eve.ID} {
		if all, err := w.db.IdentitiesOf(t.Context(), id); err != nil || len(all) != 0 {
			t.Errorf("%s: identities %v, %v", id, all, err)
		}
	}
	// Signed out meanwhile: the same.
	u = w.op.Walk(t, b.post("/oauth/login/demo/").location, "bob")
	b.post("/logout/")
	b.callback(u).want(403)
	b.nobody()
}

// TestTakenIdentity: an identity that opens another account is refused, and
// nothing changes.
func TestTakenIdentity(t *testing.T) {
	w := newWorld(t)
	w.member("bob")
	eve := w.user("eve")
	b := w.browser()
	b.signIn("eve")
	b.walk(b.post("/oauth/login/demo/"), "bob").want(409)
	if all, err := w.db.IdentitiesOf(t.Context(), eve.ID); err != nil || len(all) != 0 {
		t.Errorf("identities %v, %v", all, err)
	}
	if row, err := b.session(); err != nil || row.UserID != eve.ID {
		t.Errorf("session %+v, %v", row, err)
	}
	// An identity of the same provider beside one's own.
	m := w.member("ada")
	w.op.AddPerson(personOf("ada2"))
	m.walk(m.post("/oauth/login/demo/"), "ada2").want(409)
}

// TestUnprovenAddressTellsNothing: only whom the provider has proven an address
// of learns that it has an account here.
func TestUnprovenAddressTellsNothing(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.op.AddPerson(providertest.Person{Subject: "eve", Name: "Eve", Email: "ada@example.org", EmailVerified: false})
	b := w.browser()
	a := b.walk(b.get("/oauth/login/demo/"), "eve").to("/oauth/signup/demo/")
	if page := b.get(a.location).want(200); strings.Contains(page.body, "a…@example.org") {
		t.Errorf("the page tells:\n%s", text(page.body))
	}
}

// TestPendingIdentityIsNotLinkedUnasked: who proves an unknown identity while
// somebody else is signed in in the browser links nothing.
func TestPendingIdentityIsNotLinkedUnasked(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	b := w.browser()
	left := b.get("/oauth/login/demo/")
	b.signIn("ada")
	a := b.walk(left, "bob").to("/oauth/signup/demo/")
	b.get("/link/?login=" + a.param("login")).to("/oauth/signup/demo/")
	b.post("/link/", "login", a.param("login"), "decision", "link").to("/oauth/signup/demo/")
	if all, err := w.db.IdentitiesOf(t.Context(), ada.ID); err != nil || len(all) != 0 {
		t.Errorf("identities %v, %v", all, err)
	}
}

// TestDoubleSubmit: sixteen times the same consent, proof and link at once: one
// counts, and nothing breaks.
func TestDoubleSubmit(t *testing.T) {
	const times = 16
	at := func(f func() answer) (ok int) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		for range times {
			wg.Go(func() {
				a := f()
				mu.Lock()
				defer mu.Unlock()
				switch {
				case a.status == 303:
					ok++
				case a.status/100 == 5:
					t.Errorf("status %d", a.status)
				}
			})
		}
		wg.Wait()
		return ok
	}
	w := newWorld(t)
	w.client()
	b := w.browser()
	login := b.get(authorize()).param("login")
	b.post("/signup/", "login", login, "email", "ada@example.org", "name", "Ada", "password", password).to("/sent/")
	token := strings.TrimPrefix(w.mailedLink("sign-up"), "/verify-email/?token=")
	if ok := at(func() answer { return b.post("/verify-email/", "token", token) }); ok != 1 {
		t.Errorf("%d proofs counted", ok)
	}
	if ok := at(func() answer {
		a := b.post("/consent/", "login", login, "decision", "allow")
		if a.status == 303 && !strings.HasPrefix(a.location, callbackURL+"?code=") {
			t.Errorf("to %s", a.location)
		}
		return a
	}); ok != 1 {
		t.Errorf("%d consents counted", ok)
	}
	u, err := w.db.UserByEmail(t.Context(), "ada@example.org")
	must(t, err)
	if grants, err := w.db.GrantsOf(t.Context(), u.ID); err != nil || len(grants) > 1 {
		t.Errorf("grants %v, %v", grants, err)
	}
}

// TestNextPersonAtTheMachine: after a sign-out, the addresses in the history go
// nowhere.
func TestNextPersonAtTheMachine(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.client()
	b := w.browser()
	b.signIn("ada")
	consent := b.get(authorize()).to("/consent/").location
	page := b.get(profilePath).want(200)
	if page.header.Get("Cache-Control") != "no-store" {
		t.Error("the browser keeps the page")
	}
	b.post("/logout/")
	b.get(consent).want(403)
	b.get(profilePath).to("/login/")
	b.nobody()
}

// TestNothingSecretInTheLog goes through a whole sign-up and looks.
func TestNothingSecretInTheLog(t *testing.T) {
	w := newWorld(t)
	w.client()
	b := w.browser()
	login := b.get(authorize()).param("login")
	left := b.get("/oauth/login/demo/?login=" + login)
	u := w.op.Walk(t, left.location, "ada")
	b.callback(u)
	b.post("/signup/", "login", login, "email", "ada@example.org", "name", "Ada")
	token := strings.TrimPrefix(w.mailedLink("sign-up"), "/verify-email/?token=")
	b.post("/verify-email/", "token", token)
	a := b.post("/consent/", "login", login, "decision", "allow").to(callbackURL)
	b.post("/login/?switch=1", "email", "ada@example.org", "password", "my-own-secret-words")
	log := w.log.String()
	for what, secret := range map[string]string{
		"session": b.cookie(sessionCookie), "browser": b.cookie(browserCookie), "state": u.Query().Get("state"), "provider's code": u.Query().Get("code"),
		"mail token": token, "our code": a.param("code"), "password": "my-own-secret-words", "address": "ada@example.org", "login": login,
	} {
		if secret == "" || strings.Contains(log, secret) {
			t.Errorf("%s %q is in the log", what, secret)
		}
	}
}

// TestIdentityTakenDuringSignUp: the identity got an account while the mail was
// under way; the address did not, and nobody is told so.
func TestIdentityTakenDuringSignUp(t *testing.T) {
	w := newWorld(t)
	var tokens []string
	for _, email := range []string{"one@example.org", "two@example.org"} {
		b := w.browser()
		login := b.walk(b.get("/oauth/login/demo/"), "bob").to("/oauth/signup/demo/").param("login")
		b.post("/signup/", "login", login, "name", "Bob", "email", email).to("/sent/")
		tokens = append(tokens, strings.TrimPrefix(w.mailedLink("sign-up"), "/verify-email/?token="))
	}
	b := w.browser()
	b.post("/verify-email/", "token", tokens[0]).want(200)
	b.post("/verify-email/", "token", tokens[1]).want(409).says("linked to another account of ours")
	if n, err := w.db.CountUsers(t.Context()); n != 1 || err != nil {
		t.Errorf("%d users, %v", n, err)
	}
}

// TestMailOfAStrangersSignUp: somebody signs up with an identity of theirs and the
// address of a person who is about to sign up as well, through the same
// provider. The page behind the mail shows whose identity it is, so that the
// person does not open their account to it.
func TestMailOfAStrangersSignUp(t *testing.T) {
	w := newWorld(t)
	w.op.AddPerson(providertest.Person{Subject: "stranger", Username: "mallory47", Name: "A Stranger"})
	b := w.browser()
	login := b.walk(b.get("/oauth/login/demo/"), "stranger").to("/oauth/signup/demo/").param("login")
	b.post("/signup/", "login", login, "name", "Ada Lovelace", "email", "ada@example.org").to("/sent/")
	w.browser().get(w.mailedLink("sign-up")).want(200).says("A Stranger").says("mallory47").says("Confirm only if that was you")
}
