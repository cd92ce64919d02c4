package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/broker/local/passkeytest"
	"idbroker/providers"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

func asksFirst(o *Options) { o.IdentifyFirst, o.Usernames = true, true }

// waysOf is the page with the ways in of whoever is named.
func (b *browser) waysOf(name string) answer {
	b.w.t.Helper()
	a := b.post("/login/identify/", "email", name).to("/login/?login=")
	if strings.Contains(a.location, "@") || a.param("login") == "" {
		b.w.t.Errorf("led to %s", a.location)
	}
	return b.get(a.location).want(http.StatusOK)
}

// offers are the ways in that a page offers, in their order.
func (a answer) offers() string {
	var all []string
	at := map[string]int{}
	for name, mark := range map[string]string{
		"who": `<label for="field-email">`, "password": `type="password"`, "passkey": `data-passkey=`, "code": `action="/code/send/"`, "ask for code": `href="/code/`,
		"demo": `href="/oauth/login/demo/`, "other": `href="/oauth/login/other/`, "sign up": `href="/signup/`, "all": `href="/login/?all=1`,
	} {
		if i := strings.Index(a.body, mark); i >= 0 {
			all, at[name] = append(all, name), i
		}
	}
	for i := range all { // a handful
		for j := range i {
			if at[all[i]] < at[all[j]] {
				all[i], all[j] = all[j], all[i]
			}
		}
	}
	return strings.Join(all, ", ")
}

func (a answer) wantOffers(what, want string) answer {
	a.t.Helper()
	if got := a.offers(); got != want {
		a.t.Errorf("%s: %s, want %s\n%s", what, got, want, text(a.body))
	}
	return a
}

// TestIdentifyFirst: first who, then how; the same password form works at once, too.
func TestIdentifyFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := passkeyWorld(t, db, asksFirst)
		w.codes(local.CodesSignIn)
		w.user("ada")
		b := w.browser()
		first := b.get("/login/").wantOffers("first step", "who, demo, other, passkey, ask for code, sign up")
		if !strings.Contains(first.body, `autocomplete="username webauthn"`) {
			t.Error("the field does not offer passkeys")
		}
		page := b.waysOf(" Ada@Example.org ").says("ada@example.org").says("Not you?").
			wantOffers("a stranger's second step", "password, demo, other, passkey, code, sign up")
		if !strings.Contains(page.body, `<input type="text" name="email" value="ada@example.org" autocomplete="username" hidden readonly>`) {
			t.Error("password managers do not learn the username")
		}
		b.waysOf("ADA").says("ADA").wantOffers("by username", "password, demo, other, passkey, ask for code, sign up")

		for _, path := range []string{"/code/?login=", "/lost-password/?login="} {
			a := b.post("/login/identify/", "email", "ada@example.org").to("/login/?login=")
			if page := b.get(path + a.param("login")).want(http.StatusOK); !strings.Contains(page.body, `value="ada@example.org"`) {
				t.Errorf("%s asks anew", path)
			}
		}

		// Not you? Nothing of the first name is left.
		a := b.post("/login/identify/", "email", "bob@example.org").to("/login/?login=")
		login := a.param("login")
		again := b.get(b.post("/login/identify/", "login", login, "other", "1").to("/login/?login="+login).location).wantOffers("not you", "who, demo, other, passkey, ask for code, sign up")
		if strings.Contains(again.body, "bob@") {
			t.Error("the name is still there")
		}
		// The login knows who; a wrong password does not lose that.
		b.post("/login/identify/", "login", login, "email", "ada@example.org").to("/login/?login=" + login)
		b.post("/login/", "login", login, "password", "wrong").want(http.StatusUnprocessableEntity).says("ada@example.org").
			wantOffers("wrong password", "password, demo, other, passkey, code, sign up")
		b.post("/code/send/", "login", login, "email", "ada@example.org").to("/code/?login=" + login)
		b.get("/code/?other=1&login=" + login).says("Send").want(http.StatusOK)
		b.post("/login/", "login", login, "password", password).to("/")

		// What scripts send at once, and to where they wanted.
		w.browser().post("/login/", "email", "ada", "password", password).to("/")
		c := w.browser()
		a = c.post("/login/identify/", "email", "ada", "next", securityPath).to("/login/")
		c.post("/login/", "login", a.param("login"), "email", "ada", "password", password).to(securityPath)
		if other := w.browser().get("/login/?login=" + a.param("login")); other.status == http.StatusOK {
			t.Error("another browser sees the login")
		}
	})
}

