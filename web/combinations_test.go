package web

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/broker/local/passkeytest"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// switchedOn are ways to sign in that an operator switches on.
type switchedOn struct{ passwords, codes, passkeys, provider bool }

func (o switchedOn) String() string {
	return fmt.Sprintf("passwords=%t codes=%t passkeys=%t provider=%t", o.passwords, o.codes, o.passkeys, o.provider)
}

// waysWorld is a world with these ways in and no others; edit may change the accounts.
func waysWorld(t testing.TB, on switchedOn, edit ...func(*local.Options)) *world {
	t.Helper()
	hide := func(_ string, a *providers.App) { a.Hidden = !on.provider || a.ID != "demo" }
	w := worldAt(t, "localhost", storetest.New(t), tokens.Options{}, nil, hide, func(o *Options) { o.NoPasswords = !on.passwords })
	linker := linking.New(w.db, w.apps, linking.Options{Issuer: w.url, EndGrants: w.tokens.EndGrants, NoPasswords: !on.passwords, Passkeys: on.passkeys})
	o := local.Options{
		Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, EndGrants: w.tokens.EndGrants,
		NoPasswords: !on.passwords, NoPasskeys: !on.passkeys, Codes: local.CodesOff,
	}
	if on.codes {
		o.Codes = local.CodesSignIn
	}
	for _, f := range edit {
		f(&o)
	}
	w.accounts = local.New(w.db, linker, o)
	w.server.linker, w.server.accounts = linker, w.accounts
	return w
}

// TestEveryCombinationOfWays: whatever is switched off, newcomers begin, come in
// again, prove that they are still there and reach their settings; so does whoever
// claims the installation; no page is a dead end.
func TestEveryCombinationOfWays(t *testing.T) {
	for n := 1; n < 16; n++ {
		on := switchedOn{n&1 > 0, n&2 > 0, n&4 > 0, n&8 > 0}
		t.Run(on.String(), func(t *testing.T) {
			w := waysWorld(t, on)
			(&walker{world: w, on: on, key: passkeytest.New(t, passkeytest.ES256), email: "root@example.org"}).claims()
			(&walker{world: w, on: on, key: passkeytest.New(t, passkeytest.ES256), email: "new@example.org"}).begins()
		})
	}
}

// walker is a person who takes what the pages offer.
type walker struct {
	*world
	on    switchedOn
	key   *passkeytest.Key
	b     *browser
	email string

	linked bool // their identity opens the account
	keyed  bool // so does a passkey
}

// begins signs up.
func (p *walker) begins() {
	p.b = p.browser()
	home := p.b.get("/").want(200)
	if !strings.Contains(home.body, "/login/") {
		p.t.Errorf("the start page leads nowhere: %s", text(home.body))
	}
	direct := p.on.passwords || p.on.codes || !p.on.provider
	if offered := strings.Contains(home.body, `href="/signup/"`); offered != direct {
		p.t.Errorf("a new account is offered: %t", offered)
	}
	var login string
	if direct {
		page := p.b.get("/signup/").want(200)
		if has := strings.Contains(page.body, `type="password"`); has != p.on.passwords {
			p.t.Errorf("the form asks for a password: %t", has)
		}
		login = p.b.post("/signup/", "name", "New", "email", p.email, "password", password).to("/sent/").param("login")
	} else {
		p.b.get("/signup/").want(403).says("ask them for one")
		login = p.b.walk(p.b.get("/oauth/login/demo/"), "bob").to("/oauth/signup/demo/").param("login")
		p.b.post("/signup/", "login", login, "name", "New", "email", p.email).to("/sent/")
		p.linked = true
	}
	p.b.get("/sent/?login=" + login).want(200)
	link := p.mailedLink("sign-up")
	p.b.get(link).want(200)
	u, err := url.Parse(link)
	must(p.t, err)
	p.arrives(p.b.post("/verify-email/", "token", u.Query().Get("token")))
	p.lives()
}

