package web

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/broker/local/passkeytest"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// lasts tells whether the session of a browser outlives it, in the database and in the
// cookie of the answer that began it.
func (b *browser) lasts(a answer, want bool) {
	b.w.t.Helper()
	row, err := b.session()
	must(b.w.t, err)
	c := a.sessionCookieOf()
	if c == nil {
		b.w.t.Fatalf("no session began")
	}
	long := c.MaxAge > int((ninety-time.Hour)/time.Second) && time.Until(row.ExpiresAt) > ninety-time.Hour
	if row.Lasting != want || long != want || !want && c.MaxAge != 0 {
		b.w.t.Errorf("want lasting %t: session %+v, cookie %+v", want, row, c)
	}
}

// TestStayWithProvider: the choice is sent with the provider's button, waits with the login
// while its person is away, also at a second factor, and can be taken back on the way.
func TestStayWithProvider(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := worldOn(t, storetest.Open(t, dsn), tokens.Options{}, func(o *Options) { o.Remember = ninety })
		w.client(func(c *broker.Client) { c.FirstParty = true })
		w.member("ada")
		b := w.browser()
		page := b.get("/login/").want(200)
		if !strings.Contains(page.body, `<button form="stay" name="app" value="demo"`) || strings.Contains(page.body, `href="/oauth/login/demo/`) {
			t.Errorf("without a script nobody can choose:\n%s", page.body)
		}
		to := b.post("/login/provider/", "app", "demo", "remember", "1").to("/oauth/login/demo/?login=")
		if strings.Contains(to.location, "remember") {
			t.Errorf("the choice travels in the address: %s", to.location)
		}
		b.lasts(b.walk(b.get(to.location), "ada").to("/"), true)

		plain := w.browser()
		to = plain.post("/login/provider/", "app", "demo").to("/oauth/login/demo/")
		plain.lasts(plain.walk(plain.get(to.location), "ada").to("/"), false)

		// For an application, and changed in mind.
		b = w.browser()
		login := b.get(authorize()).param("login")
		b.post("/login/provider/", "login", login, "app", "demo", "remember", "1").to("/oauth/login/demo/?login=" + login)
		b.get("/login/?login=" + login).want(200).says("Stay signed in")
		to = b.post("/login/provider/", "login", login, "app", "demo").to("/oauth/login/demo/?login=" + login)
		b.lasts(b.walk(b.get(to.location), "ada"), false)

		// A second factor in between keeps it.
		first := w.browser()
		first.walk(first.get("/oauth/login/demo/"), "ada").to("/")
		_, codes := first.setUpApp()
		b = w.browser()
		to = b.post("/login/provider/", "app", "demo", "remember", "1").to("/oauth/login/demo/?login=")
		a := b.walk(b.get(to.location), "ada").to("/second-factor/")
		if b.cookie(sessionCookie) != "" {
			t.Error("there is a session without the second factor")
		}
		b.lasts(b.post("/second-factor/", "login", a.param("login"), "recovery", "1", "code", codes[0]).to("/"), true)
	})
}

// TestStayIsNotTakenFromOutside is the attack of a link, or a form elsewhere, that makes
// somebody's session outlive their browser, and of who has no such choice here.
func TestStayIsNotTakenFromOutside(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := worldOn(t, storetest.Open(t, dsn), tokens.Options{}, func(o *Options) { o.Remember = ninety })
		w.member("ada")
		for _, path := range []string{"/oauth/login/demo/?remember=1", "/oauth/login/demo/?remember=1&Remember=true&next=/"} {
			b := w.browser()
			b.lasts(b.walk(b.get(path), "ada").to("/"), false)
		}
		b := w.browser()
		b.get("/login/provider/?app=demo&remember=1").to("/login/")
		login := b.get("/login/?next=" + url.QueryEscape(profilePath)).to("/login/?login=").param("login")
		b.post("/login/provider/?remember=1&login="+login, "app", "demo").to("/oauth/login/demo/?login=" + login)
		b.lasts(b.walk(b.get("/oauth/login/demo/?remember=1&login="+login), "ada").to(profilePath), false)

		// From another site, and with a login of another browser.
		r := b.request("POST", "/login/provider/", strings.NewReader("app=demo&remember=1"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		b.do(r).want(403)
		login = w.browser().get("/login/?next=/").param("login")
		b.post("/login/provider/", "login", login, "app", "demo", "remember", "1").want(403)
		b.post("/login/provider/", "app", "nobody", "remember", "1").want(404)
		b.post("/login/provider/", "remember", "1").want(404)

		w.server.o.Remember = 0
		b = w.browser()
		if page := b.get("/login/").want(200); strings.Contains(page.body, "/login/provider/") || strings.Contains(page.body, "remember") {
			t.Error("the choice is offered")
		}
		to := b.post("/login/provider/", "app", "demo", "remember", "1").to("/oauth/login/demo/")
		b.lasts(b.walk(b.get(to.location), "ada").to("/"), false)
	})
}

// TestStayWithPasskey: the passkey's form has the choice, too, and a mailed code's.
func TestStayWithPasskey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := passkeyWorld(t, db, func(o *Options) { o.Remember = ninety })
		w.codes(local.CodesSignIn)
		w.user("ada")
		first := w.browser()
		first.signIn("ada")
		k := passkeytest.New(t, passkeytest.ES256)
		first.addPasskey(k, "Phone")

		b := w.browser()
		page := b.get("/login/").want(200)
		if !strings.Contains(page.body, `<input type="checkbox" name="remember" value="1" hidden>`) {
			t.Errorf("the passkey's form does not follow the choice:\n%s", page.body)
		}
		b.lasts(b.post("/login/passkey/", "credential", k.Sign(t, page.options(), w.url), "remember", "1").to("/"), true)
		b = w.browser()
		page = b.get("/login/").want(200)
		b.lasts(b.post("/login/passkey/", "credential", k.Sign(t, page.options(), w.url)).to("/"), false)
		b = w.browser()
		b.get("/login/passkey/").want(200).says("Stay signed in here for 90 days")

		login := b.post("/code/send/", "email", "ada@example.org").to("/code/?login=").param("login")
		b.get("/code/?login=" + login).want(200).says("Stay signed in here for 90 days")
		b.lasts(b.post("/code/", "login", login, "code", w.mailedCode("code-sign-in"), "remember", "1").to("/"), true)
	})
}
