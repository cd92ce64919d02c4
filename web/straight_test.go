package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/linking"
	"idbroker/providers/providertest"
)

// straight is a world that sends people straight to demo.
func straight(t *testing.T, edit ...func(*Options)) *world {
	return newWorld(t, append([]func(*Options){func(o *Options) { o.StraightTo, o.NoPasswords = "demo", true }}, edit...)...)
}

// TestStraightTo: who goes straight to a provider, and who sees the page.
func TestStraightTo(t *testing.T) {
	for _, tt := range []struct {
		name     string
		to       string
		password bool // passwords are on
		path     string
		want     string // where the answer leads; "" the page
	}{
		{"nobody", "", false, "/login/", ""},
		{"the only one of two", StraightToOnly, false, "/login/", ""},
		{"a named one", "demo", false, "/login/", "/oauth/login/demo/"},
		{"a named one, beside passwords", "demo", true, "/login/", "/oauth/login/demo/"},
		{"on the way somewhere", "demo", false, "/login/?next=%2Faccount%2Fsettings%2Fprofile%2F%3Fa%3Db%2526c", "/oauth/login/demo/?next=%2Faccount%2Fsettings%2Fprofile%2F%3Fa%3Db%2526c"},
		{"on the way elsewhere", "demo", false, "/login/?next=https%3A%2F%2Fevil.example", "/oauth/login/demo/"},
		{"who chooses", "demo", false, "/login/?choose=1", ""},
		{"who switches", "demo", false, "/login/?switch=1", ""},
		{"who searches", "demo", false, "/login/?q=oth", ""},
		{"a hidden one", "gone", false, "/login/", ""},
		{"one that is not there", "none", false, "/login/", ""},
		{"an application's request", "demo", false, authorize(), "/oauth/login/demo/?login="},
		{"an application's choice", "", false, authorize("idp_hint", "other"), "/oauth/login/other/?login="},
		{"an application's choice, in Keycloak's words", "", true, authorize("kc_idp_hint", "other"), "/oauth/login/other/?login="},
		{"an application's choice before ours", "demo", false, authorize("idp_hint", "other"), "/oauth/login/other/?login="},
		{"an application's choice of a hidden one", "", false, authorize("idp_hint", "gone"), "/login/?login="},
		{"an application's choice of nothing", "", false, authorize("idp_hint", "../../logout"), "/login/?login="},
		{"the person must choose", "demo", false, authorize("prompt", "select_account"), "/login/?login="},
		{"the person must choose, whatever the application prefers", "", false, authorize("prompt", "login select_account", "idp_hint", "demo"), "/login/?login="},
		{"nobody may be asked", "demo", false, authorize("prompt", "none", "idp_hint", "demo"), callbackURL + "?error=login_required"},
	} {
		w := newWorld(t, func(o *Options) { o.StraightTo, o.NoPasswords = tt.to, !tt.password })
		w.client()
		a := w.browser().get(tt.path)
		if tt.want == "" && a.status != http.StatusOK || tt.want != "" && !strings.HasPrefix(a.location, tt.want) {
			t.Errorf("%s: %d, leads to %q, want %q", tt.name, a.status, a.location, tt.want)
		}
	}
}

// TestStraightToTheOnlyOne: there is nothing to choose where passwords are off and
// one provider is offered; with passwords there is.
func TestStraightToTheOnlyOne(t *testing.T) {
	for _, passwords := range []bool{false, true} {
		w := newWorld(t, func(o *Options) { o.StraightTo, o.NoPasswords = StraightToOnly, !passwords })
		w.linkOnly("other", "campus")
		if a := w.browser().get("/login/"); (a.location == "/oauth/login/demo/") == passwords {
			t.Errorf("passwords %v: %d, leads to %q", passwords, a.status, a.location)
		}
	}
}

// TestStraightAllTheWay: people arrive, consent is asked for as ever, and who is
// signed in is not sent anywhere.
func TestStraightAllTheWay(t *testing.T) {
	w := straight(t)
	w.client()
	w.member("ada")
	b := w.browser()
	a := b.walk(b.get(b.get(authorize("idp_hint", "demo")).to("/oauth/login/demo/").location), "ada")
	if a.to("/consent/"); w.op.Requests(providertest.Authorize) == nil {
		t.Fatal("nobody came to the provider")
	}
	if code := b.post(a.location, "decision", "allow").param("code"); code == "" {
		t.Error("no code")
	}
	if again := b.get(authorize("idp_hint", "other")); again.param("code") == "" {
		t.Errorf("signed in, and sent to %q", again.location)
	}
	if a := b.get("/login/"); a.location != "/" {
		t.Errorf("signed in, and sent to %q", a.location)
	}
}

// TestNoLoopThroughAProvider is the attack: a provider, or what stands between, that
// never lets anybody in. However it fails, the browser comes to rest on a page at
// once, the next page is one to choose on, and so it is for an application that
// sends the browser back at once.
func TestNoLoopThroughAProvider(t *testing.T) {
	for name, tt := range map[string]struct {
		fails    func(op *providertest.OpenID)
		callback func(u *url.URL)
	}{
		"down":              {fails: func(op *providertest.OpenID) { op.Fail(providertest.Discovery, down, down, down, down) }},
		"declines":          {callback: failing("access_denied")},
		"wants a new start": {callback: failing("login_required")},
		"is overloaded":     {callback: failing("temporarily_unavailable")},
		"says nothing":      {callback: func(u *url.URL) { u.RawQuery = "" }},
		"says it twice":     {callback: func(u *url.URL) { u.RawQuery += "&state=x" }},
		"lies":              {fails: func(op *providertest.OpenID) { op.Switch(func(s *providertest.Switches) { s.Lie = "nonce other" }) }},
	} {
		for _, path := range []string{"/login/?next=%2Faccount%2Fsettings%2Fprofile%2F", authorize(), authorize("idp_hint", "demo", "prompt", "login")} {
			w := straight(t)
			w.client()
			if tt.fails != nil {
				tt.fails(w.op)
			}
			b := w.browser()
			a := b.rest(b.get(path), tt.callback)
			if a.status < 400 || a.status == http.StatusInternalServerError {
				t.Errorf("%s, %.20s: %d, leads to %q", name, path, a.status, a.location)
				continue
			}
			// By hand, by the page's own way on, and by the application: now they choose.
			for _, next := range []string{"/login/", wayOn(a.body), path} {
				if a := b.follows(b.get(next)); a.status != http.StatusOK || !strings.Contains(a.body, `href="/oauth/login/other/`) {
					t.Errorf("%s, %.20s: then %.30s: %d, leads to %q", name, path, next, a.status, a.location)
				}
			}
		}
	}
}

