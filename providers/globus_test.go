package providers

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

const (
	globusSecretText = "globus-secret-0123456789"
	jane             = "8b1f3c0a-1111-4222-8333-444455556666"
	janeAtORCID      = "99990000-aaaa-4bbb-8ccc-dddd22223333"
	invited          = "77770000-aaaa-4bbb-8ccc-dddd22223333"
	university       = "aaaabbbb-cccc-4ddd-8eee-ffff00001111"
	orcidIdP         = "aaaabbbb-cccc-4ddd-8eee-ffff00002222"
)

// newGlobusStage starts a fake with a client and an account of three linked
// identities, of which one never signed in, and a registry.
func newGlobusStage(t testing.TB, change ...func(*App, *providertest.GlobusClient)) (*providertest.Globus, *Registry, *bytes.Buffer) {
	t.Helper()
	g := providertest.NewGlobus(t)
	client, people := globusPeople()
	app := App{ID: "globus", Kind: "globus", Issuer: g.URL, ClientID: client.ID, ClientSecret: globusSecretText}
	for _, c := range change {
		c(&app, &client)
	}
	g.Register(client)
	g.AddAccount(people...)
	r, log := registryOf(t, app)
	return g, r, log
}

func globusPeople() (providertest.GlobusClient, []providertest.GlobusIdentity) {
	return providertest.GlobusClient{ID: "c0ffee00-0000-4000-8000-000000000001", Secret: globusSecretText, RedirectURIs: []string{brokerURL + "/oauth/authorized/globus/"}},
		[]providertest.GlobusIdentity{
			{ID: jane, Username: "jane@example.edu", Name: "Jane Example", Email: "Jane@example.edu", Organization: "Example University", IdP: university, IdPName: "Example University"},
			{ID: janeAtORCID, Username: "0000-0001-2345-6789@orcid.org", Name: "Jane Example", IdP: orcidIdP, IdPName: "ORCID", LastAuthentication: time.Now().Add(-time.Hour)},
			{ID: invited, Username: "victim@example.org", Name: "Victim", Email: "victim@example.org", IdP: "aaaabbbb-cccc-4ddd-8eee-ffff00003333"},
		}
}

func TestGlobusSignIn(t *testing.T) {
	g, r, _ := newGlobusStage(t)
	p := signIn(t, r, "globus", g.Visitor(), jane)
	if p.Provider != "globus" || p.Issuer != g.URL || p.Subject != jane || p.Username != "jane@example.edu" || p.Name != "Jane Example" {
		t.Errorf("profile %+v", p)
	}
	if p.Email != "jane@example.edu" || p.EmailVerified {
		t.Errorf("e-mail %q, verified %t: Globus proves none", p.Email, p.EmailVerified)
	}
	tok := p.Tokens[0]
	if left := time.Until(tok.ExpiresAt); len(p.Tokens) != 1 || tok.Kind != "" || tok.RefreshToken != "" || tok.IDToken == "" ||
		strings.Join(tok.Scopes, " ") != "openid email profile" || left < 47*time.Hour || left > 48*time.Hour {
		t.Errorf("tokens %+v", p.Tokens)
	}
	var extra map[string]any
	if json.Unmarshal(p.Extra, &extra) != nil || extra["identity_provider"] != university || extra["organization"] != "Example University" || extra["linked"] != nil {
		t.Errorf("extra %s", p.Extra)
	}
	sent := g.Exchanges("/v2/oauth2/token")
	if len(sent) != 1 || !strings.HasPrefix(sent[0].Header.Get("Authorization"), "Basic ") || sent[0].Form().Has("client_secret") || len(sent[0].Form().Get("code_verifier")) < 43 {
		t.Errorf("token requests %v", sent)
	}
	if asked := g.Exchanges("/authorize")[0].Query; asked.Get("nonce") == "" || asked.Get("code_challenge_method") != "S256" || asked.Has("access_type") {
		t.Errorf("authorization request %v", asked)
	}
}

// The real names, over HTTPS.
func TestGlobusRealNames(t *testing.T) {
	g := providertest.NewGlobusOrg(t)
	client, people := globusPeople()
	g.Register(client)
	g.AddAccount(people...)
	r, _ := registryOf(t, App{ID: "globus", Kind: "globus", ClientID: client.ID, ClientSecret: globusSecretText})
	p := r.byID["globus"].provider.(*globusProvider)
	p.env.client = clientOver(g.Client())
	p.dir = newDirectory(p.app.Issuer, p.env, nil)
	got := signIn(t, r, "globus", g.Visitor(), jane)
	if got.Issuer != "https://auth.globus.org" || got.Subject != jane {
		t.Errorf("profile %+v", got)
	}
	if err := r.Revoke(context.Background(), "globus", got.Tokens); err != nil || g.LiveTokens(jane) != 0 {
		t.Errorf("Revoke: %v, %d live", err, g.LiveTokens(jane))
	}
}

