package providers

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"idbroker/providers/providertest"
)

const (
	ghSecret = "github-secret-0123456789"
	ghID     = 9900112
)

var githubAda = providertest.GitHubUser{
	ID: ghID, Login: "ada-example", Name: "Ada Example", PublicEmail: "public@example.com",
	Emails: []providertest.GitHubEmail{
		{Email: "old@example.com"},
		{Email: "second@example.com", Verified: true},
		{Email: "Ada@example.org", Primary: true, Verified: true},
		{Email: "9900112+ada-example@users.noreply.github.com", Verified: true},
	},
}

// newGitHubStage starts a fake with an app and one person, and a registry that
// trusts its addresses.
func newGitHubStage(t testing.TB, change ...func(*App)) (*providertest.GitHub, *Registry, *bytes.Buffer) {
	t.Helper()
	g := providertest.NewGitHub(t)
	g.Register(providertest.GitHubApp{ClientID: "app", Secret: ghSecret, Callbacks: []string{brokerURL + "/oauth/authorized/github/"}})
	g.AddUser(githubAda)
	app := App{ID: "github", Kind: "github", BaseURL: g.URL, ClientID: "app", ClientSecret: ghSecret, EmailTrust: EmailVerified}
	for _, c := range change {
		c(&app)
	}
	r, log := registryOf(t, app)
	return g, r, log
}

func TestGitHubSignIn(t *testing.T) {
	g, r, _ := newGitHubStage(t)
	g.Set(func(s *providertest.GitHubSettings) { s.Issuer = g.SelfIssuer() })
	p := signIn(t, r, "github", g.Visitor(), "ada-example")
	if p.Provider != "github" || p.Issuer != g.URL || p.Subject != "9900112" || p.ClientID != "app" {
		t.Errorf("identity %q %q %q %q", p.Provider, p.Issuer, p.Subject, p.ClientID)
	}
	if p.Username != "ada-example" || p.Name != "Ada Example" || p.ProfileURL != g.URL+"/ada-example" {
		t.Errorf("shown as %q %q %q", p.Username, p.Name, p.ProfileURL)
	}
	if p.Email != "ada@example.org" || !p.EmailVerified {
		t.Errorf("e-mail %q, verified %t", p.Email, p.EmailVerified)
	}
	if string(p.Extra) != `{"id":9900112,"login":"ada-example"}` {
		t.Errorf("extra %s", p.Extra)
	}
	if len(p.Tokens) != 1 || strings.Join(p.Tokens[0].Scopes, " ") != "read:user user:email" || !p.Tokens[0].ExpiresAt.IsZero() || p.Tokens[0].RefreshToken != "" {
		t.Errorf("tokens %+v", p.Tokens)
	}
	sent := g.Exchanges("/login/oauth/access_token")
	if len(sent) != 1 {
		t.Fatalf("%d token requests", len(sent))
	}
	form := sent[0].Form()
	if len(form.Get("code_verifier")) < 43 || form.Get("redirect_uri") != brokerURL+"/oauth/authorized/github/" || form.Get("client_secret") != ghSecret ||
		sent[0].Header.Get("Authorization") != "" || sent[0].Header.Get("Accept") != "application/json" {
		t.Errorf("token request %v %v", sent[0].Header, form)
	}
	for _, e := range g.Exchanges("/user") {
		if e.Header.Get("X-GitHub-Api-Version") != "2022-11-28" || e.Header.Get("User-Agent") == "" || e.Header.Get("Accept") != "application/vnd.github+json" {
			t.Errorf("header %v", e.Header)
		}
	}
}

