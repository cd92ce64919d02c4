package conformance

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"idbroker/broker"
	"idbroker/conformance/visitor"
	"idbroker/store/storetest"
)

// party is a relying party on go-oidc that has nothing in common with the demo
// application: a public or a confidential client of its own.
type party struct {
	t        *testing.T
	provider *oidc.Provider
	config   oauth2.Config
	alg      string
}

// register makes a client with the operator's command.
func register(t *testing.T, h *house, alg string, args ...string) *party {
	t.Helper()
	const back = "http://127.0.0.1:1/callback" // nobody listens: the visitor stops there
	out := h.cli(t, "", append([]string{"clients", "create", "A party", "--redirect-uri", back, "--alg", alg, "--json"}, args...)...)
	var c struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
		Method string `json:"token_endpoint_auth_method"`
	}
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p, err := oidc.NewProvider(context.Background(), h.issuer)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := p.Endpoint()
	endpoint.AuthStyle = map[string]oauth2.AuthStyle{
		broker.AuthBasic: oauth2.AuthStyleInHeader, broker.AuthPost: oauth2.AuthStyleInParams, broker.AuthNone: oauth2.AuthStyleInParams,
	}[c.Method]
	return &party{t, p, oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret, Endpoint: endpoint, RedirectURL: back, Scopes: []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
	}, alg}
}

// request is an authorization request and what belongs to it.
type request struct{ url, state, nonce, verifier string }

func (p *party) request(options ...oauth2.AuthCodeOption) request {
	r := request{state: broker.NewID(), nonce: broker.NewID(), verifier: oauth2.GenerateVerifier()}
	r.url = p.config.AuthCodeURL(r.state, append(options, oidc.Nonce(r.nonce), oauth2.S256ChallengeOption(r.verifier))...)
	return r
}

// claims are what we look at in ID tokens and userinfo.
type claims struct {
	Subject       string   `json:"sub"`
	Name          string   `json:"name"`
	Email         string   `json:"email"`
	EmailVerified bool     `json:"email_verified"`
	AuthTime      int64    `json:"auth_time"`
	AMR           []string `json:"amr"`
	ACR           string   `json:"acr"`
	SID           string   `json:"sid"`
	Provider      string   `json:"idp"`
}

// redeem checks the redirect back as a careful application does, and what the
// code is exchanged for.
func (p *party) redeem(r request, back *url.URL, issuer string) (*oauth2.Token, claims) {
	p.t.Helper()
	q := back.Query()
	if q.Get("state") != r.state || q.Get("iss") != issuer || q.Get("code") == "" {
		p.t.Fatalf("the redirect back: %s", back)
	}
	token, err := p.config.Exchange(context.Background(), q.Get("code"), oauth2.VerifierOption(r.verifier))
	if err != nil {
		p.t.Fatal(err)
	}
	c := p.verify(token, r.nonce)
	if _, err := p.config.Exchange(context.Background(), q.Get("code"), oauth2.VerifierOption(r.verifier)); err == nil {
		p.t.Error("the code was accepted twice")
	}
	return token, c
}

func (p *party) verify(token *oauth2.Token, nonce string) claims {
	p.t.Helper()
	raw, _ := token.Extra("id_token").(string)
	id, err := p.provider.VerifierContext(context.Background(), &oidc.Config{ClientID: p.config.ClientID, SupportedSigningAlgs: []string{p.alg}}).Verify(context.Background(), raw)
	if err != nil {
		p.t.Fatalf("the ID token: %v", err)
	}
	if id.Nonce != nonce || id.VerifyAccessToken(token.AccessToken) != nil {
		p.t.Errorf("nonce %q, at_hash %q", id.Nonce, id.AccessTokenHash)
	}
	var c claims
	if err := id.Claims(&c); err != nil {
		p.t.Fatal(err)
	}
	return c
}

// userInfo asks for the userinfo; an error is the endpoint's.
func (p *party) userInfo(token *oauth2.Token) (claims, error) {
	var c claims
	info, err := p.provider.UserInfo(context.Background(), oauth2.StaticTokenSource(token))
	if err == nil {
		err = info.Claims(&c)
	}
	return c, err
}

// Independent libraries accept the broker through the whole flow, whatever
// kind of client they are.
func TestRelyingParty(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		h := startServed(t, dsn)
		h.cli(t, "correct horse battery\n", "users", "create", "grace@example.org", "--name", "Grace Hopper", "--password-stdin")
		for _, tt := range []struct {
			name, alg string
			args      []string
		}{
			{"basic", broker.RS256, []string{"--auth", "basic"}},
			{"post", broker.ES256, []string{"--auth", "post"}},
			{"public", broker.RS256, []string{"--public"}},
		} {
			t.Run(tt.name, func(t *testing.T) { wholeFlow(t, h, register(t, h, tt.alg, tt.args...)) })
		}
	})
}

