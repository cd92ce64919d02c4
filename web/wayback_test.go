package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/providers"
	"idbroker/providers/providertest"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// campus lets in by the domain of an address alone.
var campus = []providers.App{{ID: "campus", Title: "Campus", AllowedDomains: []string{"uni.example"}}}

// waysOf are the ways on that a page offers: "GET /path" or "POST /path" by label.
func waysOf(t *testing.T, a answer) (labels []string, to map[string]string) {
	t.Helper()
	to = map[string]string{}
	for _, n := range nodes(parse(t, a.body)) {
		if !inside(n, "main") {
			continue
		}
		way := ""
		switch n.Data {
		case "a":
			way = "GET " + val(n, "href")
		case "button":
			form := n.Parent
			way = "POST " + val(form, "action")
			for _, f := range nodes(form) {
				if f.Data == "input" {
					way += " " + val(f, "name") + "=" + val(f, "value")
				}
			}
		default:
			continue
		}
		labels = append(labels, textOf(n))
		to[textOf(n)] = way
	}
	return labels, to
}

// TestProviderTroubleHasItsOwnWords: what went wrong at a provider is told apart,
// nobody is signed in by it, and the way on begins the same journey anew.
func TestProviderTroubleHasItsOwnWords(t *testing.T) {
	for name, tt := range map[string]struct {
		set    func(w *world)
		app    string // "" demo
		who    string
		status int
		says   string
		again  string // label of the first way
	}{
		"declined":     {who: "", status: 403, says: "You didn’t go on at Demo", again: "Try again"},
		"down":         {set: fails(providertest.Failure{Status: 503}), who: "bob", status: 503, says: "Demo is out of order", again: "Try again"},
		"slow":         {set: fails(providertest.Failure{Delay: 12 * time.Second}), who: "bob", status: 503, says: "Demo takes too long", again: "Try again"},
		"broken":       {set: fails(providertest.Failure{HTML: true}), who: "bob", status: 502, says: "We can’t make sense of Demo’s answer", again: "Try again"},
		"forged":       {set: func(w *world) { w.op.LieAbout(w.t, "unknown kid") }, who: "bob", status: 502, says: "Demo gave an answer that we can’t trust", again: "Try again"},
		"not admitted": {app: "campus", who: "bob", status: 403, says: "not one of an organisation that may come in", again: "Use another Campus account"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := crowdedWorld(t, storetest.New(t), tokens.Options{}, campus, func(o *Options) { o.Brand.Help = "mailto:help@commons.example?subject=Help" })
			w.client()
			b := w.browser()
			login := b.get(authorize()).param("login")
			if tt.set != nil {
				tt.set(w)
			}
			start := "/oauth/login/" + or(tt.app, "demo") + "/?login=" + login
			a := b.walk(b.get(start), tt.who).want(tt.status).says(tt.says).says("Write to help@commons.example")
			b.nobody()
			labels, to := waysOf(t, a)
			if labels[0] != tt.again || !strings.HasPrefix(to[tt.again], "GET "+start) || to["Sign in another way"] != "GET /login/?login="+login {
				t.Fatalf("ways on %v %v", labels, to)
			}
			w.op.Heal()
			w.op.Switch(func(s *providertest.Switches) { s.Lie = "" })
			again := b.get(strings.TrimPrefix(to[tt.again], "GET ")).to(w.op.URL)
			if prompt := again.param("prompt"); (prompt == "select_account") != (tt.app == "campus") {
				t.Errorf("prompt %q", prompt)
			}
			if tt.app == "" {
				got := b.walk(again, "bob").to("/oauth/signup/demo/")
				if got.param("login") != login {
					t.Errorf("the login is another one: %s", got.location)
				}
			}
		})
	}
}

func fails(f providertest.Failure) func(*world) {
	return func(w *world) { w.op.Fail(providertest.Token, f) }
}

// TestProviderIsDownAtTheStart: who cannot even leave is told the same, with the
// same ways on, for each purpose.
func TestProviderIsDownAtTheStart(t *testing.T) {
	w := newWorld(t)
	w.user("eve")
	b := w.browser()
	w.op.Fail(providertest.Discovery, providertest.Failure{Status: 500}, providertest.Failure{Status: 500}, providertest.Failure{Status: 500})
	a := b.get("/oauth/login/demo/?next=/account/settings/profile/").want(503).says("Demo is out of order")
	if labels, to := waysOf(t, a); labels[0] != "Try again" || to["Try again"] != "GET /oauth/login/demo/?next=%2Faccount%2Fsettings%2Fprofile%2F" {
		t.Errorf("ways on %v %v", labels, to)
	}
	b.signIn("eve")
	a = b.post("/oauth/login/demo/").want(503)
	if labels, to := waysOf(t, a); labels[0] != "Try again" || to["Try again"] != "POST /oauth/login/demo/" || labels[1] != "To your settings" {
		t.Errorf("ways on %v %v", labels, to)
	}
	if csp := a.header.Get("Content-Security-Policy"); strings.Contains(csp, "form-action") {
		t.Errorf("the form cannot reach the provider: %s", csp)
	}
}

