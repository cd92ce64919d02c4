package web

import (
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/providers/providertest"
)

// newcomerApps are the configured apps with other policies about newcomers.
type newcomerApps struct {
	linking.Apps
	edit func(*broker.Provider)
}

func (a newcomerApps) Provider(id string) (broker.Provider, bool) {
	p, ok := a.Apps.Provider(id)
	a.edit(&p)
	return p, ok
}

// newcomers gives both providers other policies about newcomers.
func (w *world) newcomers(edit func(*broker.Provider)) {
	w.t.Helper()
	w.server.linker = linking.New(w.db, newcomerApps{w.apps, edit}, linking.Options{Issuer: w.url, Begin: w.accounts.Begin, Admits: w.accounts.Admits})
	*w.accounts = *local.New(w.db, w.server.linker, local.Options{
		Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, EndGrants: w.tokens.EndGrants,
	})
}

// TestAutomaticSignUpSignsIn: from an application's request to its code without a
// form; the address is told as verified, the welcome is mailed, in the language
// of the page.
func TestAutomaticSignUpSignsIn(t *testing.T) {
	w := newWorld(t)
	w.newcomers(func(p *broker.Provider) { p.SignUp = broker.SignUpAutomatic })
	w.client(func(c *broker.Client) { c.FirstParty = true })
	b := w.browser()
	b.setCookie(languageCookie, "de")
	login := b.get(authorize()).to("/login/").param("login")
	claims := w.redeem(b.walk(b.get("/oauth/login/demo/?login="+login), "ada"))
	u, err := w.db.UserByEmail(t.Context(), "ada@example.org")
	if err != nil || claims["sub"] != string(u.ID) || claims["idp"] != "demo" || u.Name != "Ada Lovelace" {
		t.Errorf("%v, %+v, %v", claims, u, err)
	}
	if m := w.mails(); len(m) != 1 || m[0].Template != "welcome" || m[0].Locale != "de" || m[0].Data["link"] != w.url+"/lost-password/" {
		t.Errorf("%+v", m)
	}
	b.get("/account/settings/profile/").want(200).says("ada@example.org")
	again := w.browser()
	again.walk(again.get("/oauth/login/demo/"), "ada").to("/")
	if n, err := w.db.CountUsers(t.Context()); n != 1 || err != nil {
		t.Errorf("%d users, %v", n, err)
	}
}

// TestAutomaticSignUpAsks: without a proven address the form asks as ever.
func TestAutomaticSignUpAsks(t *testing.T) {
	w := newWorld(t)
	w.newcomers(func(p *broker.Provider) { p.SignUp = broker.SignUpAutomatic })
	b := w.browser()
	a := b.walk(b.get("/oauth/login/demo/"), "bob").to("/oauth/signup/demo/")
	b.get("/signup/?login=" + a.param("login")).want(200).says("Next you open the link in our mail.")
	b.nobody()
}

// TestAutomaticSignUpAtABlockedDomain: who comes with an address that cannot be used here
// is asked for another one, says so to its mail, and has an account with it and
// the identity; none begins with the blocked one.
func TestAutomaticSignUpAtABlockedDomain(t *testing.T) {
	w := newWorld(t)
	w.newcomers(func(p *broker.Provider) { p.SignUp = broker.SignUpAutomatic })
	_, err := w.accounts.SetDomain(t.Context(), "example.org", broker.DomainBlocked, nil)
	must(t, err)
	b := w.browser()
	a := b.walk(b.get("/oauth/login/demo/"), "ada").to("/oauth/signup/demo/")
	b.get("/signup/?login=" + a.param("login")).want(200).says("Demo")
	b.post("/signup/", "login", a.param("login"), "email", "ada@example.org", "name", "Ada").want(422).says("Addresses at example.org can")
	b.nobody()
	if n, err := w.db.CountUsers(t.Context()); n != 0 || err != nil {
		t.Errorf("%d users, %v", n, err)
	}
	b.post("/signup/", "login", a.param("login"), "email", "ada@fine.example", "name", "Ada").to("/sent/")
	link := w.mailedLink("sign-up")
	b.get(link).want(200)
	b.follow(b.post("/verify-email/", "token", strings.TrimPrefix(link, "/verify-email/?token=")))
	s, err := b.session()
	must(t, err)
	u, err := w.db.User(t.Context(), s.UserID)
	if err != nil || u.Email != "ada@fine.example" || !u.EmailProven() {
		t.Errorf("%+v, %v", u, err)
	}
	again := w.browser()
	again.walk(again.get("/oauth/login/demo/"), "ada").to("/")
}

