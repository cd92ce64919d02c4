package web

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/providers"
	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// policy makes a world whose providers have a policy of sign-out.
func policy(t testing.TB, db *store.DB, p broker.SignOut) *world {
	t.Helper()
	return worldOf(t, db, tokens.Options{}, nil, func(_ string, a *providers.App) { a.SignOut = p })
}

var leaveLink = regexp.MustCompile(`href="(/oauth/sign-out/[^"]*)"`)

// leaves is where the page offers to sign out at the provider.
func (a answer) leaves() string {
	a.t.Helper()
	m := leaveLink.FindStringSubmatch(a.body)
	if m == nil {
		a.t.Fatalf("the page leads to no provider:\n%s", text(a.body))
	}
	return m[1]
}

// abroad follows an answer to the provider, and its way back to us.
func (b *browser) abroad(a answer) *url.URL {
	b.w.t.Helper()
	a.to(b.w.op.Endpoint(providertest.EndSession))
	resp, err := b.c.Get(a.location)
	must(b.w.t, err)
	_ = resp.Body.Close()
	back, err := resp.Location()
	must(b.w.t, err)
	return back
}

// hinted returns the claims that the hint of an address to the provider has, by
// the provider's own word: it refuses what it has not signed.
func hinted(a answer) string {
	u, err := url.Parse(a.location)
	must(a.t, err)
	return u.Query().Get("id_token_hint")
}

func TestSignOutAtTheProvider(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := policy(t, db, "")
		b := w.member("ada")
		kept := b.upstream()

		page := b.post("/logout/").want(200).says("You are signed out").says("Sign out at Demo too")
		if _, err := b.session(); err == nil {
			t.Error("the session stands while the person is asked")
		}
		if strings.Contains(page.body, kept.IDToken.Reveal()) || page.header.Get("Refresh") != "" {
			t.Error("the page holds the ID token, or leaves by itself")
		}
		out := b.get(page.leaves())
		if hinted(out) != kept.IDToken.Reveal() || out.param("client_id") != "broker" || out.param("post_logout_redirect_uri") != w.url+"/oauth/signed-out/demo/" || out.param("ui_locales") != "en" {
			t.Errorf("to %s", out.location)
		}
		if out.header.Get("Referrer-Policy") != "no-referrer" || out.header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", out.header)
		}
		back := b.abroad(out)
		b.callback(back).to("/logout/")
		b.get("/logout/").want(200).says("You are signed out")
		b.callback(back).to("/logout/") // once more: spent, and nothing happens
		if log := w.log.String(); strings.Contains(log, kept.IDToken.Reveal()) || strings.Contains(log, "id_token_hint") {
			t.Error("the log holds the ID token")
		}
	})
}

// TestSignOutComesBackToTheApplication: a sign-out that an application began ends
// at the application, with its state, by way of the provider.
func TestSignOutComesBackToTheApplication(t *testing.T) {
	request := url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {"https://app.example/bye"}, "state": {"a b"}}.Encode()
	const home = "https://app.example/bye?state=a+b"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := policy(t, db, broker.SignOutAlways)
		w.client()
		b := w.member("ada")
		b.get("/oauth2/logout?" + request).want(200)
		page := b.post("/logout/", "request", request).want(200).says("Now you are being signed out at Demo too")
		if page.header.Get("Refresh") != "0; url="+page.leaves() {
			t.Errorf("Refresh %q", page.header.Get("Refresh"))
		}
		b.callback(b.abroad(b.get(page.leaves()))).to(home)

		// Asked: the person may go back at once.
		w = policy(t, storetest.New(t), broker.SignOutAsk)
		w.client()
		b = w.member("ada")
		page = b.post("/logout/", "request", request).want(200).says("Back to The App").says("Sign out at Demo too")
		if !strings.Contains(html.UnescapeString(page.body), `href="`+home+`"`) || page.header.Get("Refresh") != "" {
			t.Errorf("%q\n%s", page.header.Get("Refresh"), page.body)
		}
		b.callback(b.abroad(b.get(page.leaves()))).to(home)

		// Never: as before there was a way out.
		w = policy(t, storetest.New(t), broker.SignOutNone)
		w.client()
		b = w.member("ada")
		b.post("/logout/", "request", request).to(home)
		b = w.browser()
		b.walk(b.get("/oauth/login/demo/"), "ada")
		b.post("/logout/").to("/logout/?from=demo")
		if n := w.op.Count(providertest.EndSession); n != 0 {
			t.Errorf("%d people were sent out", n)
		}
	})
}

// TestWithdrawnWayBack: what is not registered any more when the person comes back
// leads nowhere.
func TestWithdrawnWayBack(t *testing.T) {
	w := policy(t, storetest.New(t), broker.SignOutAlways)
	c := w.client()
	b := w.member("ada")
	request := url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {"https://app.example/bye"}}.Encode()
	back := b.abroad(b.get(b.post("/logout/", "request", request).want(200).leaves()))
	c, err := w.db.Client(t.Context(), c.ID)
	must(t, err)
	c.PostLogoutRedirectURIs = []string{"https://app.example/other"}
	must(t, w.db.UpdateClient(t.Context(), c))
	b.callback(back).to("/logout/")
}

