package providertest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"

	"idbroker/providers/providertest"
)

const (
	globusCallback = "https://broker.example/oauth/authorized/globus/"
	jane           = "8b1f3c0a-1111-4222-8333-444455556666"
	janeElsewhere  = "99990000-aaaa-4bbb-8ccc-dddd22223333"
)

func startGlobus(t *testing.T) *providertest.Globus {
	g := providertest.NewGlobus(t)
	g.Register(providertest.GlobusClient{ID: "app", Secret: "s", RedirectURIs: []string{globusCallback}})
	g.AddAccount(
		providertest.GlobusIdentity{ID: jane, Username: "jane@example.edu", Name: "Jane", Email: "jane@example.edu", IdP: "idp-1"},
		providertest.GlobusIdentity{ID: janeElsewhere, Username: "jane@example.com", Name: "Jane", IdP: "idp-2"},
	)
	return g
}

func globusLink(g *providertest.Globus, pairs ...string) string {
	q := url.Values{"client_id": {"app"}, "redirect_uri": {globusCallback}, "state": {"st"}, "scope": {"openid email profile"}, "response_type": {"code"}, "nonce": {"n"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return g.URL + "/v2/oauth2/authorize?" + q.Encode()
}

func globusToken(t *testing.T, g *providertest.Globus, pairs ...string) (int, string) {
	t.Helper()
	q := url.Values{"grant_type": {"authorization_code"}, "redirect_uri": {globusCallback}}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	status, _, body := say(t, g.Client(), "POST", g.URL+"/v2/oauth2/token", q.Encode(), "basic", "app:s")
	return status, body
}

func globusAnswer(t *testing.T, g *providertest.Globus, pairs ...string) string {
	t.Helper()
	code := g.Visitor().Allow(t, globusLink(g, pairs...), jane).Query().Get("code")
	status, body := globusToken(t, g, "code", code)
	if status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	return body
}

func TestGlobusKeysAndTokens(t *testing.T) {
	g := startGlobus(t)
	_, _, body := say(t, g.Client(), "GET", g.URL+"/jwk.json", "")
	var set jose.JSONWebKeySet
	if json.Unmarshal([]byte(body), &set) != nil || len(set.Keys) != 1 || set.Keys[0].KeyID != "" || strings.Contains(body, `"kid"`) {
		t.Fatal(body)
	}
	_, _, body = say(t, g.Client(), "GET", g.URL+"/.well-known/openid-configuration", "")
	if !strings.Contains(body, `["RS512"]`) || !strings.Contains(body, `["client_secret_basic"]`) {
		t.Error(body)
	}
	body = globusAnswer(t, g)
	if member(t, body, "resource_server") != "auth.globus.org" || member(t, body, "state") != "st" || member(t, body, "refresh_token") != "" ||
		!strings.Contains(body, `"expires_in":172800`) || !strings.Contains(body, `"other_tokens":[]`) {
		t.Error(body)
	}
	tok, err := jwt.ParseSigned(member(t, body, "id_token"), []jose.SignatureAlgorithm{jose.RS512})
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := tok.Claims(set.Keys[0].Key, &c); err != nil {
		t.Fatal(err)
	}
	half, _ := base64.RawURLEncoding.DecodeString(c["at_hash"].(string))
	if tok.Headers[0].KeyID != "" || len(half) != 32 || c["nonce"] != "n" || c["email_verified"] != nil || c["identity_set"] != nil {
		t.Errorf("%v %v", tok.Headers, c)
	}
}

func TestGlobusTokenErrors(t *testing.T) {
	g := startGlobus(t)
	verifier := oauth2.GenerateVerifier()
	for _, tt := range []struct {
		pairs  []string
		later  time.Duration
		status int
		code   string
	}{
		{nil, 0, 200, ""},
		{[]string{"code", "x"}, 0, 401, "invalid_grant"},
		{[]string{"code_verifier", ""}, 0, 401, "invalid_grant"},
		{[]string{"code_verifier", "wrong"}, 0, 401, "invalid_grant"},
		{[]string{"redirect_uri", globusCallback + "x"}, 0, 401, "invalid_grant"},
		{[]string{"grant_type", "password"}, 0, 400, "unsupported_grant_type"},
		{[]string{"grant_type", "refresh_token", "refresh_token", "x"}, 0, 401, "invalid_grant"},
		{nil, 11 * time.Minute, 401, "invalid_grant"},
	} {
		code := g.Visitor().Allow(t, globusLink(g, "code_challenge", oauth2.S256ChallengeFromVerifier(verifier), "code_challenge_method", "S256"), jane).Query().Get("code")
		g.Advance(tt.later)
		status, body := globusToken(t, g, append([]string{"code", code, "code_verifier", verifier}, tt.pairs...)...)
		if status != tt.status || member(t, body, "error") != tt.code {
			t.Errorf("%v: %d %s", tt.pairs, status, body)
		}
	}
	code := g.Visitor().Allow(t, globusLink(g), jane).Query().Get("code")
	if status, body := globusToken(t, g, "code", code, "code_verifier", verifier); status != 401 {
		t.Errorf("a verifier without a challenge: %d %s", status, body)
	}
	for _, form := range []string{"grant_type=authorization_code&client_id=app&client_secret=s&code=x", "grant_type=authorization_code"} {
		status, _, body := say(t, g.Client(), "POST", g.URL+"/v2/oauth2/token", form)
		if status != 401 || member(t, body, "error") != "unauthorized" || !strings.Contains(body, `"code":"UNAUTHORIZED"`) {
			t.Errorf("no HTTP Basic: %d %s", status, body)
		}
	}
}

func TestGlobusAuthorize(t *testing.T) {
	g := startGlobus(t)
	v := g.Visitor()
	for _, pairs := range [][]string{{"client_id", "x"}, {"redirect_uri", globusCallback + "x"}, {"scope", "openid unheard"}, {"scope", ""}} {
		if u, _ := v.Open(globusLink(g, pairs...)); u != nil || v.Status != 400 {
			t.Errorf("%v: %v %d", pairs, u, v.Status)
		}
	}
	for want, pairs := range map[string][]string{"unsupported_response_type": {"response_type", "token"}, "invalid_request": {"code_challenge", "x"}} {
		if u, _ := v.Open(globusLink(g, pairs...)); u == nil || u.Query().Get("error") != want || u.Query().Get("state") != "st" {
			t.Errorf("%v: %v", pairs, u)
		}
	}
	v.Allow(t, globusLink(g), jane)
	for link, asks := range map[string]bool{globusLink(g): false, globusLink(g, "prompt", "login"): true, globusLink(g, "scope", "openid "+providertest.GlobusViewGroups): true} {
		if u, _ := v.Open(link); (u == nil) != asks {
			t.Errorf("%s: %v", link, u)
		}
	}
	// Signing out is a page with a link, never a redirect.
	if u, _ := v.Open(g.URL + "/v2/web/logout?client_id=app&redirect_uri=" + url.QueryEscape(globusCallback)); u != nil || !strings.Contains(v.Page, "<a href") {
		t.Errorf("%v %s", u, v.Page)
	}
	if u, _ := v.Open(globusLink(g)); u != nil {
		t.Error("still signed in")
	}
	g.ChangeIdentity(jane, func(i *providertest.GlobusIdentity) { i.Closed = true })
	if u, _ := v.Send(globusLink(g), url.Values{"person": {jane}, "decision": {"allow"}}); u != nil {
		t.Errorf("a closed identity signs in: %s", u)
	}
}

func TestGlobusIdentitySet(t *testing.T) {
	g := startGlobus(t)
	body := globusAnswer(t, g, "scope", "openid profile "+providertest.GlobusViewIdentities)
	_, _, info := say(t, g.Client(), "GET", g.URL+"/v2/oauth2/userinfo", "", "bearer", member(t, body, "access_token"))
	var c struct {
		Set []struct {
			Sub  string `json:"sub"`
			Last *int64 `json:"last_authentication"`
		} `json:"identity_set"`
		Email *string `json:"email"`
	}
	if json.Unmarshal([]byte(info), &c) != nil || len(c.Set) != 2 || c.Set[0].Last == nil || c.Set[1].Last != nil || c.Email != nil {
		t.Error(info)
	}
	g.Unlink(janeElsewhere)
	g.SetPrimary(jane)
	if _, _, info = say(t, g.Client(), "GET", g.URL+"/v2/oauth2/userinfo", "", "bearer", member(t, body, "access_token")); strings.Contains(info, janeElsewhere) {
		t.Error(info)
	}
}

func TestGlobusIntrospection(t *testing.T) {
	g := startGlobus(t)
	access := member(t, globusAnswer(t, g), "access_token")
	ask := func(form string) string {
		_, _, body := say(t, g.Client(), "POST", g.URL+"/v2/oauth2/token/introspect", form, "basic", "app:s")
		return body
	}
	if body := ask("token=" + access); !strings.Contains(body, `"active":true`) || member(t, body, "sub") != jane || strings.Contains(body, "session_info") {
		t.Error(body)
	}
	if body := ask("include=identity_set,session_info&token=" + access); !strings.Contains(body, janeElsewhere) || !strings.Contains(body, "auth_time") {
		t.Error(body)
	}
	for _, token := range []string{"x", ""} {
		if body := ask("token=" + token); body != `{"active":false}` {
			t.Error(body)
		}
	}
	status, _, body := say(t, g.Client(), "GET", g.URL+"/v2/api/identities?ids="+jane+"&usernames=jane@example.com", "", "basic", "app:s")
	if status != 200 || !strings.Contains(body, `"status":"used"`) || !strings.Contains(body, `"status":"unused"`) {
		t.Errorf("%d %s", status, body)
	}
	g.ChangeIdentity(jane, func(i *providertest.GlobusIdentity) { i.Closed = true })
	if _, _, body = say(t, g.Client(), "GET", g.URL+"/v2/api/identities?ids="+jane, "", "basic", "app:s"); !strings.Contains(body, `"status":"closed"`) {
		t.Error(body)
	}
	if body := ask("token=" + access); body != `{"active":false}` {
		t.Error(body)
	}
}

func TestGlobusRevocation(t *testing.T) {
	for _, kills := range []bool{false, true} {
		g := startGlobus(t)
		g.Set(func(s *providertest.GlobusSettings) { s.RefreshKillsAll = kills })
		body := globusAnswer(t, g, "access_type", "offline")
		form := "token=" + member(t, body, "refresh_token")
		if status, _, _ := say(t, g.Client(), "POST", g.URL+"/v2/oauth2/token/revoke", form); status != 401 || g.LiveTokens(jane) != 1 {
			t.Errorf("without authentication: %d", status)
		}
		status, _, answer := say(t, g.Client(), "POST", g.URL+"/v2/oauth2/token/revoke", form, "basic", "app:s")
		if status != 200 || answer != `{"active":false}` || (g.LiveTokens(jane) == 0) != kills {
			t.Errorf("%t: %d %s, %d live", kills, status, answer, g.LiveTokens(jane))
		}
		if status, _ := globusToken(t, g, "grant_type", "refresh_token", "refresh_token", member(t, body, "refresh_token")); status != 401 {
			t.Errorf("a revoked refresh token: %d", status)
		}
	}
}
