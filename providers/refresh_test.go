package providers

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

// signedIn is a house in which user-1 has signed in, and their main token.
func signedIn(t *testing.T, o providertest.OpenIDOptions, change func(*App)) (*house, broker.RemoteToken) {
	t.Helper()
	h := oidcHouse(t, o, change)
	p, err := h.signIn("user-1")
	if err != nil {
		t.Fatal(err)
	}
	return h, p.Tokens[0]
}

func (h *house) refresh(t broker.RemoteToken) (broker.Renewal, error) {
	return h.reg.Refresh(h.t.Context(), h.id, "user-1", t)
}

func TestRefresh(t *testing.T) {
	h, was := signedIn(t, providertest.OpenIDOptions{}, nil)
	was.AccountID = "account"
	asked := time.Now()
	r, err := h.refresh(was)
	if err != nil {
		t.Fatal(err)
	}
	now := r.Token
	if now.AccessToken == was.AccessToken || now.RefreshToken == was.RefreshToken || now.RefreshToken == "" || now.IDToken == "" || now.AccountID != "account" || now.Kind != "" {
		t.Errorf("%+v", now)
	}
	if end := asked.Add(time.Hour); now.ExpiresAt.Before(end) || now.ExpiresAt.After(end.Add(time.Minute)) {
		t.Errorf("ends at %s", now.ExpiresAt)
	}
	h.fake.Switch(func(s *providertest.Switches) { s.KeepRefresh = true })
	r, err = h.refresh(now)
	if err != nil || r.Token.RefreshToken != "" || r.Token.AccessToken == "" {
		t.Errorf("a provider that does not rotate: %+v, %v", r.Token, err)
	}
	if _, err := h.refresh(broker.RemoteToken{AccessToken: "a"}); !errors.Is(err, ErrRestart) {
		t.Errorf("without a refresh token: %v", err)
	}
	if _, err := h.reg.Refresh(t.Context(), "none", "user-1", was); !errors.Is(err, ErrUnknown) {
		t.Errorf("an unknown provider: %v", err)
	}
}

// TestExpiryIsCountedFromTheRequest: the answer takes its time, in which the
// token may have been living already.
func TestExpiryIsCountedFromTheRequest(t *testing.T) {
	h, was := signedIn(t, providertest.OpenIDOptions{Lifetime: time.Minute}, nil)
	const slow = 700 * time.Millisecond
	h.fake.Fail(providertest.Token, providertest.Failure{Delay: slow})
	r, err := h.refresh(was)
	if err != nil {
		t.Fatal(err)
	}
	if late := time.Until(r.Token.ExpiresAt); late > time.Minute-slow {
		t.Errorf("believed for another %s", late)
	}
}

// TestRefreshFailures: what an error means, and whether the provider may have
// replaced the refresh token.
func TestRefreshFailures(t *testing.T) {
	body := func(code string) string { return `{"error":"` + code + `"}` }
	for name, tt := range map[string]struct {
		failure    providertest.Failure
		want       error
		unanswered bool
		after      time.Duration
	}{
		"invalid_grant":       {providertest.Failure{Status: 400, Body: body("invalid_grant")}, ErrRestart, false, 0},
		"as GitHub refuses":   {providertest.Failure{Status: 200, Body: body("bad_refresh_token")}, ErrRestart, false, 0},
		"as GitHub complains": {providertest.Failure{Status: 200, Body: body("incorrect_client_credentials")}, ErrMisconfigured, false, 0},
		"invalid_client":      {providertest.Failure{Status: 401, Body: body("invalid_client")}, ErrMisconfigured, false, 0},
		"too many":            {providertest.Failure{Status: 429, Body: `{}`, Header: map[string]string{"Retry-After": "120"}}, ErrUnavailable, false, 2 * time.Minute},
		"maintenance":         {providertest.Failure{Status: 503, HTML: true}, ErrUnavailable, true, 0},
		"gateway":             {providertest.Failure{Status: 504, Body: `{}`}, ErrUnavailable, true, 0},
		"broken off":          {providertest.Failure{Reset: true}, ErrUnavailable, true, 0},
		"cut":                 {providertest.Failure{Truncate: true}, ErrUpstream, true, 0},
		"huge":                {providertest.Failure{Huge: true}, ErrUpstream, true, 0},
		"a page with 200":     {providertest.Failure{HTML: true}, ErrUpstream, true, 0},
		"too late":            {providertest.Failure{Delay: 4 * time.Second}, ErrUnavailable, true, 0},
		"negative expires_in": {providertest.Failure{Status: 200, Body: `{"access_token":"a","token_type":"Bearer","expires_in":-5}`}, ErrUpstream, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h, was := signedIn(t, providertest.OpenIDOptions{}, nil)
			before := h.fake.Count(providertest.Token)
			h.fake.Fail(providertest.Token, tt.failure)
			r, err := h.refresh(was)
			if !errors.Is(err, tt.want) || r.Unanswered != tt.unanswered || r.RetryAfter != tt.after || r.Token.AccessToken != "" {
				t.Errorf("%v, %+v", err, r)
			}
			if n := h.fake.Count(providertest.Token) - before; n != 1 {
				t.Errorf("asked %d times", n)
			}
			if strings.Contains(err.Error(), was.RefreshToken.Reveal()) {
				t.Errorf("the error has the token: %v", err)
			}
		})
	}
}