// The real addresses, over HTTPS and by name.
func TestGitHubRealNames(t *testing.T) {
	for _, tt := range []struct{ site, baseURL string }{{"github.com", ""}, {"octo.ghe.com", "https://octo.ghe.com/"}} {
		t.Run(tt.site, func(t *testing.T) {
			g := providertest.NewGitHubCom(t, tt.site)
			g.Register(providertest.GitHubApp{ClientID: "app", Secret: ghSecret, Callbacks: []string{brokerURL + "/oauth/authorized/github/"}})
			g.AddUser(githubAda)
			g.Set(func(s *providertest.GitHubSettings) { s.Issuer = "https://" + tt.site + "/login/oauth" })
			r, _ := registryOf(t, App{ID: "github", Kind: "github", BaseURL: tt.baseURL, ClientID: "app", ClientSecret: ghSecret})
			r.byID["github"].provider.(*githubProvider).env.client = clientOver(g.Client())
			p := signIn(t, r, "github", g.Visitor(), "ada-example")
			if p.Issuer != "https://"+tt.site || p.Subject != "9900112" || p.Email != "ada@example.org" || !p.EmailVerified {
				t.Errorf("profile %+v", p)
			}
			if err := r.Revoke(context.Background(), "github", p.Tokens); err != nil || g.LiveTokens(ghID) != 0 {
				t.Errorf("Revoke: %v, %d tokens live", err, g.LiveTokens(ghID))
			}
		})
	}
}

func TestGitHubAddresses(t *testing.T) {
	for _, tt := range []struct{ base, site, api string }{
		{"", "https://github.com", "https://api.github.com"},
		{"https://GitHub.com/", "https://github.com", "https://api.github.com"},
		{"https://octo.ghe.com", "https://octo.ghe.com", "https://api.octo.ghe.com"},
		{"https://git.example.org", "https://git.example.org", "https://git.example.org/api/v3"},
		{"https://git.example.org:8443/", "https://git.example.org:8443", "https://git.example.org:8443/api/v3"},
		{"https://ghe.com", "https://ghe.com", "https://ghe.com/api/v3"},
		{"https://evilgithub.com", "https://evilgithub.com", "https://evilgithub.com/api/v3"},
		{"https://api.github.com", "", ""},
		{"https://api.octo.ghe.com", "", ""},
		{"https://git.example.org/api/v3", "", ""},
		{"https://git.example.org/?a=b", "", ""},
		{"http://git.example.org", "", ""},
		{"git.example.org", "", ""},
		{"https://user@git.example.org", "", ""},
		{"https://git.example.org/#x", "", ""},
		{"%zz", "", ""},
	} {
		site, api, err := githubAddresses(tt.base, false)
		if site != tt.site || api != tt.api || (err != nil) != (tt.site == "") {
			t.Errorf("%q: %q %q %v", tt.base, site, api, err)
		}
	}
}

func TestGitHubConfiguration(t *testing.T) {
	good := App{ID: "github", Kind: "github", ClientID: "app", ClientSecret: "s"}
	for _, tt := range []struct {
		name   string
		change func(*App)
		want   string // in the error; "" there is none
	}{
		{"defaults", func(*App) {}, ""},
		{"basic", func(a *App) { a.AuthStyle = AuthBasic }, ""},
		{"no secret", func(a *App) { a.ClientSecret = "" }, "client_secret"},
		{"public client", func(a *App) { a.AuthStyle = AuthNone }, "auth_style"},
		{"issuer", func(a *App) { a.Issuer = "https://github.com" }, "issuer"},
		{"API as base", func(a *App) { a.BaseURL = "https://api.github.com" }, "base_url"},
	} {
		a := good
		tt.change(&a)
		r, err := New(Options{Apps: []App{a}, BaseURL: brokerURL})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err == nil && r.Providers()[0].Title != "GitHub" {
			t.Errorf("%s: %+v", tt.name, r.Providers())
		}
	}
	// What an older configuration has: commas. And whose word counts.
	for _, tt := range []struct{ base, trust, want string }{
		{"", "", EmailVerified}, {"https://octo.ghe.com", "", EmailVerified}, {"https://git.example.org", "", EmailNever},
		{"https://git.example.org", EmailVerified, EmailVerified},
	} {
		a := good
		a.BaseURL, a.EmailTrust, a.Scopes = tt.base, tt.trust, []string{"user,user:email"}
		r, err := New(Options{Apps: []App{a}, BaseURL: brokerURL})
		if err != nil {
			t.Fatal(err)
		}
		p := r.byID["github"].provider.(*githubProvider)
		if p.app.EmailTrust != tt.want || strings.Join(p.oauth.Scopes, " ") != "user user:email" {
			t.Errorf("%q %q: trust %q, scopes %q", tt.base, tt.trust, p.app.EmailTrust, p.oauth.Scopes)
		}
	}
}
