package web

import (
	"strconv"
	"strings"
	"testing"

	"idbroker/broker/local"
)

// TestSignUpAndCodeMailsAreHeldBack: an address that has had enough mails gets none more, by a
// sign-up, its repetition or a code, and nobody is told.
func TestSignUpAndCodeMailsAreHeldBack(t *testing.T) {
	w := limited(t, 100)
	w.client()
	w.user("ada")
	sent := 0
	count := func() { sent += len(w.mails()) }
	var login string
	for range 4 { // two mails, then silence
		b := w.browser()
		login = b.get(authorize()).param("login")
		b.from("192.0.2.1", "/signup/", "login", login, "email", "ada@example.org", "name", "Eve", "password", password).to("/sent/?login=" + login)
		b.get("/sent/?login=" + login).want(200).says("ada@example.org")
		count()
	}
	for range 2 {
		b, login := w.unknown("bob")
		b.from("192.0.2.1", "/code/send/", "login", login, "email", "ada@example.org").to("/code/?login=" + login)
		b.get("/code/?login=" + login).want(200).says("Type the code")
		b.post("/code/", "login", login, "code", "BBBB-BBBB").want(422).says("not the newest code")
		count()
	}
	if sent != 2 {
		t.Errorf("%d mails", sent)
	}
}

// TestStrangersUseUpNoCodes: who has nothing but their mailbox comes in with a browser that
// was there, however often strangers ask for codes to their address.
func TestStrangersUseUpNoCodes(t *testing.T) {
	w := limited(t, 100)
	w.codes(local.CodesSignIn)
	w.user("ada")
	ask := func(b *browser, n int) (login string) {
		return b.from("203.0.113."+strconv.Itoa(n), "/code/send/", "email", "ada@example.org").to("/code/?login=").param("login")
	}
	ada := w.browser()
	login := ask(ada, 1)
	ada.post("/code/", "login", login, "code", w.mailedCode("code-sign-in")).to("/")
	ada.post("/logout/").want(303)
	for n := range 20 { // from everywhere, so that no network is held up
		ask(w.browser(), n)
	}
	w.mails()
	w.user("eve") // whose browser is known to her own account alone
	eve := w.browser()
	eve.signIn("eve")
	eve.post("/logout/").want(303)
	if eve.cookie(deviceCookie) == "" {
		t.Error("the browser is known to nobody")
	}
	if ask(eve, 2); len(w.mails()) != 0 {
		t.Error("a stranger has more codes sent")
	}
	login = ask(ada, 1)
	ada.post("/code/", "login", login, "code", w.mailedCode("code-sign-in")).to("/")
}

// TestFloodsAreChallenged: who has many mails sent from one network gets the form back
// with a challenge, and comes through with its solution.
func TestFloodsAreChallenged(t *testing.T) {
	w := limited(t, 2)
	w.client()
	b, login := w.unknown("bob")
	flood := func(n string, more ...string) answer {
		return b.from("198.51.100.1", "/code/send/", append([]string{"login", login, "email", "p" + n + "@example.org"}, more...)...)
	}
	flood("1").to("/code/")
	var a answer
	for _, n := range []string{"2", "3", "4"} {
		if a = flood(n); a.solution() != nil && a.status == 429 && strings.Contains(a.body, "p"+n+"@example.org") {
			break
		}
	}
	if a.status != 429 || a.solution() == nil {
		t.Fatalf("no challenge: %d\n%s", a.status, text(a.body))
	}
	page := flood("5", a.solution()...).want(429).says("less than a minute ago") // the login's own wait; the network is let through
	if page.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	fresh := w.browser()
	form := fresh.from("198.51.100.1", "/signup/", "email", "new@example.org", "name", "New", "password", password).want(429)
	fresh.from("198.51.100.1", "/signup/", append([]string{"email", "new@example.org", "name", "New", "password", password}, form.solution()...)...).to("/sent/")
}
