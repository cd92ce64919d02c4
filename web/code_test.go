package web

import (
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// codes lets the accounts of a world mail codes for a purpose.
func (w *world) codes(c local.Codes) {
	w.accounts = local.New(w.db, w.server.linker, local.Options{
		Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, EndGrants: w.tokens.EndGrants, Codes: c, OnHash: func() { w.hashes.Add(1) },
	})
	w.server.accounts = w.accounts
}

// TestSignInByCode: where the operator wants it, a code signs in, from a page
// without an application as well as from one with.
func TestSignInByCode(t *testing.T) {
	w := newWorld(t)
	w.client()
	w.user("ada")
	b := w.browser()
	if page := b.get("/login/").want(200); strings.Contains(page.body, "/code/") {
		t.Error("a code is offered by default")
	}
	b.get("/code/").want(404).says("No codes by mail")
	b.post("/code/send/", "email", "ada@example.org").want(404)
	if sent := w.mails(); len(sent) != 0 {
		t.Errorf("mailed: %+v", sent)
	}

	w.codes(local.CodesSignIn)
	if page := b.get("/login/").want(200); !strings.Contains(page.body, `href="/code/"`) {
		t.Errorf("no code is offered:\n%s", text(page.body))
	}
	b.get("/code/").want(200).says("Get a code by mail")
	a := b.post("/code/send/", "email", "ada@example.org").to("/code/?login=")
	login := a.param("login")
	page := b.get(a.location).want(200).says("ada@example.org")
	if strings.Contains(page.body, "Ada") {
		t.Error("the page tells whose address it is")
	}
	code := w.mailedCode("code-sign-in")
	for range 2 { // looking spends nothing
		b.get("/code/?login=" + login).want(200).says("Type the code")
	}
	b.post("/code/", "login", login, "code", "BBBB-BBBB").want(422).says("not the newest code")
	b.nobody()
	b.post("/code/", "login", login, "code", strings.ToLower(code)).to("/")
	if row, err := b.session(); err != nil || row.UserID == "" {
		t.Errorf("%+v %v", row, err)
	}
	b.get(securityPath).want(200).says("Signed in with a code by mail")
	b.post("/code/", "login", login, "code", code).want(410)

	b = w.browser()
	login = b.get(authorize()).param("login")
	b.post("/code/send/", "login", login, "email", "ada@example.org").to("/code/?login=" + login)
	b.post("/code/", "login", login, "code", w.mailedCode("code-sign-in")).to("/consent/?login=" + login)
	claims := w.redeem(b.post("/consent/", "login", login, "decision", "allow"))
	if amr, _ := claims["amr"].([]any); len(amr) != 1 || amr[0] != "otp" || claims["acr"] != broker.ACRSingle {
		t.Errorf("claims %v", claims)
	}
}

// TestCodeAtAnotherBrowser: whoever sees the address of the page, and even the
// mail, gets nowhere with it elsewhere.
func TestCodeAtAnotherBrowser(t *testing.T) {
	w := newWorld(t)
	w.client()
	w.user("ada")
	b, login := w.unknown("bob")
	b.post("/code/send/", "login", login, "email", "ada@example.org").to("/code/")
	code := w.mailedCode("code-link")
	thief := w.browser()
	for range 2 { // without a cookie, and with one
		thief.post("/code/", "login", login, "code", code).want(403)
		thief.get("/code/?login=" + login).want(403)
		thief.nobody()
		thief.get(authorize())
	}
	other, second := w.unknown("bob")
	other.post("/code/", "login", second, "code", code).want(422)
	other.nobody()
	b.post("/code/", "login", login, "code", code).to("/link/")
}

// TestCodeProvesNobodyWhoIsThere: who is signed in and must show to be still there
// needs more than the mailbox of any account.
func TestCodeProvesNobodyWhoIsThere(t *testing.T) {
	w := newWorld(t)
	w.codes(local.CodesSignIn)
	w.user("ada")
	w.user("mallory")
	b := w.browser()
	b.signIn("ada")
	login := b.get("/login/?again=1&next=/account/settings/security/").to("/login/").param("login")
	if page := b.get("/login/?login=" + login).want(200); strings.Contains(page.body, "/code/") {
		t.Error("a code is offered")
	}
	b.get("/code/?login=" + login).want(404)
	b.post("/code/send/", "login", login, "email", "mallory@example.org").want(404)
	b.post("/code/", "login", login, "code", "BBBB-BBBB").want(404)
}

// TestGuessesAreCounted over HTTP, and the page says what to do.
func TestGuessesAreCounted(t *testing.T) {
	w := newWorld(t)
	w.client()
	w.user("ada")
	b, login := w.unknown("bob")
	b.post("/code/send/", "login", login, "email", "ada@example.org").to("/code/")
	code := w.mailedCode("code-link")
	b.post("/code/", "login", login, "code", "no code at all").want(422) // no guess
	b.post("/code/send/", "login", login, "email", "ada@example.org").want(429).says("less than a minute ago").says("Type the code")
	wrong := "BBBB-BBBB"
	if wrong == code {
		wrong = "CCCC-CCCC"
	}
	for range 4 {
		b.post("/code/", "login", login, "code", wrong).want(422).says("Type the code")
	}
	b.post("/code/", "login", login, "code", wrong).want(422).says("Get a code by mail").says("can’t be used any more")
	b.post("/code/", "login", login, "code", code).want(422).says("can’t be used any more")
	b.nobody()
	b.get("/code/?login=" + login).want(200).says("Get a code by mail")
	b.post("/code/send/", "login", login, "email", "ada@example.org").want(429).says("less than a minute ago")
	b.post("/code/send/", "login", login, "email", "nobody").want(422)
	if sent := w.mails(); len(sent) != 0 {
		t.Errorf("mailed: %+v", sent)
	}
}

// TestCodePageTellsNothing: a known address gets, byte for byte, the pages that an
// unknown one gets.
func TestCodePageTellsNothing(t *testing.T) {
	var c storetest.Counter
	w := worldOn(t, storetest.New(t, c.Option()), tokens.Options{})
	w.client()
	w.user("ada")
	type seen struct {
		pages string
		reads int
		units int
	}
	look := func(email string) seen {
		b, login := w.unknown("bob")
		c.Reset()
		var pages strings.Builder
		note := func(a answer) {
			body := strings.NewReplacer(login, "LOGIN", email, "ADDRESS").Replace(a.body + a.location)
			pages.WriteString(body)
		}
		note(b.post("/code/send/", "login", login, "email", email))
		note(b.get("/code/?login=" + login))
		note(b.post("/code/send/", "login", login, "email", email)) // too soon
		for range 5 {
			note(b.post("/code/", "login", login, "code", "BBBB-BBBB"))
		}
		return seen{pages.String(), c.Reads(), c.Transactions()}
	}
	known, unknown := look("ada@example.org"), look("eve@example.org")
	if known != unknown || len(known.pages) < 1000 {
		t.Errorf("known: %d bytes, %d reads, %d units; unknown: %d, %d, %d", len(known.pages), known.reads, known.units, len(unknown.pages), unknown.reads, unknown.units)
	}
}

// TestCodeOfAnotherPerson: somebody has a code mailed to show that they are still there, and
// another one is signed in by the time it is typed: it does not put its own account in the
// place of theirs, and shows nothing for them.
func TestCodeOfAnotherPerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := codesWorld(t, db)
		w.withCodes(local.CodesSignIn)
		for _, name := range []string{"ada", "mallory"} {
			w.hasNothing(w.user(name))
		}
		b := w.browser()
		b.code("mallory@example.org").to("/")
		login, _ := b.again()
		b.post("/code/send/", "login", login).to("/code/")
		code := w.mailedCode("code-sign-in")
		b.code("ada@example.org").to("/")
		before := must2(b.session())(t)
		b.post("/code/", "login", login, "code", code).want(422).says("ada@example.org")
		if row := must2(b.session())(t); row.UserID != before.UserID || !row.AuthTime.Equal(before.AuthTime) {
			t.Errorf("%+v, and before %+v", row, before)
		}
	})
}

// TestCodeBesideAnotherWay: a login whose person is known is about nobody else any more,
// whatever code was mailed for it before.
func TestCodeBesideAnotherWay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, tokens.Options{})
		w.codes(local.CodesSignIn)
		w.client()
		w.user("ada")
		eve := w.user("eve")
		b := w.browser()
		login := b.get(authorize()).param("login")
		b.post("/code/send/", "login", login, "email", "ada@example.org").to("/code/?login=" + login)
		code := w.mailedCode("code-sign-in")
		b.post("/login/", "login", login, "email", "eve@example.org", "password", password).to("/consent/?login=" + login)
		b.post("/code/", "login", login, "code", code).to("/consent/?login=" + login)
		if row, err := b.session(); err != nil || row.UserID != eve.ID {
			t.Errorf("%+v %v", row, err)
		}
		if claims := w.redeem(b.post("/consent/", "login", login, "decision", "allow")); claims["sub"] != string(eve.ID) {
			t.Errorf("claims %v", claims)
		}
	})
}