func withGroups(a *App, _ *providertest.GlobusClient) {
	a.Scopes = []string{"openid", "email", "profile", providertest.GlobusViewIdentities, providertest.GlobusViewGroups}
	a.AuthParams = map[string]string{"access_type": "offline"}
}

// Tokens come in any order; the one for Globus Auth is the main one.
func TestGlobusOtherTokens(t *testing.T) {
	for _, last := range []bool{false, true} {
		g, r, _ := newGlobusStage(t, withGroups)
		g.Set(func(s *providertest.GlobusSettings) { s.AuthTokenLast = last })
		p := signIn(t, r, "globus", g.Visitor(), jane)
		if len(p.Tokens) != 2 || p.Tokens[0].Kind != "" || p.Tokens[1].Kind != "groups.api.globus.org" {
			t.Fatalf("last %t: tokens %+v", last, p.Tokens)
		}
		main, groups := p.Tokens[0], p.Tokens[1]
		if main.IDToken == "" || groups.IDToken != "" || main.RefreshToken == "" || groups.RefreshToken == "" || main.RefreshToken == groups.RefreshToken ||
			strings.Join(groups.Scopes, " ") != providertest.GlobusViewGroups || len(main.Scopes) != 4 || time.Until(groups.ExpiresAt) < 47*time.Hour || groups.TokenType != "Bearer" {
			t.Errorf("last %t: %+v %+v", last, main, groups)
		}
		// Each is for its own server.
		c := r.byID["globus"].provider.(*globusProvider).env.client
		for _, tt := range []struct {
			token broker.Secret
			want  int
		}{{groups.AccessToken, 200}, {main.AccessToken, 403}, {"", 401}} {
			if a, err := c.get(context.Background(), g.GroupsAPI()+"/v2/groups/my_groups", tt.token, ""); err != nil || a.Status != tt.want {
				t.Errorf("groups: %d %v, want %d", a.Status, err, tt.want)
			}
		}
		for range 2 {
			if err := r.Revoke(context.Background(), "globus", p.Tokens); err != nil || g.LiveTokens(jane) != 0 {
				t.Errorf("Revoke: %v, %d live", err, g.LiveTokens(jane))
			}
		}
		if _, err := r.byID["globus"].provider.RefreshToken(groups.RefreshToken.Reveal()); err == nil {
			t.Error("a revoked refresh token works")
		}
	}
}

// Who was only invited has proven nothing: such identities are not even kept.
func TestGlobusIdentitySet(t *testing.T) {
	g, r, _ := newGlobusStage(t, withGroups)
	p := signIn(t, r, "globus", g.Visitor(), jane)
	if s := string(p.Extra); !strings.Contains(s, janeAtORCID) || strings.Contains(s, invited) || strings.Contains(s, "victim") {
		t.Errorf("extra %s", s)
	}
	if p.AuthTime.IsZero() || time.Since(p.AuthTime) > time.Minute {
		t.Errorf("auth time %s", p.AuthTime)
	}
}

// Without a required provider the subject follows the primary identity; with one
// it stays.
func TestGlobusEffectiveIdentity(t *testing.T) {
	g, r, _ := newGlobusStage(t)
	v := g.Visitor()
	signIn(t, r, "globus", v, jane)
	g.SetPrimary(janeAtORCID)
	if p := signIn(t, r, "globus", v, jane); p.Subject != janeAtORCID || p.Email != "" {
		t.Errorf("subject %s, e-mail %q", p.Subject, p.Email)
	}

	required := func(a *App, c *providertest.GlobusClient) {
		a.RequiredIdentityProvider, c.RequiredIdP = university, university
	}
	g, r, _ = newGlobusStage(t, required)
	g.SetPrimary(janeAtORCID)
	if p := signIn(t, r, "globus", g.Visitor(), janeAtORCID); p.Subject != jane {
		t.Errorf("subject %s", p.Subject)
	}
	g.Unlink(jane)
	out, _ := begin(t, r, "globus", "st", broker.BeginOptions{})
	w := g.Visitor()
	if u, _ := w.Open(out.URL); u != nil {
		t.Fatalf("sent to %s", u)
	}
	if u, _ := w.Send(out.URL, map[string][]string{"person": {janeAtORCID}, "decision": {"allow"}}); u != nil {
		t.Errorf("sent back without an identity of the required provider: %s", u)
	}

	// The registration at Globus was changed behind our back.
	g, r, _ = newGlobusStage(t, func(a *App, _ *providertest.GlobusClient) { a.RequiredIdentityProvider = university })
	g.SetPrimary(janeAtORCID)
	_, err := complete(r, visit(t, r, "globus", g.Visitor(), janeAtORCID))
	wantRefusal(t, err, ErrNotAllowed)
	if g.LiveTokens(janeAtORCID) != 0 {
		t.Error("tokens of a refused sign-in live on")
	}
}