// TestForeignWayBack: an application's address counts only where it is registered,
// whatever the provider sends along.
func TestForeignWayBack(t *testing.T) {
	w := policy(t, storetest.New(t), broker.SignOutAlways)
	w.client()
	b := w.member("ada")
	evil := url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {"https://evil.example/"}}.Encode()
	if a := b.post("/logout/", "request", evil); a.status != http.StatusBadRequest && a.status != http.StatusForbidden || strings.Contains(a.body, "evil.example") {
		t.Errorf("%d %s", a.status, text(a.body))
	}
	if _, err := b.session(); err != nil {
		t.Error("a refused request ended the session")
	}
	back := b.abroad(b.get(b.post("/logout/").want(200).leaves()))
	q := back.Query()
	q.Set("post_logout_redirect_uri", "https://evil.example/")
	q.Set("next", "https://evil.example/")
	b.get(back.Path + "?" + q.Encode()).to("/logout/")
}

// TestStatesOfSignOut performs the attacks on the way out and back.
func TestStatesOfSignOut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := policy(t, db, broker.SignOutAlways)
		w.client()
		b, thief := w.member("ada"), w.browser()
		request := url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {"https://app.example/bye"}}.Encode()
		way := b.post("/logout/", "request", request).want(200).leaves()
		u, err := url.Parse(way)
		must(t, err)
		state := u.Query().Get("state")

		thief.get(way).to("/logout/?from=demo") // the ID token is for nobody else
		thief.post("/logout/")                  // with a journey of their own
		thief.get(way).to("/logout/?from=demo")
		thief.get("/oauth/signed-out/demo/?state=" + state).to("/logout/")
		b.get("/oauth/sign-out/other/?state=" + state).to("/logout/?from=other")
		b.get("/oauth/signed-out/other/?state=" + state).to("/logout/")
		for _, path := range []string{"/oauth/signed-out/demo/", "/oauth/signed-out/demo/?state=", "/oauth/signed-out/demo/?state=x", "/oauth/signed-out/none/"} {
			b.get(path).to("/logout/")
		}
		// No journey's state is another's.
		if a := b.get("/oauth/authorized/demo/?code=x&state=" + state); a.status != http.StatusGone {
			t.Errorf("as a callback: %d", a.status)
		}
		c := w.browser()
		sent := c.get("/oauth/login/other/")
		c.setCookie(leavingCookie, c.cookie(browserCookie)) // were they one cookie
		c.get("/oauth/signed-out/other/?state=" + sent.param("state")).to("/logout/")
		c.get("/oauth/sign-out/other/?state=" + sent.param("state")).to("/logout/?from=other")
		c.walk(sent, "bob").to("/oauth/signup/other/") // and that one still ends well
		b.get(way).to(w.op.URL)                        // nor has any of it ended this
		tie := b.cookie(leavingCookie)
		b.get("/oauth/signed-out/demo/?state=" + state).to("https://app.example/bye")
		b.setCookie(leavingCookie, tie)
		b.get("/oauth/signed-out/demo/?state=" + state).to("/logout/")
		b.get(way).to("/logout/?from=demo")

		// Whoever has signed in meanwhile is not asked to sign out.
		b.walk(b.get("/oauth/login/demo/"), "ada").to("/")
		b.get("/oauth/signed-out/demo/?state=" + state).to("/")
		if _, err := b.session(); err != nil {
			t.Error("a stale state ended a session")
		}
	})
}

// TestDownProviderKeepsNobodySignedIn: our session ends first, whatever the provider does.
func TestDownProviderKeepsNobodySignedIn(t *testing.T) {
	w := policy(t, storetest.New(t), broker.SignOutAlways)
	b := w.member("ada")
	row, err := b.session()
	must(t, err)
	row.Provider = "other" // whose metadata nobody has read yet
	must(t, w.db.SaveSession(t.Context(), row))
	for range 9 {
		w.op.Fail(providertest.Discovery, providertest.Failure{Status: 503})
	}
	b.post("/logout/").to("/logout/?from=other")
	if _, err := b.session(); err == nil {
		t.Error("the session stands")
	}
	b.get("/logout/?from=other").want(200).says("You may still be signed in at Other")
	if !strings.Contains(w.log.String(), "no way to sign out at the provider") {
		t.Error("the log does not tell")
	}
}

// TestHintIsOfThisSession: each browser's sign-out takes the ID token of its own
// sign-in along, not of the last one.
func TestHintIsOfThisSession(t *testing.T) {
	w := policy(t, storetest.New(t), broker.SignOutAlways)
	first := w.member("ada")
	second := w.browser()
	second.walk(second.get("/oauth/login/demo/"), "ada").to("/")
	var hints []string
	for _, b := range []*browser{first, second} {
		kept := b.upstream()
		got := hinted(b.get(b.post("/logout/").want(200).leaves()))
		if got == "" || got != kept.IDToken.Reveal() {
			t.Error("the hint is not that of the session")
		}
		hints = append(hints, got)
	}
	if hints[0] == hints[1] {
		t.Error("both browsers have one hint")
	}

	// Whoever signs in with a password, or at another provider, is not signed out at the first.
	w.user("eve")
	b := w.browser()
	b.signIn("eve")
	b.post("/logout/").to("/logout/")
}

// TestSignOutOfTheOwnSession: the list of sessions is a way to sign out like the
// others.
func TestSignOutOfTheOwnSession(t *testing.T) {
	w := policy(t, storetest.New(t), broker.SignOutAsk)
	b := w.member("ada")
	row, err := b.session()
	must(t, err)
	b.post("/account/settings/sessions/", "sid", row.SID).want(200).says("Sign out at Demo too")
}