func wholeFlow(t *testing.T, h *house, p *party) {
	w := walk(t, h)
	w.Stop = p.config.RedirectURL
	r := p.request(oauth2.SetAuthURLParam("login_hint", "grace@example.org"))
	w.open(r.url).sees("A party")
	w.press("Sign in", visitor.Fill{"email": "grace@example.org", "password": "wrong password"})
	if w.Status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong password: %d", w.Status)
	}
	w.sees("don’t belong together").press("Sign in", visitor.Fill{"email": "Grace@Example.org", "password": "correct horse battery"})
	w.sees("A party", "Grace Hopper", "grace@example.org").press("decision=allow", nil)
	token, c := p.redeem(r, w.Stopped, h.issuer)
	if c.Subject == "" || c.AuthTime == 0 || !slices.Equal(c.AMR, []string{"pwd"}) || c.ACR == "" || c.SID == "" {
		t.Errorf("claims: %+v", c)
	}
	// The replayed code ended what it had been exchanged for.
	if _, err := p.userInfo(token); err == nil {
		t.Error("the tokens of a replayed code are good")
	}
	token, again := p.silently(w, h)
	if again.Subject != c.Subject || again.SID != c.SID || again.AuthTime != c.AuthTime {
		t.Errorf("claims: %+v, before %+v", again, c)
	}
	info, err := p.userInfo(token)
	if err != nil || info.Subject != c.Subject || info.Name != "Grace Hopper" || info.Email != "grace@example.org" || !info.EmailVerified {
		t.Errorf("userinfo: %v, %+v", err, info)
	}
	next, err := p.config.TokenSource(context.Background(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	if err != nil || next.RefreshToken == token.RefreshToken || next.AccessToken == token.AccessToken {
		t.Fatalf("refresh: %v", err)
	}
	if _, err := p.userInfo(next); err != nil {
		t.Errorf("userinfo after refresh: %v", err)
	}
	p.signOut(w, h, next)
}

// silently asks again without a page: the person is signed in, and has allowed
// it before. Behind a redirect URI that every program on the machine can listen
// at, a yes of the past does not count (RFC 8252, section 8.6).
func (p *party) silently(w *walker, h *house) (*oauth2.Token, claims) {
	p.t.Helper()
	r := p.request(oauth2.SetAuthURLParam("prompt", "none"))
	w.open(r.url)
	if p.config.ClientSecret == "" {
		if w.Stopped == nil || w.Stopped.Query().Get("error") != "consent_required" {
			p.t.Fatalf("prompt=none of a public client: %v", w.Stopped)
		}
		r = p.request()
		w.open(r.url).press("decision=allow", nil)
	}
	return p.redeemOnce(r, w.Stopped, h.issuer)
}

// redeemOnce is redeem without the replay.
func (p *party) redeemOnce(r request, back *url.URL, issuer string) (*oauth2.Token, claims) {
	p.t.Helper()
	if back == nil || back.Query().Get("iss") != issuer || back.Query().Get("state") != r.state {
		p.t.Fatalf("the redirect back: %v", back)
	}
	token, err := p.config.Exchange(context.Background(), back.Query().Get("code"), oauth2.VerifierOption(r.verifier))
	if err != nil {
		p.t.Fatal(err)
	}
	return token, p.verify(token, r.nonce)
}

// signOut ends the session at the broker, and with it what prompt=none gives.
func (p *party) signOut(w *walker, h *house, token *oauth2.Token) {
	p.t.Helper()
	var meta struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := p.provider.Claims(&meta); err != nil {
		p.t.Fatal(err)
	}
	raw, _ := token.Extra("id_token").(string)
	w.open(meta.EndSession + "?" + url.Values{"id_token_hint": {raw}, "client_id": {p.config.ClientID}}.Encode())
	if strings.Contains(w.Text(), "Sign out?") {
		w.press("Sign out", nil)
	}
	w.sees("You are signed out")
	r := p.request(oauth2.SetAuthURLParam("prompt", "none"))
	w.open(r.url)
	if w.Stopped == nil || w.Stopped.Query().Get("error") != "login_required" {
		p.t.Errorf("prompt=none after sign-out: %v", w.Stopped)
	}
}
