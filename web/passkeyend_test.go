package web

import (
	"testing"

	"idbroker/broker/local/passkeytest"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestRemovedPasskeyEndsItsSessions is the attack of whoever found a phone: its passkey has
// let them in, and they are still there when the owner removes it.
func TestRemovedPasskeyEndsItsSessions(t *testing.T) { storetest.Each(t, removedPasskeyEnds) }

func removedPasskeyEnds(t *testing.T, db *store.DB) {
	w := passkeyWorld(t, db)
	w.client()
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	lost, other := passkeytest.New(t, passkeytest.ES256), passkeytest.New(t, passkeytest.EdDSA)
	b.addPasskey(lost, "Phone")
	b.addPasskey(other, "Key")
	thief, elsewhere, later := w.browser(), w.browser(), w.browser()
	thief.withPasskey(lost).to("/")
	elsewhere.signIn("ada") // with the password
	later.withPasskey(other).to("/")
	w.tokensFor(thief)
	entered := func() int { return len(must2(db.GrantsOf(t.Context(), w.userOf("ada").ID))(t)) }
	if entered() != 1 {
		t.Fatal("no application was entered")
	}
	all := must2(db.PasskeysOf(t.Context(), w.userOf("ada").ID))(t)
	b.get(passkeysPath + "remove/?id=" + all[0].ID).want(200).says("are signed out")
	thief.in()
	b.post(passkeysPath+"remove/", "id", all[0].ID).to(passkeysPath)
	thief.out()
	if entered() != 0 {
		t.Error("the application still lets them in")
	}
	b.in()
	elsewhere.in()
	later.in() // it began after the lost one was used last

	// The browser that removes it stays, also where that passkey has opened it.
	later.get(passkeysPath).want(200)
	later.post(passkeysPath+"remove/", "id", all[1].ID).to(passkeysPath)
	later.in()
}
