package web

import (
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

// TestClosingAnAccount is the whole way: closed, no way in, reopened with the
// mail, closed again, reopened by signing in.
func TestClosingAnAccount(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b, there := w.browser(), w.browser()
	b.signIn("ada")
	there.signIn("ada")
	b.get(dataPath).want(200).says("Close your account")
	b.get(closePath).want(200).says("signed out everywhere").says("erased")
	there.get(profilePath).want(200) // looking changes nothing
	b.post(closePath).to("/")
	b.get("/").want(200).says("Your account is closed")
	b.get(profilePath).to("/login/?next=")
	there.get(profilePath).to("/login/?next=")
	link := w.mailedLink("closed")
	for range 2 {
		b.get(link).want(200).says("Reopen your account?")
	}
	b.post(broker.ReopenPath, "token", secretIn(t, link)).to("/login/")
	b.post(broker.ReopenPath, "token", secretIn(t, link)).want(410).says("does not work any more")
	b.signIn("ada")
	b.post(closePath).to("/")

	stranger := w.browser()
	if a := stranger.post("/login/", "email", "ada@example.org", "password", "wrong"); strings.Contains(a.body, "Reopen") || a.status != 422 {
		t.Errorf("who proves nothing learns that it is closed: %d", a.status)
	}
	offer := b.post("/login/", "email", "ada@example.org", "password", password).want(403).says("Reopen your account?")
	b.get(profilePath).to("/login/?next=") // nobody is signed in
	_, token, ok := strings.Cut(offer.body, `name="token" value="`)
	if !ok {
		t.Fatal(offer.body)
	}
	token, _, _ = strings.Cut(token, `"`)
	b.post(broker.ReopenPath, "token", token).to("/login/")
	b.signIn("ada")
}

// TestClosingByWhoComesFromAProvider: they have proven that it is them, too.
func TestClosingByWhoComesFromAProvider(t *testing.T) {
	w := newWorld(t)
	b := w.member("ada")
	b.post(closePath).to("/")
	back := w.browser()
	page, _ := back.follow(back.walk(back.get("/oauth/login/demo/"), "ada"))
	page.want(403).says("Reopen your account?")
	back.get(profilePath).to("/login/?next=")
}

// TestClosingNeedsARecentSignIn: and is not for other sites.
func TestClosingNeedsARecentSignIn(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.age(time.Hour)
	b.get(closePath).to("/login/?again=1&next=" + closePath)
	b.post(closePath).to("/login/?again=1&next=" + closePath)
	if u, err := w.db.User(t.Context(), ada.ID); err != nil || u.Disabled() {
		t.Errorf("%+v, %v", u, err)
	}
}