// claims makes the first administrator.
func (p *walker) claims() {
	token, err := p.accounts.Claim(p.t.Context())
	must(p.t, err)
	p.b = p.browser()
	page := p.b.get("/claim/?token=" + token.Reveal()).want(200)
	if has := strings.Contains(page.body, `type="password"`); has != p.on.passwords {
		p.t.Errorf("the claim asks for a password: %t", has)
	}
	p.arrives(p.b.post("/claim/", "token", token.Reveal(), "email", p.email, "name", "Root", "password", password))
	if !p.on.passwords && !p.on.codes && !p.keyed { // they were led to where an identity is linked
		p.b.walk(p.b.post("/oauth/login/demo/"), "ada").to(linkedAccountsPath)
		p.linked = true
	}
	p.lives()
}

// arrives goes on until a session stands, setting up on the way what is asked for.
func (p *walker) arrives(a answer) {
	p.t.Helper()
	page, at := p.b.follow(a)
	if strings.HasPrefix(at, setUpPath) {
		u, err := url.Parse(at)
		must(p.t, err)
		page.says("Nothing opens your account")
		a = p.b.post(setUpPath+"passkey/", "login", u.Query().Get("login"), "name", "Phone", "credential", p.key.Register(p.t, page.options(), p.url))
		p.keyed = true
		page, at = p.b.follow(a)
	}
	if row, err := p.b.session(); err != nil || row.UserID == "" || page.status != 200 {
		p.t.Fatalf("not signed in at %s: %d, %v\n%s", at, page.status, err, text(page.body))
	}
}

// lives signs out and in again, by each way that they have; proves in each to be still
// there; and looks at every page of the settings.
func (p *walker) lives() {
	p.t.Helper()
	ways := map[string]func(login string, page answer) answer{}
	if p.on.passwords && !p.linked {
		ways["password"] = func(login string, _ answer) answer {
			return p.b.post("/login/", "login", login, "email", p.email, "password", password)
		}
	}
	if p.on.codes {
		ways["code"] = func(login string, _ answer) answer {
			p.mails()
			var a answer
			for range 2 { // the second time a minute later
				a = p.b.post("/code/send/", "login", login, "email", p.email)
			}
			page := p.b.get("/code/?login=" + or(login, a.param("login"))).want(200).says("Type the code")
			_ = page
			return p.b.post("/code/", "login", or(login, a.param("login")), "code", p.mailedCode("code-sign-in"))
		}
	}
	if p.linked {
		ways["provider"] = func(login string, _ answer) answer {
			subject := "bob"
			if p.email == "root@example.org" {
				subject = "ada"
			}
			return p.b.walk(p.b.get("/oauth/login/demo/?login="+login), subject)
		}
	}
	if p.keyed {
		ways["passkey"] = func(login string, page answer) answer {
			return p.b.post("/login/passkey/", "login", login, "credential", p.key.Sign(p.t, page.options(), p.url))
		}
	}
	if len(ways) == 0 {
		p.t.Fatal("nothing opens the account")
	}
	shows := map[string]string{"password": `type="password"`, "code": "/code/", "provider": "/oauth/login/demo/", "passkey": "data-passkey="}
	for name, way := range ways {
		p.b = p.browser()
		at := p.b.get("/login/?next=" + url.QueryEscape(securityPath)).to("/login/").param("login")
		page := p.b.get("/login/?login=" + at).want(200)
		if !strings.Contains(page.body, shows[name]) {
			p.t.Errorf("%s is not offered: %s", name, text(page.body))
		}
		p.arrives(way(at, page))
		p.b.age(time.Hour)
		next := p.b.get(emailPath).to("/login/?again=1")
		login := p.b.get(next.location).to("/login/").param("login")
		page = p.b.get("/login/?login=" + login).want(200).says("Is it still you?")
		offered := ""
		for other, mark := range shows { // whatever the page offers of what they have does
			if ways[other] != nil && strings.Contains(page.body, mark) {
				offered = other
			}
		}
		if offered == "" {
			p.t.Fatalf("whoever came with %s cannot show that they are there: %s", name, text(page.body))
		}
		ways[offered](login, page).to(emailPath)
		p.b.get(emailPath).want(200)
		for _, path := range []string{"/", profilePath, usernamePath, emailPath, securityPath, factorPath, devicesPath, linkedAccountsPath, applicationsPath, dataPath, closePath} {
			p.b.get(path).want(200)
		}
		if p.on.passkeys {
			p.b.get(passkeysPath).want(200)
		}
	}
}

