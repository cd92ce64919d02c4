package providertest_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"idbroker/providers/providertest"
)

func startCERN(t *testing.T) (*providertest.CERN, *oauth2.Config, *oidc.Provider) {
	t.Helper()
	c := providertest.NewCERN(t)
	c.AddClient(providertest.Client{ID: "broker", Secret: "secret", RedirectURIs: []string{redirectURI}})
	c.AddPerson(providertest.CERNPerson("mexample", "Maria Example", "123456", "broker"))
	p, err := oidc.NewProvider(context.Background(), c.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	ep := p.Endpoint()
	ep.AuthStyle = oauth2.AuthStyleInHeader
	return c, &oauth2.Config{ClientID: "broker", ClientSecret: "secret", RedirectURL: redirectURI, Endpoint: ep, Scopes: []string{"openid", "profile", "email"}}, p
}

func TestCERNAnswersAsKeycloakDoes(t *testing.T) {
	c, cfg, p := startCERN(t)
	ctx := context.Background()
	if want := "/auth/realms/cern/protocol/openid-connect/auth"; !strings.HasSuffix(p.Endpoint().AuthURL, want) {
		t.Errorf("authorization endpoint %s", p.Endpoint().AuthURL)
	}
	back := c.Walk(t, cfg.AuthCodeURL("s"), "mexample").Query()
	if back.Get("session_state") == "" || back.Get("iss") != c.Issuer {
		t.Errorf("callback %v", back)
	}
	tok, err := cfg.Exchange(ctx, back.Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	if tok.Extra("session_state") == nil || tok.Extra("refresh_expires_in") == nil || strings.Count(tok.AccessToken, ".") != 2 {
		t.Errorf("answer %+v", tok)
	}
	idToken, _ := tok.Extra("id_token").(string)
	if _, err := p.Verifier(&oidc.Config{ClientID: "broker"}).Verify(ctx, idToken); err != nil {
		t.Error(err)
	}
	_, err = cfg.Exchange(ctx, "nonsense")
	if re, ok := err.(*oauth2.RetrieveError); !ok || re.ErrorDescription != "Code not valid" {
		t.Errorf("bad code: %v", err)
	}
	bad := *cfg
	bad.ClientSecret = "wrong"
	_, err = bad.Exchange(ctx, "nonsense")
	if re, ok := err.(*oauth2.RetrieveError); !ok || re.ErrorCode != "unauthorized_client" || re.Response.StatusCode != 401 {
		t.Errorf("bad secret: %v", err)
	}
	c.Block("mexample")
	if to, err := c.TryWalk(cfg.AuthCodeURL("s"), "mexample"); err == nil {
		t.Errorf("a blocked account came back: %s", to)
	}

	logout := func(q url.Values) *http.Response {
		t.Helper()
		browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := browser.Get(c.Endpoint(providertest.EndSession) + "?" + q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp
	}
	for _, tt := range []struct {
		q    url.Values
		want int
	}{
		{url.Values{"id_token_hint": {idToken}, "post_logout_redirect_uri": {redirectURI}, "state": {"x"}}, http.StatusSeeOther},
		{url.Values{"client_id": {"broker"}, "post_logout_redirect_uri": {redirectURI}}, http.StatusSeeOther},
		{url.Values{"post_logout_redirect_uri": {redirectURI}}, http.StatusOK}, // a page that asks
		{url.Values{"client_id": {"broker"}, "post_logout_redirect_uri": {"https://evil.example/"}}, http.StatusBadRequest},
		{url.Values{"id_token_hint": {idToken[:len(idToken)-8]}, "post_logout_redirect_uri": {redirectURI}}, http.StatusBadRequest},
	} {
		if got := logout(tt.q).StatusCode; got != tt.want {
			t.Errorf("%v: %d, want %d", tt.q, got, tt.want)
		}
	}
}

func TestCERNLogoutTokens(t *testing.T) {
	c, _, p := startCERN(t)
	for name, raw := range c.LogoutTokens("broker", "mexample", "sid-1") {
		_, err := p.Verifier(&oidc.Config{ClientID: "broker"}).VerifyLogout(context.Background(), raw)
		if (err == nil) != (name == "good") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
