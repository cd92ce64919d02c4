package providers

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

// The subject is refused where the token is verified, before userinfo is asked
// about it, and again where the profile leaves.
func TestSubjectIsCheckedAtTheToken(t *testing.T) {
	for _, lie := range []string{"sub empty", "sub missing", "sub 256", "sub not ASCII", "sub with newline"} {
		h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
		h.fake.LieAbout(t, lie)
		address, attempt, err := h.begin(broker.BeginOptions{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.complete(attempt, h.fake.Walk(t, address, "user-1"))
		if !errors.Is(err, ErrUpstream) || h.fake.Count(providertest.UserInfo) != 0 {
			t.Errorf("%s: %v, %d userinfo requests", lie, err, h.fake.Count(providertest.UserInfo))
		}
	}
}

// expires_in comes in odd forms that are no reason to refuse a person.
func TestExpiresIn(t *testing.T) {
	for _, tt := range []struct {
		value    any
		min, max time.Duration
	}{
		{"3600", 59 * time.Minute, 61 * time.Minute},
		{631138518, 19 * 365 * 24 * time.Hour, 21 * 365 * 24 * time.Hour}, // ORCID
		{json.Number("99999999999999"), 60 * 365 * 24 * time.Hour, 70 * 365 * 24 * time.Hour},
		{nil, 0, 0},
		{0, 0, 0},
	} {
		h := oidcHouse(t, providertest.OpenIDOptions{TokenAnswer: func(_ providertest.Grant, m map[string]any) { m["expires_in"] = tt.value }}, nil)
		p, err := h.signIn("user-1")
		if err != nil {
			t.Errorf("%v: %v", tt.value, err)
			continue
		}
		at := p.Tokens[0].ExpiresAt
		if left := time.Until(at); tt.max == 0 && !at.IsZero() || tt.max > 0 && (left < tt.min || left > tt.max) {
			t.Errorf("%v: %s", tt.value, at)
		}
	}
	for _, bad := range []any{"-5", -99999999999, "1e400", json.Number("1e400"), "soon", true, 1.5} {
		h := oidcHouse(t, providertest.OpenIDOptions{TokenAnswer: func(_ providertest.Grant, m map[string]any) { m["expires_in"] = bad }}, nil)
		_, err := h.signIn("user-1")
		wantError(t, "expires_in", err, ErrUpstream)
	}
}

func TestScopesOfTokens(t *testing.T) {
	for value, want := range map[any]string{nil: "openid profile email", "openid": "openid", "": "openid profile email", 7: "openid profile email"} {
		h := oidcHouse(t, providertest.OpenIDOptions{TokenAnswer: func(_ providertest.Grant, m map[string]any) { m["scope"] = value }}, nil)
		p, err := h.signIn("user-1")
		if err != nil || strings.Join(p.Tokens[0].Scopes, " ") != want {
			t.Errorf("%v: %v, %v", value, p.Tokens, err)
		}
	}
}

// The one way that the client repeats: GETs.
func TestPOSTIsNeverRepeated(t *testing.T) {
	for _, f := range []providertest.Failure{{Status: http.StatusServiceUnavailable, Body: "{}"}, {Status: http.StatusOK, Reset: true, Body: "{}"}} {
		h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
		h.fake.Fail(providertest.Revoke, f, f, f)
		err := h.reg.Revoke(t.Context(), "op", []broker.RemoteToken{{AccessToken: "a"}})
		if n := h.fake.Count(providertest.Revoke); n != 1 {
			t.Errorf("%+v: %d requests, %v", f, n, err)
		}
		h = oidcHouse(t, providertest.OpenIDOptions{}, nil) // anew: the connection may be broken
		h.fake.Fail(providertest.Token, f, f, f)
		_, err = h.signIn("user-1")
		if n := h.fake.Count(providertest.Token); n != 1 {
			t.Errorf("%+v: the code was sent %d times, %v", f, n, err)
		}
	}
}

// A symmetric key is no proof of who signed, and a published private one is
// anybody's.
func TestOnlyPublicKeysAreKept(t *testing.T) {
	fake := providertest.NewOpenID(t, providertest.OpenIDOptions{})
	private := fake.PrivateJWK()
	for name, key := range map[string]jose.JSONWebKey{
		"oct": {Key: []byte(strings.Repeat("k", 32))}, "private": private,
		"encryption": {Key: private.Public().Key, Use: "enc"}, "HS256": {Key: private.Public().Key, Algorithm: "HS256"},
	} {
		raw, err := key.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if keys, err := parseKeys([]json.RawMessage{raw}); err == nil {
			t.Errorf("%s is kept: %v", name, keys)
		}
	}
	raw, err := private.Public().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := parseKeys([]json.RawMessage{raw}); err != nil || len(keys) != 1 {
		t.Errorf("a public key: %v", err)
	}
}

// A refreshed ID token must be the provider's and for us.
func TestRefreshedIDTokenIsVerified(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	p, err := h.signIn("user-1")
	if err != nil {
		t.Fatal(err)
	}
	h.fake.LieAbout(t, "aud other")
	if _, err := h.reg.byID["op"].provider.RefreshToken(p.Tokens[0].RefreshToken.Reveal()); !errors.Is(err, ErrUpstream) {
		t.Errorf("another's ID token: %v", err)
	}
}
