package providers

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"idbroker/providers/providertest"
)

// levels are the findings of a check by what they are about.
func levels(t *testing.T, r *Registry, id string) map[string]string {
	t.Helper()
	found, err := r.Check(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range found {
		if f.Text == "" || strings.Contains(f.Text, testSecret) || strings.Contains(f.Text, ghSecret) {
			t.Errorf("%s: %q", f.About, f.Text)
		}
		all[f.About] = f.Level
	}
	return all
}

// TestCheck lets an operator see what is wrong before a person does.
func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name   string
		o      providertest.OpenIDOptions
		change func(*App)
		spoil  func(*house)
		about  string
		want   string
	}{
		{"all is well", providertest.OpenIDOptions{}, nil, nil, "credentials", LevelFine},
		{"the clocks agree", providertest.OpenIDOptions{}, nil, nil, "clock", LevelFine},
		{"keys", providertest.OpenIDOptions{}, nil, nil, "keys", LevelFine},
		{"a wrong secret", providertest.OpenIDOptions{}, nil, func(h *house) { h.reg.byID["op"].provider.(*openID).app.ClientSecret = "wrong" }, "credentials", LevelError},
		{"a wrong client", providertest.OpenIDOptions{}, nil, func(h *house) { h.reg.byID["op"].provider.(*openID).app.ClientID = "nobody" }, "credentials", LevelError},
		{"a wrong issuer", providertest.OpenIDOptions{}, func(a *App) { a.Issuer += "/" }, nil, "discovery", LevelError},
		{"no revocation", providertest.OpenIDOptions{Paths: map[string]string{providertest.Revoke: "-"}}, nil, nil, "revocation", LevelWarning},
		{"our clock is wrong", providertest.OpenIDOptions{}, nil, func(h *house) {
			h.reg.byID["op"].provider.(*openID).env.now = func() time.Time { return time.Now().Add(time.Hour) }
		}, "clock", LevelError},
		{"down", providertest.OpenIDOptions{}, nil, func(h *house) {
			for range 4 {
				h.fake.Fail(providertest.Discovery, providertest.Failure{Status: 503, Body: "busy", ContentType: "text/plain"})
			}
		}, "discovery", LevelError},
		{"a token endpoint that is down", providertest.OpenIDOptions{}, nil, func(h *house) {
			h.fake.Fail(providertest.Token, providertest.Failure{Status: 503, Body: "busy", ContentType: "text/plain"})
		}, "credentials", LevelError},
	} {
		h := oidcHouse(t, tt.o, tt.change)
		if tt.spoil != nil {
			tt.spoil(h)
		}
		if got := levels(t, h.reg, "op")[tt.about]; got != tt.want {
			t.Errorf("%s: %s is %q, want %q", tt.name, tt.about, got, tt.want)
		}
	}
	g, r, _ := newGitHubStage(t)
	if got := levels(t, r, "github"); got["credentials"] != LevelFine || got["redirect URI"] != LevelFine {
		t.Errorf("GitHub: %v", got)
	}
	g.Register(providertest.GitHubApp{ClientID: "app", Secret: "changed"})
	if got := levels(t, r, "github"); got["credentials"] != LevelError {
		t.Errorf("GitHub with a wrong secret: %v", got)
	}
	_, err := r.Check(context.Background(), "none")
	wantRefusal(t, err, ErrUnknown)
}

// TestAllowedDomains: people of one institution, by addresses that are proven.
func TestAllowedDomains(t *testing.T) {
	for _, tt := range []struct {
		domains  string
		email    string
		verified bool
		in       bool
	}{
		{"example.org", "ada@example.org", true, true},
		{"EXAMPLE.org", "Ada@Example.ORG", true, true},
		{"example.org", "ada@example.org", false, false},
		{"example.org", "", false, false},
		{"example.org", "ada@sub.example.org", true, false},
		{".example.org", "ada@sub.example.org", true, true},
		{".example.org", "ada@example.org", true, false},
		{".example.org", "ada@evilexample.org", true, false},
		{"example.org", "ada@evilexample.org", true, false},
		{"example.org", "ada@example.org.evil.com", true, false},
		{"other.org example.org", "ada@example.org", true, true},
	} {
		h := oidcHouse(t, providertest.OpenIDOptions{}, func(a *App) { a.AllowedDomains = strings.Fields(tt.domains) })
		h.fake.AddPerson(providertest.Person{Subject: "user-2", Email: tt.email, EmailVerified: tt.verified})
		_, err := h.signIn("user-2")
		if (err == nil) != tt.in || err != nil && !errors.Is(err, ErrNotAllowed) {
			t.Errorf("%+v: %v", tt, err)
		}
		if revoked := h.fake.Count(providertest.Revoke) > 0; revoked == tt.in {
			t.Errorf("%+v: tokens revoked: %v", tt, revoked)
		}
	}
	if _, err := New(Options{BaseURL: testBase, Apps: []App{{ID: "x", Kind: "oidc", Issuer: "https://x.example", ClientID: "c", EmailTrust: EmailNever, AllowedDomains: []string{"example.org"}}}}); err == nil {
		t.Error("a rule that keeps everybody out")
	}
}

// TestExplain tells an operator what would become of claims.
func TestExplain(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, func(a *App) { a.AllowedDomains = []string{"example.org"} })
	explain := func(text string) error {
		t.Helper()
		_, err := h.reg.Explain(context.Background(), "op", []byte(text))
		return err
	}
	p, err := h.reg.Explain(context.Background(), "op", []byte(`{"sub":"1815","email":"Ada@Example.org","email_verified":true,"name":"Ada","preferred_username":"ada-l"}`))
	if err != nil || p.Subject != "1815" || p.Email != "ada@example.org" || !p.EmailVerified || p.Username != "ada-l" || p.Issuer != h.fake.Issuer || p.Provider != "op" {
		t.Errorf("%+v, %v", p, err)
	}
	wantRefusal(t, explain(`{"sub":"1815","email":"ada@example.org"}`), ErrNotAllowed)
	wantRefusal(t, explain(`{"email":"ada@example.org","email_verified":true}`), ErrUpstream)
	wantRefusal(t, explain(`{"sub":"1","sub":"2"}`), ErrUpstream)
	wantRefusal(t, explain(`no JSON`), ErrUpstream)
	if n := h.fake.Count(providertest.Token) + h.fake.Count(providertest.Discovery); n != 0 {
		t.Errorf("%d requests were made", n)
	}
	_, r, _ := newGitHubStage(t)
	if _, err := r.Explain(context.Background(), "github", []byte(`{"sub":"1"}`)); !errors.Is(err, ErrNotExplained) {
		t.Errorf("%v", err)
	}
	cern, err := New(Options{BaseURL: testBase, Apps: []App{{ID: "cern", Kind: "cern", ClientID: "broker", ClientSecret: testSecret}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cern.Explain(context.Background(), "cern", []byte(`{"sub":"ada","cern_upn":"ada","cern_person_id":"1","cern_roles":["guest"]}`)); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("a CERN account without the role: %v", err)
	}
	if p, err := cern.Explain(context.Background(), "cern", []byte(`{"sub":"ada","cern_upn":"ada","cern_person_id":"1","cern_roles":["cern_user"]}`)); err != nil || p.Subject != "ada" {
		t.Errorf("a CERN account: %+v, %v", p, err)
	}
}