// TestTakenIdentityLeadsOn: the page of an identity that opens another account
// leads to that account, where it can be unlinked, and back.
func TestTakenIdentityLeadsOn(t *testing.T) {
	w := newWorld(t)
	owner := w.member("bob")
	owner.walk(owner.post("/oauth/login/other/"), "bob").to(linkedAccountsPath)
	eve := w.user("eve")
	b := w.browser()
	b.signIn("eve")
	a := b.walk(b.post("/oauth/login/demo/"), "bob").want(409).says("sign in to the other one").says("open the mail that we sent about it")
	labels, to := waysOf(t, a)
	if labels[0] != "Sign in to the other account" || to["Use another Demo account"] != "POST /oauth/login/demo/ choose=1" || to["To your settings"] != "GET "+linkedAccountsPath {
		t.Fatalf("ways on %v %v", labels, to)
	}
	if got := b.post("/oauth/login/demo/", "choose", "1").to(w.op.URL).param("prompt"); got != "select_account" {
		t.Errorf("prompt %q", got)
	}
	page, at := b.follow(b.get(strings.TrimPrefix(to[labels[0]], "GET ")))
	page.want(200).says("Continue with Demo")
	u, err := url.Parse(at)
	must(t, err)
	b.walk(b.get("/oauth/login/demo/?login="+u.Query().Get("login")), "bob").to(linkedAccountsPath)
	bob, err := w.db.UserByEmail(t.Context(), "bob@example.org")
	must(t, err)
	identities, err := w.db.IdentitiesOf(t.Context(), bob.ID)
	must(t, err)
	b.post("/oauth/disconnect/demo/", "identity", identities[0].ID).to(linkedAccountsPath)
	b.post("/login/?switch=1", "email", eve.Email, "password", password).to("/")
	b.walk(b.post("/oauth/login/demo/"), "bob").to(linkedAccountsPath)
	if all, err := w.db.IdentitiesOf(t.Context(), eve.ID); err != nil || len(all) != 1 {
		t.Errorf("identities %v, %v", all, err)
	}
}

// TestCallbackLoadedAgain: reload and the back button do nothing twice. Who is
// signed in meanwhile is led on, who is not sees where it goes on.
func TestCallbackLoadedAgain(t *testing.T) {
	w := newWorld(t)
	w.member("ada")
	w.client()
	b := w.browser()
	u := w.op.Walk(t, b.get("/oauth/login/demo/?next="+url.QueryEscape(securityPath)).location, "ada")
	b.callback(u).to(securityPath)
	sid := b.cookie(sessionCookie)
	b.callback(u).to(securityPath)
	if b.cookie(sessionCookie) != sid {
		t.Error("the reload began another session")
	}

	// Within an application's sign-in: to the step that waits, then to the page
	// that says it is over.
	b = w.browser()
	login := b.get(authorize()).param("login")
	u = w.op.Walk(t, b.get("/oauth/login/demo/?login="+login).location, "ada")
	b.callback(u).to("/consent/?login=" + login)
	again := b.callback(u).to("/login/?login=" + login)
	b.get(again.location).to("/consent/?login=" + login)
	w.redeem(b.post("/consent/", "login", login, "decision", "allow"))
	page, _ := b.follow(b.callback(u))
	page.want(410).says("complete already").says("Go on")

	// Nobody yet: the sign-up form waits.
	b = w.browser()
	login = b.get(authorize()).param("login")
	u = w.op.Walk(t, b.get("/oauth/login/demo/?login="+login).location, "bob")
	b.callback(u).to("/oauth/signup/demo/")
	page = b.callback(u).want(http.StatusGone).says("This step is done already")
	labels, to := waysOf(t, page)
	if labels[0] != "Go on" || to["Go on"] != "GET /oauth/signup/demo/?login="+login {
		t.Errorf("ways on %v %v", labels, to)
	}
	b.nobody()

	// A link that was made: nothing twice.
	b = w.browser()
	w.user("eve")
	b.signIn("eve")
	u = w.op.Walk(t, b.post("/oauth/login/demo/").location, "bob")
	b.callback(u).to(linkedAccountsPath)
	b.callback(u).want(http.StatusGone).says("This step is done already").says("To your settings")
}
