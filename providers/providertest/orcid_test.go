package providertest_test

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"idbroker/providers/providertest"
)

const (
	orcidCallback = "https://broker.example/oauth/authorized/orcid/"
	sofia         = "0000-0001-2345-6789"
	mark          = "0000-0002-1694-233X"
)

func startORCID(t *testing.T, member bool) *providertest.ORCID {
	o := providertest.NewORCID(t, true)
	o.Register(providertest.ORCIDClient{ID: "APP-1", Secret: "s", RedirectURIs: []string{orcidCallback}, Member: member})
	o.AddRecord(providertest.ORCIDRecord{ID: sofia, Given: "Sofia", Family: "Example", Emails: []providertest.ORCIDEmail{
		{Email: "public@example.org", Visibility: "public", Verified: true}, {Email: "limited@example.org", Visibility: "limited", Verified: true}, {Email: "x@example.org", Verified: true},
	}})
	o.AddRecord(providertest.ORCIDRecord{ID: mark, Given: "Mark", NamePrivate: true})
	return o
}

func orcidLink(o *providertest.ORCID, pairs ...string) string {
	q := url.Values{"client_id": {"APP-1"}, "redirect_uri": {orcidCallback}, "state": {"st"}, "scope": {"openid"}, "response_type": {"code"}, "nonce": {"n"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return o.URL + "/oauth/authorize?" + q.Encode()
}

// orcidToken posts a form over the usual one.
func orcidToken(t *testing.T, o *providertest.ORCID, pairs ...string) (int, string) {
	t.Helper()
	q := url.Values{"client_id": {"APP-1"}, "client_secret": {"s"}, "grant_type": {"authorization_code"}, "redirect_uri": {orcidCallback}}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	status, _, body := say(t, o.Client(), "POST", o.URL+"/oauth/token", q.Encode())
	return status, body
}

func orcidAnswer(t *testing.T, o *providertest.ORCID, person string, pairs ...string) string {
	t.Helper()
	code := o.Visitor().Allow(t, orcidLink(o, pairs...), person).Query().Get("code")
	if !regexp.MustCompile(`^[A-Za-z0-9]{6}$`).MatchString(code) {
		t.Errorf("code %q", code)
	}
	status, body := orcidToken(t, o, "code", code)
	if status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	return body
}

func TestORCIDDiscovery(t *testing.T) {
	o := startORCID(t, false)
	_, _, body := say(t, o.Client(), "GET", o.URL+"/.well-known/openid-configuration", "")
	if strings.Contains(body, "code_challenge") || strings.Contains(body, "revocation") || !strings.Contains(body, `["client_secret_post"]`) || member(t, body, "issuer") != o.URL {
		t.Error(body)
	}
	var set jose.JSONWebKeySet
	_, _, body = say(t, o.Client(), "GET", o.URL+"/oauth/jwks", "")
	if json.Unmarshal([]byte(body), &set) != nil || len(set.Keys) != 1 || set.Keys[0].KeyID == "" || set.Keys[0].Algorithm != "" {
		t.Error(body)
	}
	before := body
	o.RotateKeys(false)
	if _, _, body = say(t, o.Client(), "GET", o.URL+"/oauth/jwks", ""); json.Unmarshal([]byte(body), &set) != nil || len(set.Keys) != 2 {
		t.Error(body)
	}
	o.RotateKeys(true)
	if _, _, body = say(t, o.Client(), "GET", o.URL+"/oauth/jwks", ""); json.Unmarshal([]byte(body), &set) != nil || len(set.Keys) != 1 || body == before {
		t.Error(body)
	}
}

// Whatever is wrong, the page answers 200; only some errors leave it, in the
// fragment and without state.
func TestORCIDAuthorizeErrors(t *testing.T) {
	for _, tt := range []struct {
		member bool
		pairs  []string
		want   string // fragment; "" a page
	}{
		{false, []string{"client_id", "APP-2"}, ""},
		{false, []string{"redirect_uri", "https://evil.example/"}, ""},
		{false, []string{"redirect_uri", "https://sub.broker.example/oauth/authorized/orcid/"}, ""},
		{false, []string{"redirect_uri", "https://broker.example/oauth/"}, ""},
		{false, []string{"redirect_uri", "http://broker.example/oauth/authorized/orcid/"}, ""},
		{false, []string{"state", strings.Repeat("x", 2001)}, ""},
		{false, []string{"response_type", "token"}, "error=unsupported_response_type"},
		{false, []string{"scope", ""}, "error=invalid_scope"},
		{false, []string{"scope", "openid /read-limited"}, "error=invalid_scope"},
		{true, []string{"scope", "openid /webhook"}, "error=invalid_scope"},
		{false, []string{"prompt", "none"}, "error=login_required"},
	} {
		o := startORCID(t, tt.member)
		v := o.Visitor()
		u, err := v.Open(orcidLink(o, tt.pairs...))
		if err != nil || v.Status != 200 {
			t.Fatalf("%v: %v %d", tt.pairs, err, v.Status)
		}
		if (u == nil) != (tt.want == "") || u != nil && (u.Fragment != tt.want || u.RawQuery != "") {
			t.Errorf("%v: %v", tt.pairs, u)
		}
	}
}

func TestORCIDAuthorize(t *testing.T) {
	o := startORCID(t, true)
	v := o.Visitor()
	long := strings.Repeat("a+/%", 500)
	u := v.Allow(t, orcidLink(o, "state", long), sofia)
	if u.Query().Get("state") != long || v.Status != 200 {
		t.Errorf("%d %s", v.Status, u)
	}
	orcidToken(t, o, "code", u.Query().Get("code"))
	for _, tt := range []struct {
		pairs []string
		asks  bool
		frag  string
	}{
		{nil, false, ""}, {[]string{"prompt", "none"}, false, ""}, {[]string{"prompt", "login"}, true, ""}, {[]string{"prompt", "confirm"}, true, ""},
		{[]string{"show_login", "true"}, true, ""}, {[]string{"scope", "openid /read-limited"}, true, ""},
		{[]string{"scope", "openid /read-limited", "prompt", "none"}, false, "error=interaction_required"},
	} {
		u, _ := v.Open(orcidLink(o, tt.pairs...))
		if (u == nil) != tt.asks || u != nil && u.Fragment != tt.frag {
			t.Errorf("%v: %v", tt.pairs, u)
		}
	}
	if u := o.Visitor().Deny(t, orcidLink(o), sofia); u.Query().Get("error") != "access_denied" || u.Query().Get("state") != "st" {
		t.Errorf("denied: %s", u)
	}
}

func TestORCIDRedirectByHost(t *testing.T) {
	for _, sandbox := range []bool{false, true} {
		o := providertest.NewORCID(t, sandbox)
		o.AddRecord(providertest.ORCIDRecord{ID: sofia})
		o.Register(providertest.ORCIDClient{ID: "APP-1", Secret: "s", RedirectURIs: []string{"https://broker.example", "http://localhost:8080"}})
		if u, _ := o.Visitor().Open(orcidLink(o, "prompt", "none")); u == nil {
			t.Error("a bare host does not match what is below")
		}
		if u, _ := o.Visitor().Open(orcidLink(o, "prompt", "none", "redirect_uri", "http://localhost:8080/cb")); (u != nil) != sandbox {
			t.Errorf("sandbox %t: http %v", sandbox, u)
		}
	}
}

func TestORCIDTokenErrors(t *testing.T) {
	o := startORCID(t, false)
	o.Register(providertest.ORCIDClient{ID: "APP-2", Secret: "s", RedirectURIs: []string{orcidCallback}})
	for _, tt := range []struct {
		pairs  []string
		later  time.Duration
		status int
		code   string
	}{
		{nil, 0, 200, ""},
		{[]string{"code_verifier", "whatever"}, 0, 200, ""}, // dropped without a word
		{[]string{"client_secret", "x"}, 0, 401, "invalid_client"},
		{[]string{"client_id", "APP-3"}, 0, 401, "invalid_client"},
		{[]string{"client_id", "APP-2"}, 0, 400, "invalid_grant"},
		{[]string{"grant_type", ""}, 0, 400, "unsupported_grant_type"},
		{[]string{"grant_type", "password"}, 0, 400, "unsupported_grant_type"},
		{[]string{"code", "abcdef"}, 0, 400, "invalid_grant"},
		{[]string{"redirect_uri", orcidCallback + "x"}, 0, 400, "invalid_grant"},
		{[]string{"grant_type", "refresh_token", "refresh_token", "x"}, 0, 400, "invalid_grant"},
		{[]string{"grant_type", "client_credentials", "scope", "openid"}, 0, 400, "invalid_scope"},
		{nil, 11 * time.Minute, 400, "invalid_grant"},
	} {
		code := o.Visitor().Allow(t, orcidLink(o), sofia).Query().Get("code")
		o.Advance(tt.later)
		status, body := orcidToken(t, o, append([]string{"code", code}, tt.pairs...)...)
		if status != tt.status || member(t, body, "error") != tt.code {
			t.Errorf("%v: %d %s", tt.pairs, status, body)
		}
	}
	for _, kind := range []string{"application/json", "text/plain", ""} {
		if status, _, _ := say(t, o.Client(), "POST", o.URL+"/oauth/token", "{}", "Content-Type", kind); status != 415 {
			t.Errorf("%q: %d", kind, status)
		}
	}
	if status, _, _ := say(t, o.Client(), "POST", o.URL+"/oauth/token", "grant_type=authorization_code", "basic", "APP-1:s"); status != 401 {
		t.Errorf("HTTP Basic: %d", status)
	}
	o.Set(func(s *providertest.ORCIDSettings) { s.ChallengeFails = true })
	code := o.Visitor().Allow(t, orcidLink(o, "code_challenge", "x", "code_challenge_method", "S256"), sofia).Query().Get("code")
	if status, body := orcidToken(t, o, "code", code, "code_verifier", "x"); status != 400 {
		t.Errorf("a stored challenge: %d %s", status, body)
	}
}

func TestORCIDAnswers(t *testing.T) {
	o := startORCID(t, true)
	body := orcidAnswer(t, o, sofia)
	if member(t, body, "orcid") != sofia || member(t, body, "name") != "Sofia Example" || !strings.Contains(body, `"expires_in":631138518`) {
		t.Error(body)
	}
	tok, err := jwt.ParseSigned(member(t, body, "id_token"), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := tok.UnsafeClaimsWithoutVerification(&c); err != nil {
		t.Fatal(err)
	}
	if c["amr"] != "pwd" || c["aud"] != "APP-1" || c["nonce"] != "n" || c["sub"] != sofia || c["email"] != nil || c["family_name"] != "Example" {
		t.Errorf("%v", c)
	}
	if body := orcidAnswer(t, o, mark); member(t, body, "name") != "" || !strings.Contains(body, `"name":""`) {
		t.Errorf("private name: %s", body)
	}
	if body := orcidAnswer(t, o, sofia, "scope", "/authenticate"); member(t, body, "id_token") != "" || member(t, body, "orcid") != sofia {
		t.Errorf("without openid: %s", body)
	}
	if status, body := orcidToken(t, o, "grant_type", "client_credentials", "scope", "/read-public"); status != 200 || !strings.Contains(body, `"orcid":null`) {
		t.Errorf("client credentials: %d %s", status, body)
	}
}

// A code that comes twice ends what it gave.
func TestORCIDReplay(t *testing.T) {
	o := startORCID(t, false)
	code := o.Visitor().Allow(t, orcidLink(o), sofia).Query().Get("code")
	orcidToken(t, o, "code", code)
	if o.LiveTokens(sofia) != 1 {
		t.Fatal("no token")
	}
	if status, body := orcidToken(t, o, "code", code); status != 400 || member(t, body, "error_description") != "Invalid authorization code: "+code || o.LiveTokens(sofia) != 0 {
		t.Errorf("%d %s, %d live", status, body, o.LiveTokens(sofia))
	}
}
