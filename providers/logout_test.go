package providers

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

var aboutAda = map[string]any{"sub": "user-1", "sid": "session-1"}

func (h *house) logout(raw string) (broker.UpstreamLogout, error) {
	return h.reg.VerifyLogout(context.Background(), h.id, raw)
}

// TestLogoutToken: what a provider may send is understood.
func TestLogoutToken(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, func(a *App) { a.Hidden = true })
	for name, edit := range map[string]func(header, c map[string]any){
		"usual":                      nil,
		"with application/":          func(header, _ map[string]any) { header["typ"] = "application/logout+jwt" },
		"of before there was a type": func(header, _ map[string]any) { header["typ"] = "JWT" },
		"without a type":             func(header, _ map[string]any) { header["typ"] = nil },
		"without kid":                func(header, _ map[string]any) { header["kid"] = nil },
		"audience in a list":         func(_, c map[string]any) { c["aud"] = []string{"my-broker"} },
		"Keycloak's second event": func(_, c map[string]any) {
			c["events"].(map[string]any)["revoke_offline_access"] = true
		},
		"clock a little ahead": func(_, c map[string]any) { c["iat"] = time.Now().Add(40 * time.Second).Unix() },
		"a few minutes old":    func(_, c map[string]any) { c["iat"] = time.Now().Add(-5 * time.Minute).Unix() },
	} {
		l, err := h.logout(h.fake.LogoutToken("my-broker", aboutAda, edit))
		if err != nil || l.Provider != "op" || l.Issuer != h.fake.Issuer || l.Subject != "user-1" || l.SID != "session-1" || l.JTI == "" || !l.ExpiresAt.After(time.Now()) {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
	}
	for _, about := range []map[string]any{{"sub": "user-1"}, {"sid": "session-1"}} {
		l, err := h.logout(h.fake.LogoutToken("my-broker", about, nil))
		if sub, _ := about["sub"].(string); err != nil || l.Subject != sub || (l.SID != "") != (about["sid"] != nil) {
			t.Errorf("%v: %+v, %v", about, l, err)
		}
	}
	if _, err := h.reg.VerifyLogout(context.Background(), "none", ""); !errors.Is(err, ErrUnknown) {
		t.Errorf("unknown provider: %v", err)
	}
}