// TestUnfinishedAccount: where passkeys are the only way in, who has proven an address
// and gone before they had one goes on where they were, by another mail and in the
// browser that asked for it; once there is a passkey, nobody begins again.
func TestUnfinishedAccount(t *testing.T) {
	w := waysWorld(t, switchedOn{passkeys: true})
	prove := func(b *browser) answer {
		b.post("/signup/", "name", "Ada", "email", "ada@example.org").to("/sent/")
		u, err := url.Parse(w.mailedLink("sign-up"))
		must(t, err)
		return b.post("/verify-email/", "token", u.Query().Get("token"))
	}
	first := w.browser()
	prove(first).to(setUpPath)
	first.nobody()
	first.get(profilePath).to("/login/")

	thief := w.browser()
	thief.post("/signup/", "name", "Eve", "email", "ada@example.org").to("/sent/")
	u, err := url.Parse(w.mailedLink("sign-up"))
	must(t, err)
	w.browser().post("/verify-email/", "token", u.Query().Get("token")).want(403).says("the browser in which you filled in the form")
	thief.nobody()

	b := w.browser()
	login := prove(b).to(setUpPath).param("login")
	page := b.get(setUpPath + "?login=" + login).want(200).says("Set up a passkey")
	if strings.Contains(page.body, setUpPath+"start/") {
		t.Error("an app is offered, which opens nothing")
	}
	b.post(setUpPath+"start/", "login", login) // and would not do
	b.nobody()
	k := passkeytest.New(t, passkeytest.ES256)
	b.post(setUpPath+"passkey/", "login", login, "name", "Phone", "credential", k.Register(t, page.options(), w.url)).to("/")
	if row, err := b.session(); err != nil || row.ACR != broker.ACRSecond {
		t.Errorf("%+v %v", row, err)
	}
	w.mails()
	late := w.browser()
	late.post("/signup/", "name", "Eve", "email", "ada@example.org").to("/sent/")
	if sent := w.mails(); len(sent) != 1 || sent[0].Template != "known" {
		t.Errorf("mails %+v", sent)
	}
	w.browser().withPasskey(k).to("/")
}

// TestUnfinishedOwesTheFactor: where an operator has taken the only passkey away, the
// mailbox leads back in, and not past the app: a passkey that is set up on the way does
// not stand in for what the account has.
func TestUnfinishedOwesTheFactor(t *testing.T) {
	w := waysWorld(t, switchedOn{passkeys: true})
	p := &walker{world: w, on: switchedOn{passkeys: true}, key: passkeytest.New(t, passkeytest.ES256), email: "ada@example.org"}
	p.begins()
	p.b = w.browser()
	p.b.withPasskey(p.key).to("/")
	secret, _ := p.b.setUpApp()
	u, err := w.db.UserByEmail(t.Context(), p.email)
	must(t, err)
	keys, err := w.accounts.PasskeysOf(t.Context(), u.ID)
	must(t, err)
	must(t, w.accounts.ResetPasskey(t.Context(), u.ID, keys[0].ID))
	w.mails()
	b := w.browser()
	b.post("/signup/", "name", "Ada", "email", p.email).to("/sent/")
	link, err := url.Parse(w.mailedLink("sign-up"))
	must(t, err)
	login := b.post("/verify-email/", "token", link.Query().Get("token")).to("/second-factor/?login=").param("login")
	b.get(setUpPath + "?login=" + login).to("/second-factor/?login=")
	b.post("/second-factor/", "login", login, "code", appShows(t, secret, 1)).to(setUpPath)
	b.nobody()
	page := b.get(setUpPath + "?login=" + login).want(200).says("Nothing opens your account")
	b.post(setUpPath+"passkey/", "login", login, "name", "Phone", "credential", passkeytest.New(t, passkeytest.ES256).Register(t, page.options(), w.url)).to("/")
}
