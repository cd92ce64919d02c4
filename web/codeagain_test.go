package web

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/broker/local/passkeytest"
)

// again leads a browser whose sign-in is too old to the page that asks whether it is
// still its person.
func (b *browser) again() (login string, page answer) {
	b.w.t.Helper()
	b.age(time.Hour)
	next := b.get(emailPath).to("/login/?again=1")
	login = b.get(next.location).to("/login/").param("login")
	return login, b.get("/login/?login=" + login).want(200).says("Is it still you?")
}

// code has a code mailed and types it.
func (b *browser) code(email string) answer {
	b.w.t.Helper()
	login := b.post("/code/send/", "email", email).to("/code/").param("login")
	return b.post("/code/", "login", login, "code", b.w.mailedCode("code-sign-in"))
}

// TestCodeShowsWhoHasNothingElse: where a mailed code is all that opens an account, it
// shows that its person is still there, in their own mailbox alone and after it their
// second factor; who has something else shows that.
func TestCodeShowsWhoHasNothingElse(t *testing.T) {
	w := waysWorld(t, switchedOn{codes: true, passkeys: true, provider: true})
	for _, name := range []string{"ada", "mallory"} {
		_, err := w.accounts.Create(t.Context(), local.NewUser{Email: name + "@example.org", Name: name})
		must(t, err)
	}
	b := w.browser()
	b.code("ada@example.org").to("/")
	login, page := b.again()
	if !strings.Contains(page.body, "/code/?login="+login) {
		t.Fatalf("no way on but to give up: %s", text(page.body))
	}
	ask := b.get("/code/?login=" + login).want(200).says("ada@example.org")
	if strings.Contains(ask.body, `name="email"`) {
		t.Error("another address can be typed")
	}
	b.post("/code/send/", "login", login, "email", "mallory@example.org").to("/code/") // who found the browser open has a mailbox, too
	sent := w.mails()
	if len(sent) != 1 || sent[0].To != "ada@example.org" {
		t.Fatalf("mailed: %+v", sent)
	}
	b.get(emailPath).to("/login/?again=1")
	b.post("/code/", "login", login, "code", sent[0].Data["code"]).to(emailPath)
	b.get(emailPath).want(200)

	_, _ = b.setUpApp()
	login, _ = b.again()
	b.post("/code/send/", "login", login).to("/code/")
	b.post("/code/", "login", login, "code", w.mailedCode("code-sign-in")).to("/second-factor/")
	b.get(emailPath).to("/login/?again=1")

	m := w.browser()
	m.code("mallory@example.org").to("/")
	m.addPasskey(passkeytest.New(t, passkeytest.ES256), "Phone")
	login, page = m.again()
	if strings.Contains(page.body, "/code/") || !strings.Contains(page.body, "data-passkey") {
		t.Errorf("who has a passkey shows it: %s", text(page.body))
	}
	m.post("/code/send/", "login", login).want(404)
}

// TestMailedLinkBringsTheCode: the link in the mail fills the code in, in the browser
// that asked, and spends nothing before its button; elsewhere it does nothing and
// says what to do.
func TestMailedLinkBringsTheCode(t *testing.T) {
	w := waysWorld(t, switchedOn{codes: true})
	w.user("ada")
	b, elsewhere := w.browser(), w.browser()
	b.post("/code/send/", "email", "ada@example.org").to("/code/")
	mail := w.mails()[0]
	link, code := strings.TrimPrefix(mail.Data["link"], w.url), mail.Data["code"]
	u, err := url.Parse(link)
	must(t, err)
	for range 3 { // scanners look, too
		elsewhere.get(link).want(403).says("in the browser in which you asked")
		elsewhere.nobody()
		if page := b.get(link).want(200); !strings.Contains(page.body, `value="`+code+`"`) {
			t.Fatalf("the code is not filled in: %s", text(page.body))
		}
		b.nobody()
	}
	login := u.Query().Get("login")
	elsewhere.post("/code/", "login", login, "code", code).want(403)
	elsewhere.nobody()
	b.post("/code/", "login", login, "code", code).to("/")
	if row, err := b.session(); err != nil || row.UserID == "" {
		t.Errorf("%+v %v", row, err)
	}
	w.browser().get("/code/?login=x&code=BBBB-BBBB").want(403)
}

