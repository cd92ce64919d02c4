package providers

import (
	"context"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

func TestGitHubEmail(t *testing.T) {
	mail := func(e ...providertest.GitHubEmail) []providertest.GitHubEmail { return e }
	for _, tt := range []struct {
		name   string
		emails []providertest.GitHubEmail
		trust  string
		want   string
		proven bool
	}{
		{"primary and verified", mail(providertest.GitHubEmail{Email: "A@example.org", Primary: true, Verified: true}), EmailVerified, "a@example.org", true},
		{"never trusted", mail(providertest.GitHubEmail{Email: "a@example.org", Primary: true, Verified: true}), EmailNever, "a@example.org", false},
		{"the enterprise's default", mail(providertest.GitHubEmail{Email: "a@example.org", Primary: true, Verified: true}), "", "a@example.org", false},
		{"primary unverified", mail(providertest.GitHubEmail{Email: "victim@example.org", Primary: true},
			providertest.GitHubEmail{Email: "b@example.org", Verified: true}), EmailVerified, "", false},
		{"always trusted", mail(providertest.GitHubEmail{Email: "a@example.org", Primary: true}), EmailAlways, "a@example.org", true},
		{"no primary", mail(providertest.GitHubEmail{Email: "a@example.org", Verified: true}), EmailVerified, "", false},
		{"noreply", mail(providertest.GitHubEmail{Email: "1+a@users.noreply.github.com", Primary: true, Verified: true}), EmailVerified, "", false},
		{"noreply of an enterprise", mail(providertest.GitHubEmail{Email: "a@users.noreply.git.example.org", Primary: true, Verified: true}), EmailAlways, "", false},
		{"on the second page", providertest.GitHubEmails(150, "a@example.org"), EmailVerified, "a@example.org", true},
		{"none", nil, EmailVerified, "", false},
		{"malformed", mail(providertest.GitHubEmail{Email: "a b@example", Primary: true, Verified: true}), EmailVerified, "", false},
	} {
		g, r, _ := newGitHubStage(t, func(a *App) { a.EmailTrust = tt.trust })
		g.ChangeUser(ghID, func(u *providertest.GitHubUser) { u.Emails = tt.emails })
		p := signIn(t, r, "github", g.Visitor(), "ada-example")
		if p.Email != tt.want || p.EmailVerified != tt.proven {
			t.Errorf("%s: %q, verified %t", tt.name, p.Email, p.EmailVerified)
		}
	}
}

// The person may take scopes away on GitHub's page.
func TestGitHubScopeDowngrade(t *testing.T) {
	g, r, _ := newGitHubStage(t)
	for _, tt := range []struct{ grant, scopes, email string }{
		{"read:user", "read:user", ""}, {"", "", ""}, {"user", "user", "ada@example.org"},
	} {
		p := signIn(t, r, "github", g.Visitor(), "ada-example", "grant", tt.grant)
		if got := strings.Join(p.Tokens[0].Scopes, " "); got != tt.scopes || p.Email != tt.email || p.Subject != "9900112" {
			t.Errorf("%q: scopes %q, e-mail %q", tt.grant, got, p.Email)
		}
	}
}

// A GitHub App has permissions instead of scopes.
func TestGitHubApp(t *testing.T) {
	for _, reads := range []bool{false, true} {
		g, r, _ := newGitHubStage(t)
		g.Register(providertest.GitHubApp{
			ClientID: "app", Secret: ghSecret, Callbacks: []string{brokerURL + "/oauth/authorized/github/"}, IsGitHubApp: true, ReadsEmails: reads, Expiring: true,
		})
		p := signIn(t, r, "github", g.Visitor(), "ada-example")
		tok := p.Tokens[0]
		if (p.Email != "") != reads || len(tok.Scopes) != 0 || tok.RefreshToken == "" || time.Until(tok.ExpiresAt) < 7*time.Hour {
			t.Errorf("%t: e-mail %q, token %+v", reads, p.Email, tok)
		}
	}
}

// A page that names another host as the next one does not get the token.
func TestGitHubNextPage(t *testing.T) {
	p := &githubProvider{api: "https://api.github.com"}
	for header, want := range map[string]string{
		`<https://api.github.com/user/emails?per_page=100&page=2>; rel="next", <https://api.github.com/user/emails?page=9>; rel="last"`: "https://api.github.com/user/emails?per_page=100&page=2",
		`<https://api.github.com/user/emails?page=1>; rel="prev", <https://api.github.com/user/emails?page=3>; rel=next`:                "https://api.github.com/user/emails?page=3",
		`<https://evil.example/user/emails?page=2>; rel="next"`:                                                                         "",
		`<https://api.github.com.evil.example/user/emails>; rel="next"`:                                                                 "",
		`<http://api.github.com/user/emails?page=2>; rel="next"`:                                                                        "",
		`<https://api.github.com/user/../other>; rel="next"`:                                                                            "",
		`<https://x@api.github.com/user/emails>; rel="next"`:                                                                            "",
		`<https://api.github.com/user/emails?page=9>; rel="last"`:                                                                       "",
		`<https://api.github.com/user/emails?page=9>; rel="nextish"`:                                                                    "",
		`<%zz>; rel="next"`: "",
		"":                  "",
	} {
		if got := p.nextPage("/user/emails", []string{header}); got != want {
			t.Errorf("%s: %q", header, got)
		}
	}
}

// Pages without an end are not followed for ever.
func TestGitHubEndlessPages(t *testing.T) {
	g, r, _ := newGitHubStage(t)
	g.ChangeUser(ghID, func(u *providertest.GitHubUser) { u.Emails = providertest.GitHubEmails(2000, "a@example.org") })
	if p := signIn(t, r, "github", g.Visitor(), "ada-example"); p.Email != "" {
		t.Errorf("e-mail %q", p.Email)
	}
	if n := len(g.Exchanges("/user/emails")); n != maxPages {
		t.Errorf("%d pages read", n)
	}
}

func TestGitHubRevoke(t *testing.T) {
	ctx := context.Background()
	g, r, _ := newGitHubStage(t)
	v := g.Visitor()
	signIn(t, r, "github", v, "ada-example")
	p := signIn(t, r, "github", v, "ada-example")
	for range 2 { // again is fine
		if err := r.Revoke(ctx, "github", p.Tokens); err != nil || g.LiveTokens(ghID) != 0 {
			t.Fatalf("%v, %d live", err, g.LiveTokens(ghID))
		}
	}
	last := g.Exchanges("/applications/app/grant")
	if id, secret, ok := basicOf(last[0].Header); !ok || id != "app" || secret != ghSecret {
		t.Errorf("authorization %v", last[0].Header)
	}
	if err := r.Revoke(ctx, "github", []broker.RemoteToken{{}}); err != nil {
		t.Error(err)
	}
	g.Script("/grant", providertest.Fails(providertest.Failure{Status: 502}))
	wantRefusal(t, r.Revoke(ctx, "github", p.Tokens), ErrUnavailable, p.Tokens[0].AccessToken.Reveal(), ghSecret)
	g.Script("/grant", providertest.GitHubRateLimit(time.Now()))
	wantRefusal(t, r.Revoke(ctx, "github", p.Tokens), ErrUnavailable)
	g.Script("/grant", providertest.Fails(providertest.Failure{Status: 422, Body: `{"message":"Validation Failed"}`}))
	wantRefusal(t, r.Revoke(ctx, "github", p.Tokens), ErrUpstream)
	g.Register(providertest.GitHubApp{ClientID: "app", Secret: "changed"})
	wantRefusal(t, r.Revoke(ctx, "github", p.Tokens), ErrMisconfigured, ghSecret)
}

// Whoever has linked again meanwhile keeps what they gave us then, although
// GitHub's grant is one for all tokens.
func TestGitHubRevokeOnly(t *testing.T) {
	ctx := context.Background()
	g, r, _ := newGitHubStage(t)
	v := g.Visitor()
	first := signIn(t, r, "github", v, "ada-example")
	signIn(t, r, "github", v, "ada-example")
	for range 2 { // again is fine
		if err := r.RevokeOnly(ctx, "github", first.Tokens); err != nil || g.LiveTokens(ghID) != 1 {
			t.Fatalf("%v, %d live", err, g.LiveTokens(ghID))
		}
	}
	wantRefusal(t, r.RevokeOnly(ctx, "none", first.Tokens), ErrUnknown)
}

// An access token that has expired finds no grant; its refresh token does.
func TestGitHubRevokeExpired(t *testing.T) {
	ctx := context.Background()
	g, r, _ := newGitHubStage(t)
	g.Register(providertest.GitHubApp{ClientID: "app", Secret: ghSecret, Callbacks: []string{brokerURL + "/oauth/authorized/github/"}, Expiring: true})
	p := signIn(t, r, "github", g.Visitor(), "ada-example")
	old := p.Tokens[0].RefreshToken.Reveal()
	g.Advance(9 * time.Hour)
	for range 2 {
		if err := r.Revoke(ctx, "github", p.Tokens); err != nil || g.LiveTokens(ghID) != 0 {
			t.Fatalf("%v, %d live", err, g.LiveTokens(ghID))
		}
	}
	if n := len(g.Exchanges("/applications/app/grant")); n != 3 {
		t.Errorf("%d calls, want one, one with the fresh token, and one more", n)
	}
	_, err := r.byID["github"].provider.RefreshToken(old)
	wantRefusal(t, err, ErrRestart, old)
}

func TestGitHubRefreshRotates(t *testing.T) {
	g, r, _ := newGitHubStage(t)
	g.Register(providertest.GitHubApp{ClientID: "app", Secret: ghSecret, Callbacks: []string{brokerURL + "/oauth/authorized/github/"}, Expiring: true})
	p := signIn(t, r, "github", g.Visitor(), "ada-example")
	provider, old := r.byID["github"].provider, p.Tokens[0].RefreshToken.Reveal()
	tok, err := provider.RefreshToken(old)
	if err != nil || tok.RefreshToken == old || tok.AccessToken == p.Tokens[0].AccessToken.Reveal() || time.Until(tok.Expiry) < 7*time.Hour || g.LiveTokens(ghID) != 1 {
		t.Fatalf("%+v, %v", tok, err)
	}
	_, err = provider.RefreshToken(old)
	wantRefusal(t, err, ErrRestart, old, ghSecret)
}
