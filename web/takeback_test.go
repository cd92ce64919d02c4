package web

import (
	"net/url"
	"testing"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/broker/local/passkeytest"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// TestTakePasskeyBack is the attack of somebody at an open browser who adds a passkey of
// theirs: the owner's mail removes it, whoever came in with it is out, and looking at the
// link does nothing.
func TestTakePasskeyBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := passkeyWorld(t, db)
		w.user("ada")
		open, thief := w.browser(), w.browser()
		open.signIn("ada")
		own, k := passkeytest.New(t, passkeytest.ES256), passkeytest.New(t, passkeytest.ES256)
		open.addPasskey(own, "Mine")
		mine := w.mailedLink("passkey-added")
		open.addPasskey(k, "Thief’s")
		link := w.mailedLink("passkey-added")
		thief.withPasskey(k).to("/")

		owner := w.browser() // signed in nowhere
		for range 2 {        // mail programs open links by themselves
			owner.get(link).want(200).says("“Thief’s”").says("Everybody is signed out")
		}
		thief.in()
		owner.post(broker.FactorBackPath, "token", secretIn(t, link)).want(410)
		owner.post(broker.PasskeyBackPath, "token", secretIn(t, link)).to("/lost-password/")
		owner.get("/lost-password/").want(200).says("The passkey does not open your account any more")
		thief.out()
		open.out()
		again := w.browser()
		again.withPasskey(k).want(422)
		again.withPasskey(own).to("/") // what the mail did not tell of stays
		owner.post(broker.PasskeyBackPath, "token", secretIn(t, link)).want(410).says("does not work any more")
		owner.get(link).want(410)

		// Who sends it while signed in is out, too.
		again.post(broker.PasskeyBackPath, "token", secretIn(t, mine)).to("/lost-password/")
		again.out()
		if all, err := w.db.PasskeysOf(t.Context(), w.userOf("ada").ID); err != nil || len(all) != 0 {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// userOf is a user by name, as they are now.
func (w *world) userOf(name string) broker.User {
	w.t.Helper()
	u, err := w.db.UserByEmail(w.t.Context(), name+"@example.org")
	must(w.t, err)
	return u
}

// TestPasskeyInPlaceOfAnother is the attack of somebody who reads the mailbox and waits
// until its owner changes phones, where everybody needs a second factor: by the mail about
// the new one they are back at the old one, and not at nothing.
func TestPasskeyInPlaceOfAnother(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := passkeyWorld(t, db)
		w.user("ada")
		b := w.browser()
		b.signIn("ada")
		b.addPasskey(passkeytest.New(t, passkeytest.ES256), "Old")
		w.mails()
		b.addPasskey(passkeytest.New(t, passkeytest.ES256), "New")
		link := w.mailedLink("passkey-added")
		all, err := w.db.PasskeysOf(t.Context(), w.userOf("ada").ID)
		must(t, err)
		b.post(passkeysPath+"remove/", "id", all[0].ID).to(passkeysPath)
		w.server.accounts = local.New(db, w.server.linker, local.Options{
			Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, EndGrants: w.tokens.EndGrants, NeedFactors: true,
		})
		reader := w.browser()
		reader.post(broker.PasskeyBackPath, "token", secretIn(t, link)).to("/lost-password/")
		if back, err := w.db.PasskeysOf(t.Context(), w.userOf("ada").ID); err != nil || len(back) != 1 || back[0].ID != all[0].ID {
			t.Errorf("%+v, %v", back, err)
		}
	})
}

// TestTakeFactorBackOnPages: the owner who was locked out by an app of a thief's is in
// again with a new password and nothing else.
func TestTakeFactorBackOnPages(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := worldOn(t, storetest.Open(t, dsn), tokens.Options{})
		w.user("ada")
		thief := w.browser()
		thief.signIn("ada")
		thief.setUpApp()
		owner := w.browser()
		owner.post("/login/", "email", "ada@example.org", "password", password).to("/second-factor/")
		link := w.mailedLink("factor-added")
		owner.get(link).want(200).says("no longer counts when you sign in")
		owner.post(broker.FactorBackPath, "token", secretIn(t, link)).to("/lost-password/")
		owner.get("/lost-password/").want(200).says("The second step is taken back")
		thief.out()
		owner.post("/login/", "email", "ada@example.org", "password", password).to("/")
		owner.get(securityPath).want(200).says("Second step taken back by mail")
	})
}

// TestThatWasNotMe: the owner ends a sign-in from a new browser by mail. It is over with
// what began since, its browser is new again, and the owner's own goes on.
func TestThatWasNotMe(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := mailingWorld(t, dsn)
		w.client(func(c *broker.Client) { c.FirstParty = true })
		w.user("ada")
		owner, thief := w.browser(), w.browser()
		owner.signIn("ada")
		thief.agent, thief.ip = chrome, "198.51.100.1"
		thief.signIn("ada")
		_, refresh := w.tokensFor(thief)
		link := w.mailedLink("new-browser")
		thief.post("/logout/").want(303)
		thief.signIn("ada") // known by now: nobody is told
		if m := w.newBrowserMails(); len(m) != 0 {
			t.Fatalf("%+v", m)
		}
		for range 2 {
			owner.get(link).want(200).says("That was not you?")
		}
		thief.in()
		owner.post(broker.SignInBackPath, "token", secretIn(t, link)).to("/lost-password/")
		owner.get("/lost-password/").want(200).says("That sign-in is ended")
		thief.out()
		owner.in()
		if got := w.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {"app"}}); got["error"] != "invalid_grant" {
			t.Errorf("a token of the thief's counts: %v", got)
		}
		owner.get(link).want(410)
		w.mails()
		thief.signIn("ada") // the password is the same still: the owner hears of it
		if m := w.newBrowserMails(); len(m) != 1 {
			t.Errorf("the thief's browser is known: %+v", m)
		}
	})
}
