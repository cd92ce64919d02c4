package providers

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

func TestMerge(t *testing.T) {
	for _, tt := range []struct {
		name                string
		idToken, info, want claims
	}{
		{"adds", claims{"sub": "a"}, claims{"sub": "a", "name": "Ada"}, claims{"sub": "a", "name": "Ada"}},
		{"replaces nothing", claims{"sub": "a", "name": "Ada"}, claims{"name": "Eve"}, claims{"sub": "a", "name": "Ada"}},
		{"protocol claims are not added", claims{"sub": "a"}, claims{"iss": "x", "aud": "y", "acr": "high", "amr": "mfa", "auth_time": 1, "nonce": "n"}, claims{"sub": "a"}},
		{"address and proof together", claims{}, claims{"email": "a@b.c", "email_verified": true}, claims{"email": "a@b.c", "email_verified": true}},
		{"no proof of another address", claims{"email": "victim@b.c"}, claims{"email": "eve@b.c", "email_verified": true}, claims{"email": "victim@b.c"}},
		{"proof of the same address", claims{"email": "a@b.c"}, claims{"email": "a@b.c", "email_verified": true}, claims{"email": "a@b.c", "email_verified": true}},
		{"no proof of an address that stands alone there", claims{"email_verified": true}, claims{"email": "eve@b.c"}, claims{"email": "eve@b.c"}},
		{"a no stays a no", claims{"email": "a@b.c", "email_verified": false}, claims{"email": "a@b.c", "email_verified": true}, claims{"email": "a@b.c", "email_verified": false}},
	} {
		got := merge(tt.idToken, tt.info)
		maps.DeleteFunc(got, func(_ string, v any) bool { return v == nil })
		if !maps.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestUserInfo(t *testing.T) {
	idTokenKnowsNothing := func(_ providertest.Grant, c map[string]any) {
		for _, name := range []string{"name", "email", "email_verified", "preferred_username"} {
			delete(c, name)
		}
	}
	for _, signed := range []bool{false, true} {
		h := oidcHouse(t, providertest.OpenIDOptions{IDTokenClaims: idTokenKnowsNothing, OnUserInfo: func(_ providertest.Grant, c map[string]any) {
			c["iss"], c["aud"], c["amr"] = "https://evil.example", "evil", "mfa"
		}}, nil)
		h.fake.Switch(func(w *providertest.Switches) { w.SignedUserInfo = signed })
		p, err := h.signIn("user-1")
		if err != nil {
			t.Fatalf("signed %v: %v", signed, err)
		}
		if p.Name != "Ada Example" || p.Username != "ada" || p.Email != "ada@example.org" || !p.EmailVerified || p.Issuer != h.fake.Issuer || len(p.AMR) > 0 {
			t.Errorf("signed %v: %+v", signed, p)
		}
	}
}

func TestUserInfoNeedsTheToken(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	h.fake.Fail(providertest.UserInfo, providertest.Failure{Status: 403, Body: `{"error":"insufficient_scope"}`})
	_, err := h.signIn("user-1")
	wantError(t, "403", err, ErrUpstream)
	for _, r := range h.fake.Requests(providertest.UserInfo) {
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") || r.Header.Get("User-Agent") != userAgent {
			t.Errorf("headers %v", r.Header)
		}
	}
}

// What a refused sign-in brought is revoked, and what it did not is not.
func TestRefusedSignInDropsItsTokens(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	h.fake.LieAbout(t, "nonce other")
	_, err := h.signIn("user-1")
	wantError(t, "nonce", err, ErrUpstream)
	if n := h.fake.Count(providertest.Revoke); n != 2 { // refresh and access token
		t.Errorf("%d revocations", n)
	}
	_, err = h.signIn("user-1")
	wantError(t, "again", err, ErrUpstream)
	h = oidcHouse(t, providertest.OpenIDOptions{}, nil)
	if _, err := h.signIn("user-1"); err != nil || h.fake.Count(providertest.Revoke) != 0 {
		t.Errorf("a good sign-in: %v, %d revocations", err, h.fake.Count(providertest.Revoke))
	}
}

func TestRevoke(t *testing.T) {
	ctx := context.Background()
	for _, method := range []string{broker.AuthBasic, broker.AuthPost} {
		h := oidcHouse(t, providertest.OpenIDOptions{AuthMethods: []string{method}}, nil)
		p, err := h.signIn("user-1")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // what is gone is no error
			if err := h.reg.Revoke(ctx, "op", p.Tokens); err != nil {
				t.Errorf("%s: %v", method, err)
			}
		}
		if _, err := h.reg.byID["op"].provider.RefreshToken(p.Tokens[0].RefreshToken.Reveal()); err == nil {
			t.Errorf("%s: the refresh token lives", method)
		}
		first := h.fake.Requests(providertest.Revoke)[0]
		if !strings.Contains(first.Body, "token_type_hint=refresh_token") {
			t.Errorf("%s: first came %s", method, first.Body)
		}
	}

	h := oidcHouse(t, providertest.OpenIDOptions{Paths: map[string]string{providertest.Revoke: "-"}}, nil)
	if err := h.reg.Revoke(ctx, "op", []broker.RemoteToken{{AccessToken: "a"}}); err != nil {
		t.Errorf("a provider without revocation: %v", err)
	}
	h = oidcHouse(t, providertest.OpenIDOptions{}, nil)
	for _, tt := range []struct {
		f    providertest.Failure
		want *broker.Error
	}{
		{providertest.Failure{Status: 400, Body: `{"error":"invalid_token"}`}, nil},
		{providertest.Failure{Status: 400, Body: `{"error":"unsupported_token_type"}`}, nil},
		{providertest.Failure{Status: 401, Body: `{"error":"invalid_client"}`}, ErrMisconfigured},
		{providertest.Failure{Status: 503, Body: `busy`, ContentType: "text/plain"}, ErrUnavailable},
		{providertest.Failure{Delay: 5 * time.Second}, ErrUnavailable},
		{providertest.Failure{Status: 400, Body: `{"error":"what"}`}, ErrUpstream},
	} {
		h.fake.Fail(providertest.Revoke, tt.f)
		err := h.reg.Revoke(ctx, "op", []broker.RemoteToken{{AccessToken: "a"}})
		if tt.want == nil {
			if err != nil {
				t.Errorf("%+v: %v", tt.f, err)
			}
			continue
		}
		wantError(t, tt.f.Body, err, tt.want)
	}
	if err := h.reg.Revoke(ctx, "op", nil); err != nil {
		t.Errorf("nothing to revoke: %v", err)
	}
}
