package web

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"idbroker/broker/local"
	"idbroker/limits"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// TestSignUpAndCodeMailsAreHeldBack: an address that has had enough mails gets more for a proof of work alone, by a
// sign-up, its repetition or a code, and nobody is told whether it has an account.
func TestSignUpAndCodeMailsAreHeldBack(t *testing.T) {
	w := limited(t, 100)
	w.client()
	w.user("ada")
	w.mails()
	told := map[string]string{}
	for _, email := range []string{"ada@example.org", "nobody@example.org"} {
		signUp := []string{"email", email, "name", "Eve", "password", password}
		for range 2 {
			b := w.browser()
			login := b.get(authorize()).param("login")
			b.from("192.0.2.1", "/signup/", append(signUp, "login", login)...).to("/sent/?login=" + login)
		}
		if n := len(w.mails()); n != 2 {
			t.Fatalf("%d mails", n)
		}
		b := w.browser()
		form := b.from("192.0.2.1", "/signup/", signUp...).want(http.StatusTooManyRequests)
		c, login := w.unknown("bob")
		code := c.from("192.0.2.1", "/code/send/", "login", login, "email", email).want(http.StatusTooManyRequests)
		if len(w.mails()) != 0 || form.header.Get("Retry-After") != "30" || form.solution() == nil || code.solution() == nil {
			t.Errorf("%s: not held up", email)
		}
		b.from("192.0.2.1", "/signup/", append(signUp, form.solution()...)...).to("/sent/")
		c.from("192.0.2.1", "/code/send/", append(code.solution(), "login", login, "email", email)...).to("/code/?login=" + login)
		page := c.get("/code/?login=" + login).want(200).says("Type the code")
		c.post("/code/", "login", login, "code", "BBBB-BBBB").want(422).says("not the newest code")
		told[email] = strings.ReplaceAll(text(form.body+code.body+page.body), email, "ADDRESS")
		w.mails()
	}
	if told["ada@example.org"] != told["nobody@example.org"] {
		t.Errorf("%s\n\n%s", told["ada@example.org"], told["nobody@example.org"])
	}
}

// TestStrangersHoldBackNoCodesInANewBrowser: strangers ask for codes to her address from everywhere, by the clock and
// all at once. In a browser that is new she computes once and is mailed the code, which lets her in.
func TestStrangersHoldBackNoCodesInANewBrowser(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, tokens.Options{}, func(o *Options) { o.TrustedHops, o.Limits = 1, limits.New(db, limits.Options{}) })
		w.codes(local.CodesSignIn)
		w.user("ada")
		ask := func(b *browser, ip string, more ...string) answer {
			return b.from(ip, "/code/send/", append(more, "email", "ada@example.org")...)
		}
		computed := 0
		for n := range 16 {
			b, ip := w.browser(), "203.0."+strconv.Itoa(n)+".7"
			if a := ask(b, ip); a.status == http.StatusTooManyRequests && computed < 3 { // some compute, too
				ask(b, ip, a.solution()...).to("/code/?login=")
				computed++
			}
		}
		w.mails()
		ada := w.browser()
		a := ask(ada, "192.0.2.1").want(http.StatusTooManyRequests).says("send it once more")
		if len(w.mails()) != 0 {
			t.Error("a stranger's is mailed without work")
		}
		login := ask(ada, "192.0.2.1", a.solution()...).to("/code/?login=").param("login")
		ada.post("/code/", "login", login, "code", w.mailedCode("code-sign-in")).to("/")
	})
}

// TestStrangersUseUpNoCodes: who has nothing but their mailbox comes in with a browser that
// was there, however often strangers ask for codes to their address.
func TestStrangersUseUpNoCodes(t *testing.T) {
	w := limited(t, 100)
	w.codes(local.CodesSignIn)
	w.user("ada")
	ask := func(b *browser, n int) answer {
		return b.from("203.0.113."+strconv.Itoa(n), "/code/send/", "email", "ada@example.org")
	}
	ada := w.browser()
	login := ask(ada, 1).to("/code/?login=").param("login")
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
	if ask(eve, 2).want(http.StatusTooManyRequests); len(w.mails()) != 0 {
		t.Error("a stranger has more codes sent")
	}
	login = ask(ada, 1).to("/code/?login=").param("login")
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
