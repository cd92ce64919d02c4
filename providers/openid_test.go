package providers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

const testBase = "https://broker.example"

// house is a registry with one provider, and the fake behind it.
type house struct {
	t    *testing.T
	fake *providertest.OpenID
	reg  *Registry
	id   string
	log  *safeBuffer

	mu    sync.Mutex
	later time.Duration // our clock is ahead by
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Add(h.later)
}

// pass moves our clock and the fake's.
func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	h.later += d
	h.mu.Unlock()
	h.fake.Advance(d)
}

const testSecret = "s3cret-of-the-client & +"

// newHouse registers an app of a kind at a fake.
func newHouse(t *testing.T, fake *providertest.OpenID, app App) *house {
	t.Helper()
	h := &house{t: t, fake: fake, id: app.ID, log: &safeBuffer{}}
	reg, err := New(Options{
		Apps: []App{app}, BaseURL: testBase, AllowPrivate: true, Log: slog.New(slog.NewTextHandler(h.log, nil)), now: h.now,
		limits: limits{call: 3 * time.Second, lookup: 3 * time.Second, retry: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.reg = reg
	fake.AddClient(providertest.Client{ID: app.ClientID, Secret: app.ClientSecret.Reveal(), RedirectURIs: []string{testBase + "/oauth/authorized/" + app.ID + "/"}})
	return h
}

func oidcHouse(t *testing.T, o providertest.OpenIDOptions, change func(*App)) *house {
	t.Helper()
	fake := providertest.NewOpenID(t, o)
	app := App{ID: "op", Kind: "oidc", Title: "Example", Issuer: fake.Issuer, ClientID: "my-broker", ClientSecret: testSecret}
	if change != nil {
		change(&app)
	}
	fake.AddPerson(providertest.Person{Subject: "user-1", Username: "ada", Name: "Ada Example", Email: "Ada@Example.org", EmailVerified: true})
	return newHouse(t, fake, app)
}

// begin starts an attempt as linking does.
func (h *house) begin(o broker.BeginOptions) (string, broker.Attempt, error) {
	state := broker.NewSecret()
	out, err := h.reg.Begin(context.Background(), h.id, state.Reveal(), o)
	return out.URL, broker.Attempt{
		StateHash: state.Hash(), Provider: h.id, RedirectURI: out.RedirectURI, ClientID: out.ClientID, Session: out.Session,
	}, err
}

// signIn goes the whole way as subject.
func (h *house) signIn(subject string) (broker.Profile, error) {
	h.t.Helper()
	address, attempt, err := h.begin(broker.BeginOptions{})
	if err != nil {
		return broker.Profile{}, err
	}
	return h.complete(attempt, h.fake.Walk(h.t, address, subject))
}

func (h *house) complete(a broker.Attempt, back *url.URL) (broker.Profile, error) {
	h.t.Helper()
	cb, err := broker.ParseCallback(back.RawQuery)
	if err != nil {
		h.t.Fatal(err)
	}
	return completed(h.reg, a, cb)
}

// completed is Complete as linking uses it: what a refused sign-in brought ends
// at the provider, later.
func completed(r *Registry, a broker.Attempt, cb broker.Callback) (broker.Profile, error) {
	p, err := r.Complete(context.Background(), a.Provider, a, cb)
	if err == nil {
		return p, nil
	}
	_ = r.RevokeOnly(context.Background(), a.Provider, p.Tokens)
	p.Tokens, p.Issuer, p.Subject = nil, "", ""
	return p, err
}

func wantError(t *testing.T, what string, err error, want *broker.Error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %s", what, err, want.Message)
	}
	var e *broker.Error
	if errors.As(err, &e) && e.Args["provider"] == "" {
		t.Errorf("%s: the error does not name the provider", what)
	}
}

func TestOpenIDSignIn(t *testing.T) {
	for name, o := range map[string]providertest.OpenIDOptions{
		"plain": {}, "path": {Path: "/realms/main"}, "RS512 without kid": {Alg: "RS512", NoKID: true}, "ES256": {Alg: "ES256"},
		"post only": {AuthMethods: []string{broker.AuthPost}}, "basic only": {AuthMethods: []string{broker.AuthBasic}},
		"no userinfo": {Paths: map[string]string{providertest.UserInfo: "-"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := oidcHouse(t, o, nil)
			h.fake.Switch(func(w *providertest.Switches) { w.RequirePKCE, w.RequireNonce = true, true })
			p, err := h.signIn("user-1")
			if err != nil {
				t.Fatal(err)
			}
			if p.Provider != "op" || p.Issuer != h.fake.Issuer || p.Subject != "user-1" || p.ClientID != "my-broker" ||
				p.Username != "ada" || p.Name != "Ada Example" || p.Email != "ada@example.org" || !p.EmailVerified || p.AuthTime.IsZero() {
				t.Errorf("profile %+v", p)
			}
			if len(p.Tokens) != 1 {
				t.Fatalf("%d tokens", len(p.Tokens))
			}
			tok := p.Tokens[0]
			if tok.AccessToken == "" || tok.RefreshToken == "" || tok.IDToken == "" || tok.TokenType != "Bearer" || tok.ExpiresAt.IsZero() ||
				strings.Join(tok.Scopes, " ") != "openid profile email" || tok.UpdatedAt.IsZero() {
				t.Errorf("token %+v", tok)
			}
			if n := h.fake.Count(providertest.Token); n != 1 {
				t.Errorf("%d token requests for one code", n)
			}
		})
	}
}

func TestOpenIDPublicClient(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, func(a *App) { a.ClientSecret = "" })
	if _, err := h.signIn("user-1"); err != nil {
		t.Fatal(err)
	}
	if body := h.fake.Requests(providertest.Token)[0].Body; strings.Contains(body, "client_secret") {
		t.Errorf("a public client sent a secret: %s", body)
	}
}

func TestBeginSendsEachAttemptItsOwnSecrets(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, func(a *App) {
		a.AuthParams, a.Forward = map[string]string{"kc_idp_hint": "github"}, []string{ForwardLoginHint, ForwardUILocales}
	})
	seen := map[string]bool{}
	for range 2 {
		address, attempt, err := h.begin(broker.BeginOptions{Prompt: "login", LoginHint: "ada", UILocales: "de"})
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(address)
		q := u.Query()
		for name, want := range map[string]string{
			"response_type": "code", "client_id": "my-broker", "redirect_uri": testBase + "/oauth/authorized/op/", "scope": "openid profile email",
			"code_challenge_method": "S256", "prompt": "login", "login_hint": "ada", "ui_locales": "de", "kc_idp_hint": "github",
		} {
			if q.Get(name) != want {
				t.Errorf("%s = %q, want %q", name, q.Get(name), want)
			}
		}
		for _, name := range []string{"nonce", "code_challenge"} {
			if len(q.Get(name)) < 43 || seen[q.Get(name)] {
				t.Errorf("%s %q is short or repeated", name, q.Get(name))
			}
			seen[q.Get(name)] = true
		}
		kept := attempt.Session.Reveal()
		if strings.Contains(kept, q.Get("state")) || strings.Contains(address, kept) {
			t.Error("the kept session holds the state")
		}
		var s session
		if err := json.Unmarshal([]byte(kept), &s); err != nil || s.Nonce != q.Get("nonce") || strings.Contains(address, s.Verifier) {
			t.Errorf("session %+v, %v", s, err)
		}
	}
}

