package web

import (
	"net/url"
	"testing"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// TestNextSurvivesSignUp: whoever begins an account from a link to the form comes
// back to where that link said, also by the form that was refused once, and
// where they sign in instead; and stays here whatever it said.
func TestNextSurvivesSignUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, tokens.Options{})
		w.user("ada")
		const next = "/account/settings/profile/?from=a%26b"
		open := func(next string) (*browser, string) {
			t.Helper()
			b := w.browser()
			a := b.get("/signup/?next=" + url.QueryEscape(next)).to("/signup/?login=")
			b.get(a.location).want(200)
			return b, a.param("login")
		}
		newcomer := func(b *browser, login string) answer {
			t.Helper()
			email := broker.NewID() + "@example.org"
			b.post("/signup/", "login", login, "email", email, "name", "Eve", "password", "short").want(422)
			b.post("/signup/", "login", login, "email", email, "name", "Eve", "password", password).to("/sent/?login=" + login)
			return b.post("/verify-email/", "token", secretIn(t, w.mailedLink("sign-up")))
		}
		b, login := open(next)
		if a := newcomer(b, login).to("/account"); a.location != next {
			t.Errorf("the account begins at %s, want %s", a.location, next)
		}
		if a := b.get("/signup/?next=" + url.QueryEscape(next)).to("/account"); a.location != next {
			t.Errorf("who is signed in goes to %s, want %s", a.location, next)
		}
		b, login = open(next)
		if a := b.post("/login/", "login", login, "email", "ada@example.org", "password", password).to("/account"); a.location != next {
			t.Errorf("who has an account goes to %s, want %s", a.location, next)
		}
		for _, elsewhere := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/\t/evil.example"} {
			b := w.browser()
			a := b.get("/signup/?next=" + url.QueryEscape(elsewhere))
			if a.status == 400 {
				continue // what is no text is refused altogether
			}
			a.want(200)
			if a := newcomer(b, ""); a.location != "/" {
				t.Errorf("next %q leads to %d %q", elsewhere, a.status, a.location)
			}
		}
	})
}