// TestOwnWays: in a browser in which they have signed in, people see the ways that they
// have, and the last one first.
func TestOwnWays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := passkeyWorld(t, db, asksFirst)
		w.codes(local.CodesSignIn)
		b := w.member("ada")
		b.post("/logout/")
		b.get(b.waysOf("ada@example.org").says("Last used").wantOffers("by provider", "demo, code, all").allURL()).
			wantOffers("all ways", "demo, other, password, passkey, code, sign up")
		b.waysOf("nobody@example.org").wantOffers("somebody else", "demo, other, password, passkey, code, sign up")

		// Somebody else of the family has other ways, and each has their own last one.
		w.user("bob")
		b.post("/login/", "email", "bob", "password", password).to("/")
		k := passkeytest.New(t, passkeytest.ES256)
		b.addPasskey(k, "Phone")
		b.post("/logout/")
		b.waysOf("bob").wantOffers("password last", "password, passkey, ask for code, all")
		b.withPasskey(k).to("/")
		b.post("/logout/")
		b.waysOf("bob@example.org").wantOffers("passkey last", "passkey, password, code, all")
		b.waysOf("ada@example.org").wantOffers("by provider", "demo, code, all")

		a := b.post("/login/identify/", "email", "bob@example.org").to("/login/")
		b.post("/code/send/", "login", a.param("login"), "email", "bob@example.org").to("/code/")
		b.post("/code/", "login", a.param("login"), "code", w.mailedCode("code-sign-in")).to("/")
		b.post("/logout/")
		b.waysOf("bob@example.org").wantOffers("code last", "code, password, passkey, all")
		b.waysOf("bob").wantOffers("code last, by username", "password, passkey, ask for code, all")
	})
}

// allURL leads to every way in.
func (a answer) allURL() string {
	a.t.Helper()
	_, rest, ok := strings.Cut(a.body, `href="/login/?all=1`)
	if !ok {
		a.t.Fatalf("no link to all ways:\n%s", text(a.body))
	}
	rest, _, _ = strings.Cut(rest, `#`)
	return "/login/?all=1" + strings.ReplaceAll(rest, "&amp;", "&")
}

// TestWhoIsExpected: an application that names somebody spares them the first step, and
// so does a session that must be proven anew; both can be contradicted.
func TestWhoIsExpected(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		hinted := func(_ string, a *providers.App) { a.Forward = []string{providers.ForwardLoginHint} }
		w := worldOf(t, storetest.Open(t, dsn), tokens.Options{}, nil, hinted, asksFirst)
		w.client(func(c *broker.Client) { c.FirstParty = true })
		w.user("bob")
		b := w.browser()
		page := func(further ...string) (answer, string) {
			t.Helper()
			a := b.get(authorize(further...)).to("/login/?login=")
			return b.get(a.location).want(http.StatusOK), a.param("login")
		}
		hint := func(login string) string {
			t.Helper()
			u, err := url.Parse(b.get("/oauth/login/demo/?login=" + login).to(w.op.URL).location)
			must(t, err)
			return u.Query().Get("login_hint")
		}
		first, login := page()
		first.wantOffers("nobody is expected", "who, demo, other, sign up")
		if got := hint(login); got != "" {
			t.Errorf("the provider expects %q", got)
		}
		second, login := page("login_hint", "bob@example.org")
		second.says("bob@example.org").wantOffers("somebody is", "password, demo, other, sign up")
		if got := hint(login); got != "bob@example.org" {
			t.Errorf("the provider expects %q", got)
		}
		b.post("/login/identify/", "login", login, "other", "1").to("/login/")
		if got := hint(login); got != "" {
			t.Errorf("contradicted, the provider expects %q", got)
		}
		b.post("/login/identify/", "login", login, "email", "eve@example.org").to("/login/")
		if got := hint(login); got != "eve@example.org" {
			t.Errorf("the provider expects %q", got)
		}
		for _, nobody := range []string{"", "x y", strings.Repeat("a", 300)} {
			odd, _ := page("login_hint", nobody)
			odd.wantOffers("a hint that names nobody", "who, demo, other, sign up")
		}

		_, login = page("login_hint", "0000-0002-1825-0097") // could be a username
		if got := hint(login); got != "0000-0002-1825-0097" {
			t.Errorf("the provider expects %q", got)
		}

		_, login = page("login_hint", "bob")
		b.post("/login/", "login", login, "password", password).to(callbackURL)
		for _, again := range [][]string{{"prompt", "login"}, {"max_age", "0"}} {
			own, login := page(again...)
			own.says("bob@example.org").wantOffers("prove it again", "password, all")
			b.post("/login/", "login", login, "email", "bob@example.org", "password", password).to(callbackURL)
		}
		choice, login := page("prompt", "select_account")
		choice.says("Continue as bob").wantOffers("choose", "who, demo, other, sign up")
		b.get(b.post("/login/identify/", "login", login, "email", "bob").to("/login/").location).says("Continue as bob").wantOffers("chosen", "password, all")
		b.age(defaultFresh * 2)
		a, _ := b.follow(b.get("/login/?again=1&next=" + securityPath))
		a.says("once more as bob").wantOffers("step-up", "password")

		// Where the account is known, the provider hears the name that it has there.
		c := w.member("ada")
		c.post("/logout/")
		b = c
		a = c.post("/login/identify/", "email", "ada@example.org").to("/login/")
		if got := hint(a.param("login")); got != "ada@example.org" {
			t.Errorf("the provider expects %q", got)
		}
	})
}

