package providers_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/providers"
	"idbroker/providers/providertest/oidcprovider"
)

const (
	brokerURL   = "https://broker.example"
	callbackURL = brokerURL + "/oauth/authorized/op/"
)

var (
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	formHidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// browse signs in as login and says yes, until the redirect URI is reached.
func browse(t *testing.T, address, login string) *url.URL {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 12 {
		resp, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if to, err := resp.Location(); err == nil {
			if strings.HasPrefix(to.String(), brokerURL) {
				return to
			}
			req, _ = http.NewRequest(http.MethodGet, to.String(), nil)
			continue
		}
		action := formAction.FindSubmatch(page)
		if action == nil {
			t.Fatalf("%s %s: no form in %s", req.URL, resp.Status, page)
		}
		form := url.Values{"login": {login}, "password": {"any"}}
		for _, m := range formHidden.FindAllSubmatch(page, -1) {
			form.Set(string(m[1]), string(m[2]))
		}
		to, err := req.URL.Parse(string(action[1]))
		if err != nil {
			t.Fatal(err)
		}
		req, _ = http.NewRequest(http.MethodPost, to.String(), strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	t.Fatal("too many pages")
	return nil
}

func TestRealOpenIDProvider(t *testing.T) {
	issuer := oidcprovider.Start(t, "providertest/oidcprovider", nil, "server.mjs", callbackURL)
	app := providers.App{ID: "op", Kind: "oidc", Issuer: issuer, ClientID: "my-broker", ClientSecret: "a-secret-of-the-test-0123456789"}
	open := func(app providers.App) *providers.Registry {
		r, err := providers.New(providers.Options{Apps: []providers.App{app}, BaseURL: brokerURL, AllowPrivate: true})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r, ctx := open(app), context.Background()
	start := func(r *providers.Registry, login string) (broker.Attempt, broker.Callback) {
		state := broker.NewSecret()
		out, err := r.Begin(ctx, "op", state.Reveal(), broker.BeginOptions{})
		if err != nil {
			t.Fatal(err)
		}
		back := browse(t, out.URL, login)
		cb, err := broker.ParseCallback(back.RawQuery)
		if err != nil || cb.State != state {
			t.Fatalf("callback %v, %v", cb, err)
		}
		return broker.Attempt{Provider: "op", RedirectURI: out.RedirectURI, ClientID: out.ClientID, Session: out.Session}, cb
	}

	attempt, cb := start(r, "ada")
	if cb.Issuer != issuer {
		t.Errorf("iss %q", cb.Issuer)
	}
	p, err := r.Complete(ctx, "op", attempt, cb)
	if err != nil {
		t.Fatal(err)
	}
	if p.Subject != "ada" || p.Issuer != issuer || p.Name != "Ada Example" || p.Username != "ada" || p.Email != "ada@example.org" || !p.EmailVerified {
		t.Errorf("profile %+v", p)
	}
	if len(p.Tokens) != 1 || p.Tokens[0].RefreshToken == "" {
		t.Fatalf("tokens %+v", p.Tokens)
	}

	wantRotation(t, r, p)

	if _, err := r.Complete(ctx, "op", attempt, cb); broker.KindOf(err) != broker.KindGone {
		t.Errorf("a used code: %v", err)
	}

	_, code := start(r, "bob") // the code of one attempt with the secrets of another
	other, _ := start(r, "bob")
	if _, err := r.Complete(ctx, "op", other, code); broker.KindOf(err) != broker.KindGone {
		t.Errorf("an injected code: %v", err)
	}
	stolen, wrong := start(r, "bob")
	wrong.Issuer = "https://evil.example"
	if _, err := r.Complete(ctx, "op", stolen, wrong); broker.KindOf(err) != broker.KindUpstream {
		t.Errorf("another's iss: %v", err)
	}
	missing := wrong
	missing.HasIssuer = false
	if _, err := r.Complete(ctx, "op", stolen, missing); broker.KindOf(err) != broker.KindUpstream {
		t.Errorf("no iss, though the metadata promises it: %v", err)
	}

	attempt, cb = start(r, "bob")
	p, err = r.Complete(ctx, "op", attempt, cb)
	if err != nil || p.EmailVerified {
		t.Fatalf("bob: %+v, %v", p, err)
	}
	userinfo := func() int {
		req, _ := http.NewRequest(http.MethodGet, issuer+"/me", nil)
		req.Header.Set("Authorization", "Bearer "+p.Tokens[0].AccessToken.Reveal())
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if got := userinfo(); got != http.StatusOK {
		t.Fatalf("userinfo before: %d", got)
	}
	for range 2 { // the second finds nothing to revoke
		if err := r.Revoke(ctx, "op", p.Tokens); err != nil {
			t.Errorf("revoke: %v", err)
		}
	}
	if got := userinfo(); got != http.StatusUnauthorized {
		t.Errorf("userinfo after: %d", got)
	}

	app.PKCE = providers.PKCEOff // it requires PKCE: the error comes to the callback
	noPKCE := open(app)
	out, err := noPKCE.Begin(ctx, "op", broker.NewSecret().Reveal(), broker.BeginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	refused, err := broker.ParseCallback(browse(t, out.URL, "ada").RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := noPKCE.Complete(ctx, "op", broker.Attempt{Provider: "op", RedirectURI: out.RedirectURI, ClientID: out.ClientID, Session: out.Session}, refused); broker.KindOf(err) != broker.KindUpstream {
		t.Errorf("without PKCE: %v", err)
	}

	app.ClientSecret = "wrong"
	bad := open(app)
	attempt, cb = start(bad, "ada")
	if _, err := bad.Complete(ctx, "op", attempt, cb); broker.KindOf(err) != broker.KindUpstream || strings.Contains(err.Error(), "wrong") {
		t.Errorf("wrong secret: %v", err)
	}
}