// TestFormWithoutAMailSignsIn: the page says that no mail is needed, the form
// signs in, and another address is mailed all the same.
func TestFormWithoutAMailSignsIn(t *testing.T) {
	w := newWorld(t)
	w.newcomers(func(p *broker.Provider) { p.Unmailed = true })
	b := w.browser()
	a := b.walk(b.get("/oauth/login/demo/"), "ada").to("/oauth/signup/demo/")
	b.get("/signup/?login=" + a.param("login")).want(200).says("Demo says that it is yours.").says("your account begins at once")
	typed := b.post("/signup/", "login", a.param("login"), "email", "eve@example.org", "name", "Ada").to("/sent/")
	b.get(typed.location).want(200).says("We have sent a mail to eve@example.org")
	b.nobody()
	if m := w.mails(); len(m) != 1 || m[0].Template != "sign-up" || m[0].To != "eve@example.org" {
		t.Errorf("%+v", m)
	}
	kept := b.post("/signup/", "login", a.param("login"), "email", "ada@example.org", "name", "Ada").to("/sent/")
	if _, at := b.follow(kept); at != "/" {
		t.Errorf("ended at %q", at)
	}
	s, err := b.session()
	must(t, err)
	u, err := w.db.User(t.Context(), s.UserID)
	if err != nil || u.Email != "ada@example.org" || u.EmailVouchedBy != "demo" || s.Provider != "demo" {
		t.Errorf("%+v, %+v, %v", u, s, err)
	}
	b.get("/sent/?login=" + a.param("login")).want(410) // it is over
}

// TestFormShowsWhoSetsWhat: what the provider sets stands on the form and cannot
// be typed over; what is the person's is empty.
func TestFormShowsWhoSetsWhat(t *testing.T) {
	w := newWorld(t)
	w.op.AddPerson(providertest.Person{Subject: "eve", Username: "Eve at home", Name: "Eve", Email: "eve@example.org", EmailVerified: true})
	for rule, want := range map[broker.ProfileRule][3]string{
		broker.ProfileProvider: {`value="Eve"`, `value="Eve-at-home"`, " readonly"}, broker.ProfileInitial: {`value="Eve"`, `value="Eve-at-home"`, ""}, broker.ProfilePerson: {`name="name"`, `name="username"`, ""},
	} {
		w.newcomers(func(p *broker.Provider) { p.Profile.Name, p.Profile.Username = rule, rule })
		b := w.browser()
		page := b.get("/signup/?login=" + b.walk(b.get("/oauth/login/demo/"), "eve").to("/oauth/signup/demo/").param("login")).want(200)
		if !strings.Contains(page.body, want[0]) || !strings.Contains(page.body, want[1]) || strings.Contains(page.body, " readonly") != (want[2] != "") ||
			rule == broker.ProfilePerson && strings.Contains(page.body, `value="Eve"`) || strings.Contains(text(page.body), "Demo sets it") != (want[2] != "") {
			t.Errorf("%s:\n%s", rule, page.body)
		}
	}
}

// TestFoundByEmailSignsIn: who has an account is signed in to it, and told.
func TestFoundByEmailSignsIn(t *testing.T) {
	w := newWorld(t)
	w.newcomers(func(p *broker.Provider) { p.LinkByEmail = true })
	ada := w.user("ada")
	b := w.browser()
	b.walk(b.get("/oauth/login/demo/?next=/account/settings/linkedaccounts/"), "ada").to(linkedAccountsPath)
	if s, err := b.session(); err != nil || s.UserID != ada.ID {
		t.Errorf("%+v, %v", s, err)
	}
	b.get(linkedAccountsPath).want(200).says("Demo linked")
	b.get(w.mailedLink("found")).want(200)
}

// TestReclaimOverHTTP: the owner of the address takes the account from the link in
// their mail, in the browser that asked for it, and the browser that had begun it is signed out.
func TestReclaimOverHTTP(t *testing.T) {
	w := newWorld(t)
	w.newcomers(func(p *broker.Provider) { p.SignUp = broker.SignUpAutomatic })
	w.op.AddPerson(providertest.Person{Subject: "mallory", Name: "Mallory", Email: "owner@example.org", EmailVerified: true})
	squatter := w.browser()
	squatter.walk(squatter.get("/oauth/login/demo/"), "mallory").to("/")
	w.mails()
	owner := w.browser()
	owner.post("/signup/", "email", "owner@example.org", "name", "Owner", "password", password).to("/sent/")
	squatter.get("/account/settings/profile/").want(200) // nothing has happened yet
	token := strings.TrimPrefix(w.mailedLink("sign-up"), "/verify-email/?token=")
	w.browser().post("/verify-email/", "token", token).want(403).says("works only in the browser in which you filled in the form")
	squatter.get("/account/settings/profile/").want(200)
	owner.post("/verify-email/", "token", token).to("/")
	owner.get("/account/settings/profile/").want(200).says("owner@example.org")
	squatter.get("/account/settings/profile/").to("/login/")
	squatter.walk(squatter.get("/oauth/login/demo/"), "mallory").to("/oauth/signup/demo/")
	squatter.nobody()
	owner.get("/account/settings/security/").want(200).says("Address confirmed by mail, everything before removed")
}