// TestBadIdentifiers: what can name nobody is refused by its form alone, and where the
// setting is off there is no such step.
func TestBadIdentifiers(t *testing.T) {
	w := newWorld(t, asksFirst)
	b := w.browser()
	for typed, want := range map[string]int{
		"": 422, " ": 422, "a b": 422, "a\u202eb": 422, "@": 422, "a@": 422, strings.Repeat("a", 100): 422, strings.Repeat("a", 300) + "@example.org": 422,
		strings.Repeat("a", maxText+1): 400, "a\x00b": 400, "a\xffb": 400, "<script>": 422, "ada": 303, "ada@example.org": 303,
	} {
		a := b.post("/login/identify/", "email", typed).want(want)
		if want == 422 && (!strings.Contains(a.body, `aria-invalid="true"`) || a.offers() != "who, demo, other, sign up") {
			t.Errorf("%q: %s\n%s", typed, a.offers(), text(a.body))
		}
	}
	b.post("/login/identify/", "email", "a", "email", "b").want(400)
	b.post("/login/identify/", "login", "nonsense", "email", "ada").want(http.StatusGone)
	emails := newWorld(t, func(o *Options) { o.IdentifyFirst = true })
	emails.browser().post("/login/identify/", "email", "ada").want(422)
	names := newWorld(t, func(o *Options) { o.IdentifyFirst, o.Usernames, o.NoEmails = true, true, true })
	names.browser().post("/login/identify/", "email", "ada@example.org").want(422)
	newWorld(t).browser().post("/login/identify/", "email", "ada@example.org").want(http.StatusNotFound)
	none := newWorld(t, func(o *Options) { asksFirst(o); o.NoPasswords = true })
	none.browser().post("/login/identify/", "email", "ada@example.org").want(http.StatusNotFound)
	none.browser().get("/login/?choose=1").wantOffers("no passwords", "demo, other")
}

// TestSettingIsOff: no cookie is given, and the page has everything at once.
func TestSettingIsOff(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	if b.cookie(waysCookie) != "" {
		t.Error("the way is remembered")
	}
	w.browser().get("/login/").wantOffers("one page", "demo, other, who, password, sign up")
}

// jsonIdentify: where sign-in asks who first, programs are asked so, too.
func jsonIdentify(t *testing.T, w *world) {
	w.server.o.IdentifyFirst = true
	defer func() { w.server.o.IdentifyFirst = false }()
	p := w.program()
	first := p.get("/login/").page("login")
	if first.Data["identify"] != true || first.text("identified") != "" || len(first.rows("providers")) != 2 {
		t.Errorf("%s", first.body)
	}
	p.post("/login/identify/", "email", "x y").refused(422, "field.email_invalid", "email")
	p.post("/login/identify/", "email", "").refused(422, "field.required", "email")
	a := p.post("/login/identify/", "email", "ada@example.org", "next", securityPath).to("/login/?login=")
	ways := p.get(a.Location).page("login")
	if ways.Data["identify"] != false || ways.text("identified") != "ada@example.org" || ways.Data["own"] != false || len(ways.rows("providers")) != 2 {
		t.Errorf("%s", ways.body)
	}
	login := ways.text("login")
	p.post("/login/", "login", login, "password", "x").refused(422, "login.wrong")
	p.get(p.post("/login/identify/", "login", login, "other", true).to("/login/?login=").Location).page("login")
	p.post("/login/identify/", "login", login, "email", "ada@example.org").to("/login/?login=")
	p.post("/login/", "login", login, "password", password).to(securityPath)
	p.post("/logout/").to("/logout/")
	a = p.post("/login/identify/", "email", "ada@example.org").to("/login/?login=")
	if own := p.get(a.Location).page("login"); own.Data["own"] != true || len(own.rows("providers")) != 0 || own.Data["last_password"] != true {
		t.Errorf("%s", own.body)
	}
	p.post("/login/", "email", "ada@example.org", "password", password).to("/") // both at once
	p.post("/logout/").to("/logout/")
}