func TestGlobusEmailTrust(t *testing.T) {
	for _, tt := range []struct {
		trust   string
		domains []string
		told    any // email_verified; nil absent
		want    bool
	}{
		{"", nil, nil, false}, {"", nil, true, false}, {EmailVerified, nil, nil, false}, {EmailVerified, nil, "true", false}, {EmailVerified, nil, true, true},
		{EmailAlways, nil, nil, true}, {EmailAlways, []string{"example.edu"}, nil, true}, {EmailAlways, []string{"example.com"}, nil, false},
	} {
		g, r, _ := newGlobusStage(t, func(a *App, _ *providertest.GlobusClient) { a.EmailTrust, a.EmailDomains = tt.trust, tt.domains })
		if tt.told != nil {
			g.Set(func(s *providertest.GlobusSettings) {
				s.Claims = func(c map[string]any) { c["email_verified"] = tt.told }
			})
		}
		if p := signIn(t, r, "globus", g.Visitor(), jane); p.EmailVerified != tt.want || p.Email != "jane@example.edu" {
			t.Errorf("%+v: %q %t", tt, p.Email, p.EmailVerified)
		}
	}
}

func TestGlobusRefresh(t *testing.T) {
	g, r, _ := newGlobusStage(t, withGroups)
	p := signIn(t, r, "globus", g.Visitor(), jane)
	provider := r.byID["globus"].provider
	refresh := p.Tokens[0].RefreshToken.Reveal()
	for range 2 { // it is not rotated
		tok, err := provider.RefreshToken(refresh)
		if err != nil || tok.AccessToken == "" || tok.RefreshToken != refresh {
			t.Fatalf("%+v, %v", tok, err)
		}
	}
	g.Advance(200 * 24 * time.Hour)
	_, err := provider.RefreshToken(refresh)
	wantRefusal(t, err, ErrRestart, refresh, globusSecretText)
}

// Whether a refresh token takes its access tokens along is not certain.
func TestGlobusRevokesEveryToken(t *testing.T) {
	for _, kills := range []bool{false, true} {
		g, r, _ := newGlobusStage(t, withGroups)
		g.Set(func(s *providertest.GlobusSettings) { s.RefreshKillsAll = kills })
		p := signIn(t, r, "globus", g.Visitor(), jane)
		if err := r.Revoke(context.Background(), "globus", p.Tokens); err != nil || g.LiveTokens(jane) != 0 {
			t.Errorf("%t: %v, %d live", kills, err, g.LiveTokens(jane))
		}
		if n := len(g.Exchanges("/token/revoke")); n != 4 {
			t.Errorf("%t: %d calls", kills, n)
		}
	}
	g, r, _ := newGlobusStage(t)
	p := signIn(t, r, "globus", g.Visitor(), jane)
	g.Script("/token/revoke", providertest.Fails(providertest.Failure{Status: 503}))
	wantRefusal(t, r.Revoke(context.Background(), "globus", p.Tokens), ErrUnavailable, p.Tokens[0].AccessToken.Reveal())
}

func TestGlobusConfiguration(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*App)
		want   string // in the error; "" there is none
	}{
		{"defaults", func(*App) {}, ""},
		{"required", func(a *App) { a.RequiredIdentityProvider = university }, ""},
		{"required by name", func(a *App) { a.RequiredIdentityProvider = "example.edu" }, "required_identity_provider"},
		{"required in capitals", func(a *App) { a.RequiredIdentityProvider = strings.ToUpper(university) }, "lower case"},
		{"required without profile", func(a *App) { a.RequiredIdentityProvider, a.Scopes = university, []string{"openid"} }, "profile"},
		{"no secret", func(a *App) { a.ClientSecret = "" }, "client_secret"},
		{"post", func(a *App) { a.AuthStyle = AuthPost }, "auth_style"},
		{"no openid", func(a *App) { a.Scopes = []string{"profile"} }, "openid"},
		{"plain issuer", func(a *App) { a.Issuer = "http://auth.globus.org" }, "issuer"},
	} {
		a := App{ID: "globus", Kind: "globus", ClientID: "c", ClientSecret: "s"}
		tt.change(&a)
		r, err := New(Options{Apps: []App{a}, BaseURL: brokerURL})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err == nil {
			if b := r.byID["globus"].provider.(*globusProvider).app; b.EmailTrust != EmailNever || b.PKCE != PKCES256 || b.Issuer != "https://auth.globus.org" || b.Title != "Globus" {
				t.Errorf("%s: %+v", tt.name, b)
			}
		}
	}
}