// TestFalseLogoutTokens performs the attacks on logout tokens.
func TestFalseLogoutTokens(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	set := func(name string, value any) func(_, c map[string]any) {
		return func(_, c map[string]any) { c[name] = value }
	}
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	for name, edit := range map[string]func(header, c map[string]any){
		"another issuer":          set("iss", "https://evil.example"),
		"no issuer":               set("iss", nil),
		"another audience":        set("aud", "another-client"),
		"further audience":        set("aud", []string{"my-broker", "another-client"}),
		"further, long audience":  set("aud", []string{"my-broker", strings.Repeat("x", 300)}),
		"no audience":             set("aud", nil),
		"no iat":                  set("iat", nil),
		"iat as text":             set("iat", "now"),
		"old iat":                 set("iat", ago(7*time.Minute)),
		"future iat":              set("iat", ago(-2*time.Minute)),
		"no exp":                  set("exp", nil),
		"expired":                 set("exp", ago(2*time.Minute)),
		"no jti":                  set("jti", nil),
		"jti as number":           set("jti", 7),
		"long jti":                set("jti", strings.Repeat("x", 256)),
		"no events":               set("events", nil),
		"events as text":          set("events", "http://schemas.openid.net/event/backchannel-logout"),
		"events as list":          set("events", []string{"http://schemas.openid.net/event/backchannel-logout"}),
		"another event":           set("events", map[string]any{"http://schemas.openid.net/event/backchannel-login": map[string]any{}}),
		"event in another case":   set("events", map[string]any{"http://schemas.openid.net/event/Backchannel-Logout": map[string]any{}}),
		"event is no object":      set("events", map[string]any{"http://schemas.openid.net/event/backchannel-logout": true}),
		"nonce":                   set("nonce", "n"),
		"empty nonce":             set("nonce", ""),
		"neither sub nor sid":     func(_, c map[string]any) { c["sub"], c["sid"] = nil, nil },
		"sub as number":           set("sub", 1),
		"empty sub":               set("sub", ""),
		"sid as list":             set("sid", []string{"session-1"}),
		"long sid":                set("sid", strings.Repeat("x", 256)),
		"not valid yet":           set("nbf", ago(-10*time.Minute)),
		"type of an access token": func(header, _ map[string]any) { header["typ"] = "at+jwt" },
		"type of a request":       func(header, _ map[string]any) { header["typ"] = "oauth-authz-req+jwt" },
		"type is no text":         func(header, _ map[string]any) { header["typ"] = 1 },
		"huge":                    set("more", strings.Repeat("x", maxLogoutToken)),
	} {
		if l, err := h.logout(h.fake.LogoutToken("my-broker", aboutAda, edit)); !errors.Is(err, ErrLogoutToken) {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
	}
	forged := h.fake.ForgedLogoutTokens("my-broker", aboutAda)
	if len(forged) != 10 {
		t.Errorf("%d forgeries", len(forged))
	}
	for name, raw := range forged {
		if l, err := h.logout(raw); !errors.Is(err, ErrLogoutToken) {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
	}
	p, err := h.signIn("user-1")
	if err != nil {
		t.Fatal(err)
	}
	if l, err := h.logout(p.Tokens[0].IDToken.Reveal()); !errors.Is(err, ErrLogoutToken) {
		t.Errorf("an ID token: %+v, %v", l, err)
	}
}

// TestLogoutTokenIsNoIDToken: where a logout token stands in the place of an ID
// token nobody comes in, even where it had the right nonce.
func TestLogoutTokenIsNoIDToken(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{IDTokenClaims: func(g providertest.Grant, c map[string]any) {
		c["events"] = map[string]any{logoutEvent: map[string]any{}}
	}}, nil)
	_, err := h.signIn("user-1")
	wantError(t, "a token about an event", err, ErrUpstream)
}

// TestStrangersLogoutTokensFetchLittle: whoever sends forged tokens makes us ask
// for keys as often as lookupPause allows, and not at all where the claims tell.
func TestStrangersLogoutTokensFetchLittle(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	for range 20 {
		_, err := h.logout(h.fake.LogoutToken("another-client", aboutAda, nil))
		wantError(t, "another audience", err, ErrLogoutToken)
	}
	if n := h.fake.Count(providertest.JWKS) + h.fake.Count(providertest.Discovery); n != 0 {
		t.Errorf("%d lookups for tokens that are not for us", n)
	}
	forged := h.fake.ForgedLogoutTokens("my-broker", aboutAda)
	for range 20 {
		for _, name := range []string{"unknown kid", "foreign key"} {
			_, err := h.logout(forged[name])
			wantError(t, name, err, ErrLogoutToken)
		}
	}
	if n := h.fake.Count(providertest.JWKS); n != 1 {
		t.Errorf("%d lookups of keys at once", n)
	}
	h.fake.RotateKey(false) // and a new key of the provider's is found all the same
	h.pass(lookupPause + time.Second)
	if _, err := h.logout(h.fake.LogoutToken("my-broker", aboutAda, nil)); err != nil {
		t.Errorf("after a rotation: %v", err)
	}
}

func TestLogoutWhileKeysAreUnavailable(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	for range 4 {
		h.fake.Fail(providertest.JWKS, providertest.Failure{Status: 503})
	}
	_, err := h.logout(h.fake.LogoutToken("my-broker", aboutAda, nil))
	wantError(t, "no keys", err, ErrUnavailable)
}

// FuzzLogoutToken: whatever comes, a token without the provider's signature does
// not count, and nothing panics.
func FuzzLogoutToken(f *testing.F) {
	fake := providertest.NewOpenID(f, providertest.OpenIDOptions{})
	fake.AddClient(providertest.Client{ID: "my-broker", Secret: testSecret})
	reg, err := New(Options{Apps: []App{{ID: "op", Kind: "oidc", Issuer: fake.Issuer, ClientID: "my-broker", ClientSecret: testSecret}}, BaseURL: testBase, AllowPrivate: true})
	if err != nil {
		f.Fatal(err)
	}
	good := map[string]bool{}
	for _, about := range []map[string]any{aboutAda, {"sub": "user-1"}} {
		raw := fake.LogoutToken("my-broker", about, nil)
		good[raw] = true
		f.Add(raw)
	}
	for _, raw := range fake.ForgedLogoutTokens("my-broker", aboutAda) {
		f.Add(raw)
	}
	f.Add("..")
	f.Add("e30.e30.")
	f.Fuzz(func(t *testing.T, raw string) {
		l, err := reg.VerifyLogout(context.Background(), "op", raw)
		if err == nil && !good[raw] || err != nil && good[raw] {
			t.Fatalf("%q: %+v, %v", raw, l, err)
		}
		if err != nil && broker.KindOf(err) != broker.KindBadRequest {
			t.Fatalf("%q: %v", raw, err)
		}
	})
}

func TestFarewell(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	ctx := context.Background()
	mine := broker.Upstream{Issuer: h.fake.Issuer, Subject: "user-1", ClientID: "my-broker", IDToken: "hint"}
	f, err := h.reg.Farewell(ctx, "op", broker.SignOutRequest{Upstream: mine, State: "st&te", UILocales: "de"})
	if err != nil || !f.Returns || !f.Automatic {
		t.Fatalf("%+v, %v", f, err)
	}
	u, err := url.Parse(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"client_id": {"my-broker"}, "id_token_hint": {"hint"}, "state": {"st&te"}, "ui_locales": {"de"},
		"post_logout_redirect_uri": {testBase + "/oauth/signed-out/op/"},
	}
	if !strings.HasPrefix(f.URL, h.fake.Endpoint(providertest.EndSession)+"?") || u.Query().Encode() != want.Encode() {
		t.Errorf("%s", f.URL)
	}
	for name, other := range map[string]broker.Upstream{
		"another client's": {Issuer: h.fake.Issuer, ClientID: "before", IDToken: "hint"},
		"another issuer's": {Issuer: "https://old.example", ClientID: "my-broker", IDToken: "hint"},
		"none":             {},
	} {
		if f, err := h.reg.Farewell(ctx, "op", broker.SignOutRequest{Upstream: other, State: "s"}); err != nil || strings.Contains(f.URL, "hint") || !f.Returns {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	if h.reg.SignedOutURI("op") != testBase+"/oauth/signed-out/op/" || h.reg.LogoutURI("op") != testBase+"/oauth/backchannel/op/" || h.reg.SignedOutURI("none")+h.reg.LogoutURI("none") != "" {
		t.Error("the addresses to register")
	}
}

// TestFarewellElsewhere: kinds without end_session_endpoint have a page, or nothing.
func TestFarewellElsewhere(t *testing.T) {
	none := oidcHouse(t, providertest.OpenIDOptions{Paths: map[string]string{providertest.EndSession: "-"}}, nil)
	if f, err := none.reg.Farewell(context.Background(), "op", broker.SignOutRequest{}); err != nil || f != (broker.Farewell{}) {
		t.Errorf("no endpoint: %+v, %v", f, err)
	}
	evil := oidcHouse(t, providertest.OpenIDOptions{Metadata: func(m map[string]any) { m["end_session_endpoint"] = "javascript:alert(1)" }}, nil)
	if f, err := evil.reg.Farewell(context.Background(), "op", broker.SignOutRequest{}); err != nil || f != (broker.Farewell{}) {
		t.Errorf("an address that runs: %+v, %v", f, err)
	}
	if _, err := evil.signIn("user-1"); err != nil {
		t.Errorf("and it lets nobody in: %v", err)
	}
	secret := broker.Secret("secret")
	reg, err := New(Options{BaseURL: testBase, Apps: []App{
		{ID: "gh", Kind: "github", ClientID: "c", ClientSecret: secret},
		{ID: "ghe", Kind: "github", BaseURL: "https://github.example.org", ClientID: "c", ClientSecret: secret},
		{ID: "orcid", Kind: "orcid", ClientID: "c", ClientSecret: secret},
		{ID: "sandbox", Kind: "orcid", Sandbox: true, ClientID: "c", ClientSecret: secret},
		{ID: "globus", Kind: "globus", ClientID: "c", ClientSecret: secret},
		{ID: "own", Kind: "oidc", Issuer: "https://op.example", ClientID: "c", SignOutURL: "https://op.example/out?x=y", SignOut: broker.SignOutNone},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]broker.Farewell{
		"gh":      {URL: "https://github.com/logout"},
		"ghe":     {URL: "https://github.example.org/logout"},
		"orcid":   {URL: "https://orcid.org/signout"},
		"sandbox": {URL: "https://sandbox.orcid.org/signout"},
		"own":     {URL: "https://op.example/out?x=y"},
		"globus": {
			URL:     "https://auth.globus.org/v2/web/logout?client_id=c&redirect_name=broker.example&redirect_uri=" + url.QueryEscape(testBase+"/oauth/signed-out/globus/?state=s"),
			Returns: true,
		},
	} {
		if f, err := reg.Farewell(context.Background(), id, broker.SignOutRequest{State: "s", Upstream: broker.Upstream{IDToken: "hint"}}); err != nil || f != want {
			t.Errorf("%s: %+v, %v", id, f, err)
		}
		if _, err := reg.VerifyLogout(context.Background(), id, ""); id != "own" && !errors.Is(err, ErrUnknown) {
			t.Errorf("%s tells of logouts: %v", id, err)
		}
		if p, _ := reg.Provider(id); (id == "own") != (p.SignOut == broker.SignOutNone) {
			t.Errorf("%s: policy %q", id, p.SignOut)
		}
	}
	if _, err := reg.Farewell(context.Background(), "none", broker.SignOutRequest{}); !errors.Is(err, ErrUnknown) {
		t.Errorf("unknown: %v", err)
	}
	for _, bad := range []App{
		{ID: "a", Kind: "github", ClientID: "c", ClientSecret: secret, SignOut: broker.SignOutAlways},
		{ID: "a", Kind: "orcid", ClientID: "c", ClientSecret: secret, SignOut: broker.SignOutAlways},
		{ID: "a", Kind: "oidc", Issuer: "https://op.example", ClientID: "c", SignOut: broker.SignOutAlways, SignOutURL: "https://op.example/out"},
		{ID: "a", Kind: "oidc", Issuer: "https://op.example", ClientID: "c", SignOut: "sometimes"},
		{ID: "a", Kind: "oidc", Issuer: "https://op.example", ClientID: "c", SignOutURL: "http://op.example/out"},
		{ID: "a", Kind: "oidc", Issuer: "https://op.example", ClientID: "c", SignOutURL: "javascript:alert(1)"},
	} {
		if _, err := New(Options{BaseURL: testBase, Apps: []App{bad}}); err == nil || !strings.Contains(err.Error(), "sign_out") {
			t.Errorf("%s %q %q: %v", bad.Kind, bad.SignOut, bad.SignOutURL, err)
		}
	}
}

// TestSessionIsRemembered: what a sign-in tells of the session there.
func TestSessionIsRemembered(t *testing.T) {
	for sid, want := range map[any]string{"abc": "abc", strings.Repeat("x", 256): "", 7: "", "a\nb": "", nil: ""} {
		h := oidcHouse(t, providertest.OpenIDOptions{
			IDTokenClaims: func(_ providertest.Grant, c map[string]any) { c["sid"] = sid },
			OnUserInfo:    func(_ providertest.Grant, c map[string]any) { c["sid"] = "of-userinfo" },
		}, nil)
		p, err := h.signIn("user-1")
		if err != nil {
			t.Fatal(err)
		}
		u := p.Upstream()
		if p.SID != want || u.SID != want || u.Subject != "user-1" || u.Issuer != h.fake.Issuer || u.ClientID != "my-broker" || u.IDToken == "" || u.IDToken != p.Tokens[0].IDToken {
			t.Errorf("%v: %+v", sid, u)
		}
	}
	long := broker.Profile{Tokens: []broker.RemoteToken{{IDToken: broker.Secret(strings.Repeat("x", 7<<10))}}, Subject: "s"}
	if u := long.Upstream(); u.IDToken != "" || u.Subject != "s" {
		t.Errorf("a long ID token: %+v", u)
	}
	if u := (broker.Profile{Subject: "s", Tokens: []broker.RemoteToken{{AccessToken: "a"}}}).Upstream(); u != (broker.Upstream{}) {
		t.Errorf("a provider without ID tokens: %+v", u)
	}
}
