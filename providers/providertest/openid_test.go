package providertest_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"idbroker/providers/providertest"
)

const redirectURI = "https://broker.example/oauth/authorized/fake/"

func start(t *testing.T, o providertest.OpenIDOptions) (*providertest.OpenID, *oauth2.Config, *oidc.Provider) {
	t.Helper()
	s := providertest.NewOpenID(t, o)
	s.AddClient(providertest.Client{ID: "broker", Secret: "s3cret & +", RedirectURIs: []string{redirectURI}})
	s.AddPerson(providertest.Person{Subject: "ada", Name: "Ada", Username: "ada", Email: "ada@example.org", EmailVerified: true})
	p, err := oidc.NewProvider(context.Background(), s.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	ep := p.Endpoint()
	ep.AuthStyle = oauth2.AuthStyleInHeader
	return s, &oauth2.Config{ClientID: "broker", ClientSecret: "s3cret & +", RedirectURL: redirectURI, Endpoint: ep, Scopes: []string{"openid", "profile", "email"}}, p
}

// A library that is not ours must be content with the fake.
func TestOpenIDSatisfiesGoOIDC(t *testing.T) {
	for _, o := range []providertest.OpenIDOptions{{}, {Path: "/auth/realms/cern"}, {Alg: "RS512", NoKID: true}, {Alg: "ES256"}} {
		s, cfg, p := start(t, o)
		v := oauth2.GenerateVerifier()
		state := strings.Repeat("s+/%", 500)
		back := s.Walk(t, cfg.AuthCodeURL(state, oauth2.S256ChallengeOption(v), oidc.Nonce("n")), "ada")
		if back.Query().Get("state") != state || back.Query().Get("iss") != s.Issuer {
			t.Fatalf("callback %s", back)
		}
		tok, err := cfg.Exchange(context.Background(), back.Query().Get("code"), oauth2.VerifierOption(v))
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := tok.Extra("id_token").(string)
		alg := o.Alg
		if alg == "" {
			alg = "RS256"
		}
		idt, err := p.Verifier(&oidc.Config{ClientID: "broker", SupportedSigningAlgs: []string{alg}}).Verify(context.Background(), raw)
		if err != nil {
			t.Fatalf("%+v: %v", o, err)
		}
		if err := idt.VerifyAccessToken(tok.AccessToken); err != nil || idt.Nonce != "n" || idt.Subject != "ada" {
			t.Errorf("%+v: %v, nonce %q, subject %q", o, err, idt.Nonce, idt.Subject)
		}
		info, err := p.UserInfo(context.Background(), oauth2.StaticTokenSource(tok))
		if err != nil || info.Subject != "ada" || !info.EmailVerified {
			t.Errorf("userinfo %+v, %v", info, err)
		}
	}
}

func TestOpenIDIsStrict(t *testing.T) {
	s, cfg, _ := start(t, providertest.OpenIDOptions{})
	v := oauth2.GenerateVerifier()
	code := func() string {
		return s.Walk(t, cfg.AuthCodeURL("s", oauth2.S256ChallengeOption(v)), "ada").Query().Get("code")
	}
	exchange := func(cfg oauth2.Config, code string, opts ...oauth2.AuthCodeOption) string {
		_, err := cfg.Exchange(context.Background(), code, opts...)
		var re *oauth2.RetrieveError
		if err == nil {
			return ""
		}
		if !asRetrieve(err, &re) {
			t.Fatal(err)
		}
		return re.ErrorCode
	}
	verifier := oauth2.VerifierOption(v)
	if got := exchange(*cfg, code()); got != "invalid_grant" {
		t.Errorf("no verifier: %q", got)
	}
	if got := exchange(*cfg, code(), oauth2.VerifierOption(oauth2.GenerateVerifier())); got != "invalid_grant" {
		t.Errorf("other verifier: %q", got)
	}
	other := *cfg
	other.RedirectURL += "x"
	if got := exchange(other, code(), verifier); got != "invalid_grant" {
		t.Errorf("other redirect URI: %q", got)
	}
	wrong := *cfg
	wrong.ClientSecret = "wrong"
	if got := exchange(wrong, code(), verifier); got != "invalid_client" {
		t.Errorf("wrong secret: %q", got)
	}
	once := code()
	if got := exchange(*cfg, once, verifier); got != "" {
		t.Errorf("first use: %q", got)
	}
	if got := exchange(*cfg, once, verifier); got != "invalid_grant" {
		t.Errorf("second use: %q", got)
	}
	late := code()
	s.Advance(2 * time.Minute)
	if got := exchange(*cfg, late, verifier); got != "invalid_grant" {
		t.Errorf("late: %q", got)
	}
	if n := s.Count(providertest.Token); n != 7 {
		t.Errorf("%d token requests are in the log", n)
	}
	denied := s.Walk(t, cfg.AuthCodeURL("s"), "")
	if denied.Query().Get("error") != "access_denied" || denied.Query().Get("state") != "s" {
		t.Errorf("denied: %s", denied)
	}
	for name, change := range map[string]func(url.Values){
		"client":       func(q url.Values) { q.Set("client_id", "nobody") },
		"redirect URI": func(q url.Values) { q.Set("redirect_uri", "https://evil.example/") },
		"twice":        func(q url.Values) { q.Add("state", "x") },
	} {
		u, _ := url.Parse(cfg.AuthCodeURL("s"))
		q := u.Query()
		change(q)
		u.RawQuery = q.Encode()
		if to, err := s.TryWalk(u.String(), "ada"); err == nil {
			t.Errorf("%s: redirected to %s", name, to)
		}
	}
	plain := s.Walk(t, cfg.AuthCodeURL("s", oauth2.SetAuthURLParam("code_challenge", v), oauth2.SetAuthURLParam("code_challenge_method", "plain")), "ada")
	if plain.Query().Get("error") != "invalid_request" {
		t.Errorf("plain: %s", plain)
	}
	resp, err := http.Get(s.Endpoint(providertest.UserInfo))
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("userinfo without a token: %v, %v", resp, err)
	}
}

func asRetrieve(err error, target **oauth2.RetrieveError) bool {
	re, ok := err.(*oauth2.RetrieveError)
	*target = re
	return ok
}