// TestPasskeyIsSetUpOnTheWay: where everybody needs a second factor, a passkey will do
// for who has none; who has one, of whatever kind, gets no other by knowing the password.
func TestPasskeyIsSetUpOnTheWay(t *testing.T) {
	w := waysWorld(t, switchedOn{passwords: true, passkeys: true}, func(o *local.Options) { o.NeedFactors = true })
	ada := w.user("ada")
	b, thief := w.browser(), w.browser()
	login, theirs := b.password("ada").to(setUpPath).param("login"), thief.password("ada").to(setUpPath).param("login")
	page, open := b.get(setUpPath+"?login="+login).want(200).says("With a passkey").says("Set up an app"), thief.get(setUpPath+"?login="+theirs).want(200)
	k, evil := passkeytest.New(t, passkeytest.ES256), passkeytest.New(t, passkeytest.ES256)
	b.post(setUpPath+"passkey/", "login", login, "name", "", "credential", k.Register(t, page.options(), w.url)).want(422)
	b.post(setUpPath+"passkey/", "login", login, "name", "Phone", "credential", evil.Register(t, open.options(), w.url)).want(422) // asked for elsewhere
	b.nobody()
	b.post(setUpPath+"passkey/", "login", login, "name", "Phone", "credential", k.Register(t, page.options(), w.url)).to("/")
	if row, err := b.session(); err != nil || row.ACR != broker.ACRSecond || row.UserID != ada.ID {
		t.Errorf("%+v %v", row, err)
	}
	thief.post(setUpPath+"passkey/", "login", theirs, "name", "Mine", "credential", evil.Register(t, open.options(), w.url)).to("/second-factor/")
	thief.nobody()
	stay := broker.Session{UserID: ada.ID, SID: theirs, AuthTime: time.Now(), ACR: broker.ACRSingle}
	ask := local.PasskeyAsk{Purpose: broker.PasskeyAdd, Login: broker.LoginID(theirs), User: ada.ID, Browser: broker.Secret(thief.cookie(browserCookie)).Hash()}
	if err := w.accounts.AddFirstPasskey(t.Context(), stay, ask, "Mine", evil.Register(t, open.options(), w.url)); err == nil {
		t.Error("the thief was faster than the page")
	}
	if all, err := w.accounts.PasskeysOf(t.Context(), ada.ID); err != nil || len(all) != 1 {
		t.Errorf("%+v %v", all, err)
	}
	w.browser().withPasskey(k).to("/")
}

// TestUsernameIsNeeded: where people sign in with a username alone, nobody begins
// without one, or gives theirs up.
func TestUsernameIsNeeded(t *testing.T) {
	names := func(o *local.Options) { o.Usernames.OnlyThis = true }
	w := waysWorld(t, switchedOn{passwords: true, provider: true}, names)
	b := w.browser()
	if page := b.get("/signup/").want(200); strings.Contains(page.body, "optional") && strings.Contains(page.body[:strings.Index(page.body, `name="username"`)], "Username <span") {
		t.Error("the username is optional")
	}
	b.post("/signup/", "name", "Ada", "email", "ada@example.org", "password", password).want(422)
	login := b.walk(b.get("/oauth/login/demo/"), "bob").to("/oauth/signup/demo/").param("login")
	b.post("/signup/", "login", login, "name", "Bob", "email", "bob@example.org", "username", "").want(422)
	if sent := w.mails(); len(sent) != 0 {
		t.Errorf("mailed: %+v", sent)
	}
	if _, err := w.accounts.Create(t.Context(), local.NewUser{Email: "eve@example.org"}); err == nil {
		t.Error("an operator makes an account that cannot sign in")
	}
	token, err := w.accounts.Claim(t.Context())
	must(t, err)
	w.browser().post("/claim/", "token", token.Reveal(), "email", "root@example.org", "password", password).want(422)
	w.user("ada")
	b = w.browser()
	b.post("/login/", "email", "ada", "password", password).to("/")
	b.post(usernamePath, "username", "").want(422)
	b.post(usernamePath, "username", "lovelace").to(profilePath)

	w = waysWorld(t, switchedOn{codes: true}, names) // there is no password to go with it
	if _, err := w.accounts.Create(t.Context(), local.NewUser{Email: "eve@example.org"}); err != nil {
		t.Error(err)
	}
}
