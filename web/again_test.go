package web

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

var primary = regexp.MustCompile(`<a class="button primary" href="([^"]+)"`)

// wayOn is where the first button of an error page leads.
func (a answer) wayOn() string {
	a.t.Helper()
	m := primary.FindStringSubmatch(a.body)
	if m == nil {
		a.t.Fatalf("no way on:\n%s", text(a.body))
	}
	return html.UnescapeString(m[1])
}

// TestAnswerIsPressedTwice: the browser shows the answer to the second press, and
// the first one's is lost. The person still gets to the application.
func TestAnswerIsPressedTwice(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.client()
	b := w.browser()
	login := b.get(authorize()).param("login")
	b.post("/login/", "login", login, "email", "ada@example.org", "password", password).to("/consent/")
	b.post("/consent/", "login", login, "decision", "allow").to(callbackURL + "?code=")
	page := b.post("/consent/", "login", login, "decision", "allow").want(410).says("complete already")
	b.get(page.wayOn()).to(callbackURL + "?code=")
}

// TestLoginTookTooLong: the application's request outlives the login.
func TestLoginTookTooLong(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.client()
	b := w.browser()
	at := b.get(authorize()).to("/login/")
	l, err := w.db.Login(t.Context(), broker.LoginID(at.param("login")))
	must(t, err)
	l.ExpiresAt = time.Now().Add(-time.Second)
	must(t, w.db.SaveLogin(t.Context(), l))
	page := b.post("/login/", "login", at.param("login"), "email", "ada@example.org", "password", password).want(410).says("took too long")
	next := b.get(page.wayOn()).to("/login/")
	if next.param("login") == at.param("login") {
		t.Fatal("the dead login is offered")
	}
	a, _ := b.follow(b.post("/login/", "login", next.param("login"), "email", "ada@example.org", "password", password))
	if a.status != 200 || !strings.Contains(a.body, `action="/consent/"`) {
		t.Errorf("status %d:\n%s", a.status, text(a.body))
	}
}

// TestClaimWithoutPasswords: the administrator's password opens nothing there,
// so the way leads to where an identity can be linked.
func TestClaimWithoutPasswords(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.NoPasswords = true })
	token, err := w.accounts.Claim(t.Context())
	must(t, err)
	b := w.browser()
	b.post("/claim/", "token", token.Reveal(), "email", "root@example.org", "name", "Root", "password", password).to(linkedAccountsPath)
	b.walk(b.post("/oauth/login/demo/"), "bob").to(linkedAccountsPath)
	b.post("/logout/")
	b.walk(b.get("/oauth/login/demo/"), "bob").to("/")
	if row, err := b.session(); err != nil || row.UserID == "" {
		t.Errorf("%+v, %v", row, err)
	}
}
