package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"idbroker/broker"
	"idbroker/providers"
	"idbroker/providers/providertest/oidcprovider"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// realWorld is a broker whose provider "demo" is npm's oidc-provider, with Ada's
// account, which her identity there opens.
func realWorld(t testing.TB, db *store.DB, p broker.SignOut) (w *world, issuer string) {
	t.Helper()
	w = worldOf(t, db, tokens.Options{}, nil, func(base string, a *providers.App) {
		if a.ID != "demo" {
			return
		}
		issuer = oidcprovider.Start(t, "../providers/providertest/oidcprovider", nil, "server.mjs",
			base+"/oauth/authorized/demo/", base+"/oauth/signed-out/demo/", base+"/oauth/backchannel/demo/")
		a.Issuer, a.ClientID, a.ClientSecret, a.SignOut = issuer, "my-broker", "a-secret-of-the-test-0123456789", p
	})
	u := w.user("ada")
	must(t, db.CreateIdentity(t.Context(), broker.UserIdentity{ID: broker.NewID(), UserID: u.ID, Provider: "demo", Issuer: issuer, Subject: "ada", CreatedAt: time.Now()}))
	return w, issuer
}

var (
	foreignForm   = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	foreignHidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// through walks over pages of a provider that we did not write, from an address
// of it until it sends the browser back to us, filling in every form with fill, and
// returns what we answer. pages are how many had a form; where the walk ends on a page without
// one, back is false.
func (b *browser) through(address string, fill ...string) (a answer, pages int, back bool) {
	b.w.t.Helper()
	req, err := http.NewRequest(http.MethodGet, address, nil)
	must(b.w.t, err)
	for range 12 {
		a = b.do(req)
		at := req.URL
		if a.status/100 == 3 {
			to, err := at.Parse(a.header.Get("Location"))
			must(b.w.t, err)
			if path, ours := strings.CutPrefix(to.String(), b.w.url); ours {
				return b.get(path), pages, true
			}
			req, _ = http.NewRequest(http.MethodGet, to.String(), nil)
			continue
		}
		action := foreignForm.FindStringSubmatch(a.body)
		if action == nil {
			return a, pages, false
		}
		pages++
		values := form(fill...)
		for _, m := range foreignHidden.FindAllStringSubmatch(a.body, -1) {
			values.Set(m[1], m[2])
		}
		to, err := at.Parse(action[1])
		must(b.w.t, err)
		req, _ = http.NewRequest(http.MethodPost, to.String(), strings.NewReader(values.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	b.w.t.Fatal("pages without end")
	return a, pages, false
}

// comesIn signs Ada in by the provider, and tells on how many of its pages.
func (b *browser) comesIn() int {
	b.w.t.Helper()
	a, pages, back := b.through(b.get("/oauth/login/demo/").location, "login", "ada", "password", "any")
	if _, err := b.session(); !back || err != nil {
		b.w.t.Fatalf("not signed in: %v, %d %s", err, a.status, text(a.body))
	}
	return pages
}

// TestRealProviderSignsOutBothWays: npm's oidc-provider, which others certified,
// takes our request and sends us its word.
func TestRealProviderSignsOutBothWays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, issuer := realWorld(t, db, broker.SignOutAlways)
		w.client()
		b, phone := w.browser(), w.browser()
		first := b.comesIn()
		phone.comesIn()
		if b.upstream().SID == "" || b.upstream().SID == phone.upstream().SID {
			t.Error("it tells no sessions apart")
		}

		// From the application, through us and the provider, and back.
		request := url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {"https://app.example/bye"}, "state": {"s"}}.Encode()
		way := b.post("/logout/", "request", request).want(200).leaves()
		out := b.get(way)
		a, pages, back := b.through(out.location, "logout", "yes")
		if !back || pages != 1 {
			t.Fatalf("%v after %d pages: %d %s", back, pages, a.status, text(a.body))
		}
		a.to("https://app.example/bye?state=s")
		if in(b, phone) != "01" {
			t.Errorf("signed in: %s", in(b, phone))
		}
		if again := b.comesIn(); again < first-1 || again == 0 { // it asks for the password again; consent stays
			t.Errorf("%d pages the first time, %d after the sign-out", first, again)
		}

		// Somebody signs out there: our session of that browser ends, the other's not.
		if _, pages, _ := phone.through(issuer+"/session/end", "logout", "yes"); pages == 0 {
			t.Error("it asked nothing")
		}
		for end := time.Now().Add(time.Minute); in(phone) == "1" && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		}
		if in(b, phone) != "10" {
			t.Errorf("signed in: %s; the log:\n%s", in(b, phone), w.log)
		}
		if strings.Contains(w.log.String(), "logout token refused") {
			t.Error("a logout token was refused")
		}
	})
}

// TestSignOutJourneyInChromium: what a person sees and presses. The other direction
// shows them nothing: TestRealProviderSignsOutBothWays has it.
func TestSignOutJourneyInChromium(t *testing.T) {
	ctx := chromium(t)
	w, issuer := realWorld(t, storetest.New(t), broker.SignOutAsk)
	// The provider shows its pages on the way in: sign in, and say yes.
	in := func() []chromedp.Action[chromedp.Void] {
		return []chromedp.Action[chromedp.Void]{
			chromedp.Navigate(w.url + "/oauth/login/demo/"),
			chromedp.WaitVisible(chromedp.CSS(`input[name=login]`)),
			chromedp.SendKeys(chromedp.CSS(`input[name=login]`), "ada"),
			chromedp.SendKeys(chromedp.CSS(`input[name=password]`), "any"),
			chromedp.Click(chromedp.CSS(`button[type=submit]`)),
			chromedp.WaitNotPresent(chromedp.CSS(`input[name=login]`)),
		}
	}
	// Consent is asked the first time. The page is looked at and its form sent in one
	// step, since a page that is going gives way between two.
	const agree = `(() => { const p = document.querySelector("input[name=prompt][value=consent]"); if (p && !p.form.dataset.sent) { p.form.dataset.sent = "1"; p.form.requestSubmit(); } return document.readyState === "complete" ? location.href : ""; })()`
	yes := func() {
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			where, err := chromedp.Run(ctx, chromedp.Evaluate[string](agree))
			if err == nil && strings.HasPrefix(where, w.url) {
				return
			}
		}
		t.Fatal("the provider does not send the person back")
	}
	must(t, chromedp.Do(ctx, in()...))
	yes()
	must(t, chromedp.Do(ctx,
		chromedp.Navigate(w.url+"/logout/"),
		chromedp.Click(chromedp.CSS(`form[action="/logout/"] button`)),
		chromedp.WaitVisible(chromedp.CSS(`a[href^="/oauth/sign-out/demo/"]`)),
		chromedp.Click(chromedp.CSS(`a[href^="/oauth/sign-out/demo/"]`)),
		chromedp.WaitVisible(chromedp.CSS(`button[name=logout][value=yes]`)), // the provider's page
	))
	where, err := chromedp.Run(ctx, chromedp.Location())
	must(t, err)
	if !strings.HasPrefix(where, issuer+"/session/end?") || !strings.Contains(where, "id_token_hint=") {
		t.Errorf("at %s", where)
	}
	must(t, chromedp.Do(ctx,
		chromedp.Click(chromedp.CSS(`button[name=logout][value=yes]`)),
		chromedp.WaitVisible(chromedp.CSS(`a[href="/login/"]`)),
	))
	if where, err = chromedp.Run(ctx, chromedp.Location()); err != nil || where != w.url+"/logout/" {
		t.Errorf("back at %s, %v", where, err)
	}
}
