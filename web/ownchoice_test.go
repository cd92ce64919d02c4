package web

import (
	"strings"
	"testing"

	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// TestOwnChoice: the language and the time zone that one person chooses are
// nobody else's, whoever comes next in the same broker: not of who is signed in,
// not of who begins an account, not of a visitor.
func TestOwnChoice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, tokens.Options{}, func(o *Options) { o.Zone = "Asia/Tokyo" })
		w.user("ada")
		w.user("bob")
		ada, bob := w.browser(), w.browser()
		ada.signIn("ada")
		bob.signIn("bob")
		ada.post(profilePath, "name", "Ada", "locale", "de", "zone", "America/Caracas").to(profilePath)
		is := func(who string, b *browser, language, zone string) {
			t.Helper()
			b.get(securityPath) // says what was done, once
			page := b.get(securityPath).want(200).body
			if !strings.Contains(page, `<html lang="`+language+`"`) || !strings.Contains(page, zone) {
				t.Errorf("%s is not shown %s and %s: %s", who, language, zone, text(page))
			}
		}
		is("who has chosen", ada, "de", " -04")
		is("somebody else", bob, "en", " JST")
		eve := w.browser()
		if page := eve.get("/signup/").want(200).body; !strings.Contains(page, `<html lang="en"`) {
			t.Errorf("a visitor is spoken to as Ada is: %s", text(page))
		}
		eve.post("/signup/", "email", "eve@example.org", "name", "Eve", "password", password).to("/sent/")
		eve.post("/verify-email/", "token", secretIn(t, w.mailedLink("sign-up"))).to("/")
		is("who begins an account", eve, "en", " JST")
	})
}