// TestReclaimByCodeOverHTTP: so does the owner who types a code from their mail, to
// sign in or to link an identity of theirs.
func TestReclaimByCodeOverHTTP(t *testing.T) {
	for _, link := range []bool{false, true} {
		w := newWorld(t)
		w.newcomers(func(p *broker.Provider) { p.SignUp = broker.SignUpAutomatic })
		w.codes(local.CodesSignIn)
		w.op.AddPerson(providertest.Person{Subject: "mallory", Name: "Mallory", Email: "owner@example.org", EmailVerified: true})
		w.op.AddPerson(providertest.Person{Subject: "owner", Name: "Owner"}) // tells no address, so nothing begins
		squatter := w.browser()
		squatter.walk(squatter.get("/oauth/login/demo/"), "mallory").to("/")
		w.mails()
		owner, template := w.browser(), "code-sign-in"
		var login string
		if link {
			template = "code-link"
			login = owner.walk(owner.get("/oauth/login/demo/"), "owner").to("/oauth/signup/demo/").param("login")
			owner.post("/code/send/", "login", login, "email", "owner@example.org").to("/code/")
		} else {
			login = owner.post("/code/send/", "email", "owner@example.org").to("/code/").param("login")
		}
		code := w.mailedCode(template)
		squatter.get("/account/settings/profile/").want(200) // nothing has happened yet
		a := owner.post("/code/", "login", login, "code", code)
		if link {
			page := owner.get(a.to("/link/").location).want(200).says("Link Demo to your account?")
			owner.post("/link/", append([]string{"decision", "link"}, page.hidden()...)...)
		}
		owner.get("/account/settings/profile/").want(200).says("owner@example.org")
		owner.get("/account/settings/security/").want(200).says("Address confirmed by mail, everything before removed")
		squatter.get("/account/settings/profile/").to("/login/")
		squatter.walk(squatter.get("/oauth/login/demo/"), "mallory").to("/oauth/signup/demo/")
		squatter.nobody()
	}
}

// TestUsernameClashIsAFieldError: the form comes back with what was typed, whether
// the name was told by the provider or typed; nothing waits for a mail.
func TestUsernameClashIsAFieldError(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b := w.browser()
	a := b.walk(b.get("/oauth/login/demo/"), "bob").to("/oauth/signup/demo/")
	page := b.post("/signup/", "login", a.param("login"), "email", "bob@example.org", "name", "Robert", "username", "ADA").want(422)
	for _, kept := range []string{"username-problem", `value="Robert"`, `value="bob@example.org"`, `value="ADA"`} {
		if !strings.Contains(page.body, kept) {
			t.Errorf("no %s:\n%s", kept, page.body)
		}
	}
	if m := w.mails(); len(m) != 0 {
		t.Errorf("%+v", m)
	}
	b.post("/signup/", "login", a.param("login"), "email", "bob@example.org", "name", "Robert", "username", "bob").to("/sent/")
}

// TestDisabledPersonComesBack: who was disabled is told so at the callback, gets no
// session, leaves nothing new behind, and no page leads back to the code.
func TestDisabledPersonComesBack(t *testing.T) {
	w := newWorld(t)
	w.member("ada")
	u, err := w.db.UserByEmail(t.Context(), "ada@example.org")
	must(t, err)
	must(t, w.accounts.SetDisabled(t.Context(), u.ID, true))
	before, err := w.db.RemoteAccountsOf(t.Context(), u.ID)
	must(t, err)
	b := w.browser()
	back := w.op.Walk(t, b.get("/oauth/login/demo/?next=/account/settings/profile/").location, "ada")
	page := b.callback(back).want(403)
	if code := back.Query().Get("code"); code == "" || strings.Contains(page.body, code) || strings.Contains(page.header.Get("Location"), code) {
		t.Errorf("the code %q is on the page:\n%s", code, page.body)
	}
	b.nobody()
	after, err := w.db.RemoteAccountsOf(t.Context(), u.ID)
	if err != nil || len(after) != 1 || !after[0].UpdatedAt.Equal(before[0].UpdatedAt) {
		t.Errorf("%+v became %+v, %v", before, after, err)
	}
}