// Whatever the provider lies about, nobody is signed in, the process lives, and
// neither log nor error tells a secret.
func TestEveryLieIsRefused(t *testing.T) {
	for _, lie := range providertest.Lies() {
		t.Run(lie, func(t *testing.T) {
			h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
			h.fake.LieAbout(t, lie)
			p, err := h.signIn("user-1")
			if err == nil {
				t.Fatalf("accepted: %+v", p)
			}
			if k := broker.KindOf(err); k != broker.KindUpstream {
				t.Errorf("kind %d: %v", k, err)
			}
			if p.Subject != "" || len(p.Tokens) > 0 {
				t.Errorf("a profile came out: %+v", p)
			}
			for _, secret := range []string{testSecret, "panic"} {
				if strings.Contains(err.Error()+h.log.String(), secret) {
					t.Errorf("%q is told: %v\n%s", secret, err, h.log)
				}
			}
		})
	}
}

// A slash too many in the configuration is for the operator to mend.
func TestWrongIssuerIsMisconfiguration(t *testing.T) {
	for _, lie := range []string{"issuer with slash", "issuer other", "issuer missing"} {
		h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
		h.fake.LieAbout(t, lie)
		_, _, err := h.begin(broker.BeginOptions{})
		wantError(t, lie, err, ErrMisconfigured)
	}
	h := oidcHouse(t, providertest.OpenIDOptions{Path: "/here"}, func(a *App) { a.Issuer += "/nowhere" })
	_, _, err := h.begin(broker.BeginOptions{})
	wantError(t, "no document", err, ErrMisconfigured)
}

func TestUnverifiedEmailStaysUnverified(t *testing.T) {
	for _, tt := range []struct {
		claim    any
		trust    string
		verified bool
	}{
		{true, "", true}, {false, "", false}, {nil, "", false}, {"true", "", false}, {"false", "", false}, {1, "", false},
		{true, EmailNever, false}, {nil, EmailAlways, true}, {false, EmailAlways, true},
	} {
		h := oidcHouse(t, providertest.OpenIDOptions{}, func(a *App) { a.EmailTrust = tt.trust })
		h.fake.AddPerson(providertest.Person{Subject: "user-1", Email: "ada@example.org", EmailVerified: tt.claim})
		p, err := h.signIn("user-1")
		if err != nil || p.Email != "ada@example.org" || p.EmailVerified != tt.verified {
			t.Errorf("%v with %q: %q verified %v, %v", tt.claim, tt.trust, p.Email, p.EmailVerified, err)
		}
	}
}

func TestPersonWithoutAnything(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	h.fake.AddPerson(providertest.Person{Subject: "bare", Claims: map[string]any{"name": 7, "profile": "javascript:alert(1)", "locale": "de\x00", "preferred_username": []any{}}})
	p, err := h.signIn("bare")
	if err != nil || p.Subject != "bare" || p.Name+p.Username+p.Email+p.Locale+p.ProfileURL != "" || p.EmailVerified {
		t.Errorf("%+v, %v", p, err)
	}
}