// TestSignOutIsNotUndone: a session at the provider does not sign somebody in who has
// just signed out; who then chooses goes straight again the next time.
func TestSignOutIsNotUndone(t *testing.T) {
	w := straight(t)
	b := w.member("ada")
	b.post("/logout/").want(http.StatusOK).says("You are signed out")
	if a := b.get("/login/"); a.status != http.StatusOK {
		t.Fatalf("signed out, and sent to %q", a.location)
	}
	b.walk(b.get("/oauth/login/demo/"), "ada").to("/")
	if b.cookie(chooseCookie) != "" {
		t.Error("the browser still chooses")
	}
	if a := w.browser().get("/login/"); a.location != "/oauth/login/demo/" {
		t.Errorf("another browser: %d %q", a.status, a.location)
	}
}

var down = providertest.Failure{Status: http.StatusInternalServerError, Body: "{}"}

func failing(code string) func(u *url.URL) {
	return func(u *url.URL) {
		q := u.Query()
		q.Del("code")
		q.Set("error", code)
		u.RawQuery = q.Encode()
	}
}

// follows follows redirects within the broker; twenty are a loop.
func (b *browser) follows(a answer) answer {
	b.w.t.Helper()
	for range 20 {
		if !strings.HasPrefix(a.location, "/") {
			return a
		}
		a = b.get(a.location)
	}
	b.w.t.Fatal("a loop")
	return a
}

// rest follows redirects, through the provider too, until the browser rests.
func (b *browser) rest(a answer, change func(u *url.URL)) answer {
	b.w.t.Helper()
	for range 20 {
		a = b.follows(a)
		if !strings.HasPrefix(a.location, b.w.op.URL) {
			return a
		}
		back := b.w.op.Walk(b.w.t, a.location, "ada")
		if change != nil {
			change(back)
		}
		a = b.callback(back)
	}
	b.w.t.Fatal("a loop through the provider")
	return a
}

// wayOn is the first link of an error page that leads to a sign-in; the sign-in page
// where there is none.
func wayOn(page string) string {
	_, rest, ok := strings.Cut(page, `href="/login/`)
	if !ok {
		return "/login/"
	}
	link, _, _ := strings.Cut(rest, `"`)
	return "/login/" + strings.ReplaceAll(link, "&amp;", "&")
}

// linkOnly makes providers of the world some that nobody signs in with.
func (w *world) linkOnly(ids ...string) {
	w.t.Helper()
	w.server.linker = linking.New(w.db, linkOnlyApps{w.apps, ids}, linking.Options{Issuer: w.url})
}

// linkOnlyApps are the configured apps, some of which are for linking alone.
type linkOnlyApps struct {
	linking.Apps
	ids []string
}

func (a linkOnlyApps) Providers() []broker.Provider {
	all := a.Apps.Providers()
	for i := range all {
		all[i].LinkOnly = all[i].LinkOnly || slices.Contains(a.ids, all[i].ID)
	}
	return all
}

// TestApplicationsWishesReachTheProvider, as far as the operator forwards them; and
// a journey that no application asked for has none.
func TestApplicationsWishesReachTheProvider(t *testing.T) {
	w := newWorld(t)
	w.client()
	var told broker.BeginOptions
	w.server.linker = linking.New(w.db, listeningApps{w.apps, &told}, linking.Options{Issuer: w.url})
	b := w.browser()
	for _, tt := range []struct {
		path string
		want broker.BeginOptions
	}{
		{authorize("login_hint", "ada@example.org", "acr_values", "gold", "max_age", "60", "prompt", "select_account"), broker.BeginOptions{Prompt: "login", LoginHint: "ada@example.org", ACRValues: "gold", MaxAge: "60"}},
		{authorize("prompt", "login"), broker.BeginOptions{Prompt: "login"}},
		{authorize("prompt", "select_account"), broker.BeginOptions{Prompt: "login", Choose: true}},
		{authorize("prompt", "login select_account"), broker.BeginOptions{Prompt: "login"}},
		{authorize(), broker.BeginOptions{}},
		{"/login/?next=%2Faccount%2Fsettings%2Fprofile%2F", broker.BeginOptions{}},
	} {
		login := b.get(tt.path).to("/login/?login=").param("login")
		b.get("/oauth/login/demo/?login=" + login).to(w.op.URL)
		if told.UILocales = ""; told != tt.want {
			t.Errorf("%s: told %+v, want %+v", tt.path, told, tt.want)
		}
	}
}

// listeningApps are the configured apps, and what they are told at a beginning.
type listeningApps struct {
	linking.Apps
	told *broker.BeginOptions
}

func (a listeningApps) Begin(ctx context.Context, id, state string, o broker.BeginOptions) (broker.Outward, error) {
	*a.told = o
	return a.Apps.Begin(ctx, id, state, o)
}
