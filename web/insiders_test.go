package web

import (
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// TestLostWhileIn: who forgot the password while being signed in comes there from
// Security and goes back there; on the way to something the way back is the sign-in.
func TestLostWhileIn(t *testing.T) {
	w := newWorld(t)
	w.client()
	w.user("ada")
	b := w.browser()
	settings, signIn := `<a href="`+securityPath+`">`, `<a href="/login/`
	page := b.get("/lost-password/").want(200).says("Back to sign-in")
	if strings.Contains(page.body, settings) || !strings.Contains(page.body, signIn) {
		t.Errorf("a visitor reads:\n%s", page.body)
	}
	if page := b.get("/login/").want(200); !strings.Contains(page.body, "/lost-password/") {
		t.Errorf("no way there:\n%s", page.body)
	}
	b.signIn("ada")
	if page := b.get(securityPath).want(200); !strings.Contains(page.body, `<a href="/lost-password/">`) {
		t.Errorf("Security has no way there:\n%s", text(page.body))
	}
	page = b.get("/lost-password/").want(200).says("Back to your settings")
	if !strings.Contains(page.body, settings) || strings.Contains(page.body, signIn) || !strings.Contains(page.body, `value="ada@example.org"`) {
		t.Errorf("a member reads:\n%s", page.body)
	}
	page = b.post("/lost-password/", "email", "nonsense").want(422).says("Back to your settings")
	if !strings.Contains(page.body, `value="nonsense"`) {
		t.Errorf("what was typed is gone:\n%s", page.body)
	}
	other := w.browser()
	login := other.get(authorize()).to("/login/").param("login")
	page = other.get("/lost-password/?login=" + login).want(200).says("Back to sign-in")
	if !strings.Contains(page.body, "/login/?login="+login) {
		t.Errorf("the way back leads out of the login:\n%s", page.body)
	}
}

// TestLostPasswordLinkNeedsOne: without a password there is nothing to forget.
func TestLostPasswordLinkNeedsOne(t *testing.T) {
	w := newWorld(t)
	b := w.member("bob")
	if page := b.get(securityPath); strings.Contains(page.body, "/lost-password/") {
		t.Errorf("%s", text(page.body))
	}
}

// TestExpiredLoginTellsTheTruth: that a login is over signs nobody out, and the page
// does not say so.
func TestExpiredLoginTellsTheTruth(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b := w.browser()
	for _, path := range []string{"/second-factor/", "/second-factor/?login=no-such-login", setUpPath} {
		b.get(path).want(410).says("you are not signed in")
	}
	b.signIn("ada")
	for _, path := range []string{"/second-factor/", "/second-factor/?login=no-such-login", setUpPath} {
		page := b.get(path).want(410).says("This sign-in took too long").says("You are signed in here as before")
		if strings.Contains(text(page.body), "you are not signed in") {
			t.Errorf("%s: %s", path, text(page.body))
		}
	}
	b.get(securityPath).want(200)
}

// TestFactorGoneInAnotherTab: the error leads back to the page about the second step.
func TestFactorGoneInAnotherTab(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, tokens.Options{})
		w.user("ada")
		b := w.browser()
		b.signIn("ada")
		_, codes := b.setUpApp()
		b.post(factorPath+"remove/", "code", codes[0]).to(securityPath)
		for _, form := range []string{"codes/", "remove/"} {
			page := b.post(factorPath+form, "code", codes[1]).want(410).says("Please begin again")
			if !strings.Contains(page.body, `href="`+factorPath+`"`) {
				t.Errorf("%s leads nowhere: %s", form, page.body)
			}
		}
	})
}

// TestNumberAloneAsksForNoApp: what somebody has is what the page about it asks for.
func TestNumberAloneAsksForNoApp(t *testing.T) {
	w := newWorld(t)
	w.texting()
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.get(factorPath).want(200).says("or one that we send to your phone")
	const number, next = "+41227676111", "+41791234567"
	b.post(factorPath+"number/", "phone", number).to(factorPath)
	b.post(factorPath+"number/confirm/", "code", w.texted(number)).want(200)
	b.post(factorPath+"number/swap/", "phone", next).to(factorPath)
	page := b.get(factorPath).want(200).says("Code that we sent to your present number, or a recovery code")
	if strings.Contains(text(page.body), "Code of your app") {
		t.Errorf("asks for the code of an app that nobody has:\n%s", text(page.body))
	}
	b.post(factorPath + "start/").to(factorPath)
	found := secretOnPage.FindStringSubmatch(b.get(factorPath).want(200).body)
	if found == nil {
		t.Fatal("no secret")
	}
	b.post(factorPath+"confirm/", "code", appShows(t, strings.ReplaceAll(found[1], " ", ""), 0)).to(factorPath)
	b.get(factorPath).want(200).says("Code of your app, one that we sent to your present number")
}

// TestNothingToLink: where no provider is offered the page promises none.
func TestNothingToLink(t *testing.T) {
	all := testRenderer(t, sampleBrand)
	for _, tt := range []struct {
		connect []providerButton
		want    string
	}{
		{nil, "none can be"},
		{[]providerButton{{ID: "demo", Title: "Demo", URL: "/oauth/login/demo/"}}, "With a linked account you sign in"},
	} {
		page := linkedAccountsPage{base: all.base("en", linkedAccountsPath, &broker.User{Email: "ada@example.org"}, sampleNow), Connect: tt.connect, Password: true}
		got, err := (*all.pages.Load()).execute(&page)
		if err != nil || !strings.Contains(got.String(), tt.want) {
			t.Errorf("%d to link: %v, no %q in\n%v", len(tt.connect), err, tt.want, got)
		}
	}
}

// TestAskedAnewByAnApplication: who is signed in, and shall prove that once more for an
// application, need not type who they are; they may come as somebody else, and the
// application's own hint counts more.
func TestAskedAnewByAnApplication(t *testing.T) {
	w := newWorld(t)
	w.client()
	w.user("ada")
	filled := func(b *browser, value string, params ...string) {
		t.Helper()
		login := b.get(authorize(params...)).to("/login/").param("login")
		if page := b.get("/login/?login=" + login).want(200); strings.Contains(page.body, `value="ada@example.org"`) != (value == "ada@example.org") ||
			value != "" && !strings.Contains(page.body, `value="`+value+`"`) {
			t.Errorf("%q: not %q in\n%s", params, value, page.body)
		}
		if page := b.get("/login/?switch=1&login=" + login).want(200); strings.Contains(page.body, `value="ada@example.org"`) {
			t.Errorf("%q: as somebody else they read their own name", params)
		}
	}
	b := w.browser()
	filled(b, "", "max_age", "0") // a visitor
	b.signIn("ada")
	filled(b, "ada@example.org", "max_age", "0")
	filled(b, "ada@example.org", "prompt", "login")
	filled(b, "bob@example.org", "prompt", "login", "login_hint", "bob@example.org")
	filled(b, "", "prompt", "select_account")
}