// TestRefreshBeforeItIsSent: what fails before the request is sent costs nothing.
func TestRefreshBeforeItIsSent(t *testing.T) {
	for _, endpoint := range []string{providertest.Discovery, providertest.JWKS} {
		h, was := signedIn(t, providertest.OpenIDOptions{}, nil)
		h.pass(metadataStale + time.Hour) // what was known is forgotten
		down := providertest.Failure{Status: 503, Body: "{}"}
		h.fake.Fail(endpoint, down, down, down, down)
		before := h.fake.Count(providertest.Token)
		r, err := h.refresh(was)
		if !errors.Is(err, ErrUnavailable) || r.Unanswered || h.fake.Count(providertest.Token) != before {
			t.Errorf("%s: %v, %+v", endpoint, err, r)
		}
	}
	h, was := signedIn(t, providertest.OpenIDOptions{}, nil)
	h.fake.Stop()
	_, _ = h.refresh(was) // may still use a connection that has just been cut
	if r, err := h.refresh(was); !errors.Is(err, ErrUnavailable) || r.Unanswered {
		t.Errorf("nobody listens: %v, %+v", err, r)
	}
}

// TestRefreshOfSomebodyElse performs the attack (or the provider's mistake): the
// answer is about another person. It is refused, and what came ends at the provider.
func TestRefreshOfSomebodyElse(t *testing.T) {
	var claim atomic.Value
	claim.Store(func(map[string]any) {})
	o := providertest.OpenIDOptions{IDTokenClaims: func(_ providertest.Grant, c map[string]any) { claim.Load().(func(map[string]any))(c) }}
	for name, tt := range map[string]struct {
		edit func(map[string]any)
		want error
	}{
		"sub":            {func(c map[string]any) { c["sub"] = "user-2" }, ErrOtherPerson},
		"iss":            {func(c map[string]any) { c["iss"] = "https://elsewhere.example" }, ErrUpstream},
		"aud":            {func(c map[string]any) { c["aud"] = "another-client" }, ErrUpstream},
		"azp":            {func(c map[string]any) { c["azp"] = "another-client" }, ErrUpstream},
		"iat missing":    {func(c map[string]any) { delete(c, "iat") }, ErrUpstream},
		"iat long ago":   {func(c map[string]any) { c["iat"] = time.Now().Add(-48 * time.Hour).Unix() }, ErrUpstream},
		"iat to come":    {func(c map[string]any) { c["iat"] = time.Now().Add(time.Hour).Unix() }, ErrUpstream},
		"expired":        {func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() }, ErrUpstream},
		"at_hash":        {func(c map[string]any) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" }, ErrUpstream},
		"another nonce":  {func(c map[string]any) { c["nonce"] = "of the sign-in" }, nil}, // need not be told (OpenID Connect Core 1.0, section 12.2)
		"without change": {func(map[string]any) {}, nil},
	} {
		claim.Store(func(map[string]any) {})
		h, was := signedIn(t, o, nil)
		claim.Store(tt.edit)
		r, err := h.refresh(was)
		if tt.want == nil {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !errors.Is(err, tt.want) || r.Token.AccessToken != "" || !r.Unanswered {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
		if n := h.fake.Count(providertest.Revoke); n != 2 {
			t.Errorf("%s: %d tokens revoked, want both", name, n)
		}
	}
}

// TestRefreshEnds: who tells when a refresh token ends is believed.
func TestRefreshEnds(t *testing.T) {
	for value, want := range map[any]time.Duration{15811200: 183 * 24 * time.Hour, "1800": 30 * time.Minute, -1: 0, "soon": 0, nil: 0, 0: 0} {
		for _, name := range []string{"refresh_token_expires_in", "refresh_expires_in"} {
			_, was := signedIn(t, providertest.OpenIDOptions{TokenAnswer: func(_ providertest.Grant, m map[string]any) { m[name] = value }}, nil)
			got := time.Until(was.RefreshExpiresAt).Round(time.Minute)
			if want == 0 && !was.RefreshExpiresAt.IsZero() || want > 0 && got != want {
				t.Errorf("%s %v: %s", name, value, was.RefreshExpiresAt)
			}
		}
	}
}

func TestLifetime(t *testing.T) {
	for _, tt := range []struct {
		in   any
		want time.Duration
		bad  bool
	}{
		{nil, 0, false}, {3600.0, time.Hour, false}, {"3600", time.Hour, false}, {json.Number("3600"), time.Hour, false}, {"", 0, false},
		{0.0, 0, false}, {"0", 0, false}, {1e300, maxLifetime, false}, {"99999999999999999999999", maxLifetime, false}, {float64(math.MaxInt32), maxLifetime, false},
		{-1.0, 0, true}, {"-1", 0, true}, {"-99999999999999999999999", 0, true}, {1.5, 0, true}, {"1.5", 0, true}, {"soon", 0, true}, {" 1", 0, true}, {true, 0, true},
		{math.NaN(), 0, true}, {math.Inf(1), maxLifetime, false}, {math.Inf(-1), 0, true}, {[]any{}, 0, true},
	} {
		if got, err := lifetime(tt.in); got != tt.want || (err != nil) != tt.bad {
			t.Errorf("lifetime(%v) = %s, %v", tt.in, got, err)
		}
	}
}

// FuzzLifetime: whatever a provider writes, a lifetime is none, or a whole number
// of seconds that a database can keep.
func FuzzLifetime(f *testing.F) {
	for _, seed := range []string{`3600`, `"3600"`, `-5`, `"1e9"`, `1e400`, `null`, `true`, `{}`, `""`, `0.5`, `9223372036854775807`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			v = text
		}
		d, err := lifetime(v)
		if d < 0 || d > maxLifetime || d%time.Second != 0 || err != nil && d != 0 {
			t.Errorf("lifetime(%q) = %s, %v", text, d, err)
		}
		if end := endsAt(time.Now(), d); end.IsZero() != (d == 0) || end.Year() > 2200 {
			t.Errorf("%q ends at %s", text, end)
		}
	})
}
