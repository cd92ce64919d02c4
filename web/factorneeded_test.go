package web

import (
	"strings"
	"testing"
	"time"

	"idbroker/broker/local/passkeytest"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// TestNeededFactorIsNotDropped: where everybody needs a second factor, who has found
// the browser open and knows a code cannot leave the account without one; another
// app can take its place.
func TestNeededFactorIsNotDropped(t *testing.T) { storetest.Each(t, neededFactorIsNotDropped) }

func neededFactorIsNotDropped(t *testing.T, db *store.DB) {
	w := worldOn(t, db, tokens.Options{})
	w.needFactors()
	w.user("ada")
	b := w.browser()
	login := b.password("ada").to(setUpPath).param("login")
	secret, page := b.finishSetUp(login)
	b.get(page.wayOn()).to("/")
	codes := codeOnPage.FindAllStringSubmatch(page.body, -1)
	page = b.get(factorPath).want(200).says("it can be changed but not removed").says("10 recovery codes are left")
	if strings.Contains(page.body, factorPath+"remove/") {
		t.Error("the page offers to remove what is needed")
	}
	b.post(factorPath+"remove/", "code", codes[0][1]).want(409).says("Everybody needs a second step")
	w.browser().password("ada").to("/second-factor/") // and not to set one up
	b.post(factorPath + "swap/").to(factorPath)
	page = b.get(factorPath).want(200)
	next := strings.ReplaceAll(secretOnPage.FindStringSubmatch(page.body)[1], " ", "")
	b.post(factorPath+"swap/confirm/", "code", appShows(t, next, 0), "current", "BBBB-BBBB-BBBB").want(422).says("none of your recovery codes")
	b.post(factorPath+"swap/confirm/", "code", appShows(t, next, 0), "current", appShows(t, secret, 1)).want(200).says("Recovery codes")
	b.get(factorPath).want(200).says("The second step is on")
	thief := w.browser()
	login = thief.password("ada").to("/second-factor/").param("login")
	thief.post("/second-factor/", "login", login, "code", appShows(t, secret, 1)).want(422)
	thief.post("/second-factor/", "login", login, "code", appShows(t, next, 1)).to("/")
}

// TestLastPasskeyIsAFactor: a passkey that is the only second factor stays, too; beside
// an app either of the two can go, and not both.
func TestLastPasskeyIsAFactor(t *testing.T) { storetest.Each(t, lastPasskeyIsAFactor) }

func lastPasskeyIsAFactor(t *testing.T, db *store.DB) {
	w := passkeyWorld(t, db)
	ada := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	k := passkeytest.New(t, passkeytest.ES256)
	b.addPasskey(k, "Phone")
	w.needFactors()
	b = w.browser()
	b.withPasskey(k).to("/")
	keys, err := db.PasskeysOf(t.Context(), ada.ID)
	must(t, err)
	page := b.get(passkeysPath).want(200).says("your second step")
	if strings.Contains(page.body, passkeysPath+"remove/") {
		t.Error("the page offers to remove what is needed")
	}
	b.post(passkeysPath+"remove/", "id", keys[0].ID).want(409).says("Everybody needs a second step")
	_, codes := b.setUpApp()
	b.get(passkeysPath).want(200)
	b.post(factorPath+"remove/", "code", codes[0]).to(securityPath) // the passkey is left
	b.post(passkeysPath+"remove/", "id", keys[0].ID).want(409)
	b.setUpApp()
	b.post(passkeysPath+"remove/", "id", keys[0].ID).to(passkeysPath)
	b.post(factorPath+"remove/", "code", codes[1]).want(422) // of the app before
	b.get(factorPath).want(200).says("it can be changed but not removed")
}

// TestCodesBesideANumber: the recovery codes of who has a number alone are counted.
func TestCodesBesideANumber(t *testing.T) {
	w := newWorld(t)
	w.texting()
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.post(factorPath+"number/", "phone", "+41 22 767 61 11").to(factorPath)
	page := b.post(factorPath+"number/confirm/", "code", w.texted("+41227676111")).want(200)
	if n := len(codeOnPage.FindAllString(page.body, -1)); n != 10 {
		t.Fatalf("%d codes", n)
	}
	b.get(factorPath).want(200).says("10 recovery codes are left")
}

// TestPasswordBesideAFactorIsChangedFreshly: where a second factor stands, whoever found a browser
// open and knows the password does not choose another one.
func TestPasswordBesideAFactorIsChangedFreshly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, tokens.Options{})
		w.user("ada")
		b := w.browser()
		b.signIn("ada")
		b.setUpApp()
		before := w.userOf("ada").PasswordHash
		b.age(time.Hour)
		b.post("/account/settings/password/", "current", password, "password", "another horse battery").to("/login/?again=1")
		if w.userOf("ada").PasswordHash != before {
			t.Error("the password is another")
		}
	})
}
