package web

import (
	"testing"

	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// TestLinksReplaceNobody: whoever is signed in and uses a mailed link that is about
// somebody else stays who they are, and a code that they post for a sign-in that is
// over does nothing.
func TestLinksReplaceNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, tokens.Options{})
		w.user("ada")
		w.user("bob")
		ada := w.browser()
		ada.signIn("ada")
		before, err := ada.session()
		must(t, err)
		still := func(what string) {
			t.Helper()
			if s, err := ada.session(); err != nil || s.SID != before.SID || s.UserID != before.UserID {
				t.Errorf("%s: the session is %+v (%v), was %+v", what, s, err, before)
			}
		}

		eve := w.browser()
		login := eve.post("/signup/", "email", "eve@example.org", "name", "Eve", "password", password).to("/sent/").param("login")
		link := w.mailedLink("sign-up")
		ada.get(link).want(200)
		ada.post("/verify-email/", "token", secretIn(t, link)).want(200)
		still("the proof of somebody's address")
		eve.get("/sent/?login=" + login).to("/")

		w.browser().post("/lost-password/", "email", "bob@example.org").want(200)
		link = w.mailedLink("reset")
		ada.get(link).want(200)
		ada.post("/reset-password/", "token", secretIn(t, link), "password", "another password of his").to("/login/")
		still("a new password of somebody else's")

		secret, _ := ada.setUpApp()
		if before, err = ada.session(); err != nil { // it got stronger
			t.Fatal(err)
		}
		other := w.browser()
		a := other.post("/login/", "email", "ada@example.org", "password", password).to("/second-factor/")
		code := appShows(t, secret, 1)
		other.post("/second-factor/", "login", a.param("login"), "code", code).to("/")
		other.post("/second-factor/", "login", a.param("login"), "code", code).want(410)
		ada.post("/second-factor/", "login", a.param("login"), "code", code).want(403)
		still("a code for a sign-in that is over, and of another browser")
	})
}
