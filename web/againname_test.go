package web

import (
	"strings"
	"testing"
	"time"

	"idbroker/broker/local"
)

// TestProveAgainByUsername: where addresses are not asked for, whoever is signed in
// proves with their password that they are still there, all the same. What is typed as
// a name names nobody else.
func TestProveAgainByUsername(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Usernames, o.NoEmails = true, true })
	w.accounts = local.New(w.db, w.server.linker, local.Options{Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, Usernames: local.Usernames{OnlyThis: true}})
	w.server.accounts = w.accounts
	w.user("ada")
	w.user("eve")
	b := w.browser()
	b.post("/login/", "email", "ada", "password", password).to("/")
	login := b.get("/login/?again=1&next=" + securityPath).param("login")
	b.age(time.Hour)
	b.get("/login/?login=" + login).want(200).says("ada")
	b.post("/login/", "login", login, "email", "eve", "password", "wrong horse").want(422)
	b.post("/login/", "login", login, "email", "eve", "password", password).to(securityPath)
	b.get("/login/").to("/")
	if page := b.get(usernamePath).want(200).says("ada"); strings.Contains(text(page.body), "optional") {
		t.Error("a username that everybody needs is called optional")
	}
	if page := w.browser().get("/login/").want(200).says("or with your password"); strings.Contains(text(page.body), "e-mail address") {
		t.Error("an address is asked for that nobody signs in with")
	}
}
