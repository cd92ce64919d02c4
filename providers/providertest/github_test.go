package providertest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"idbroker/providers/providertest"
)

// say makes a request of a fake and returns status, header and body. Pairs are
// header names and values; the body is a form or JSON as the header says.
func say(t *testing.T, c *http.Client, method, address, body string, pairs ...string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		switch pairs[i] {
		case "basic":
			id, secret, _ := strings.Cut(pairs[i+1], ":")
			req.SetBasicAuth(id, secret)
		case "bearer":
			req.Header.Set("Authorization", "Bearer "+pairs[i+1])
		default:
			req.Header.Set(pairs[i], pairs[i+1])
		}
	}
	straight := *c
	straight.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := straight.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

// member reads a member of a JSON object as text.
func member(t *testing.T, body, name string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	s, _ := m[name].(string)
	return s
}

const ghCallback = "https://broker.example/cb"

func startGitHub(t *testing.T) *providertest.GitHub {
	g := providertest.NewGitHub(t)
	g.Register(providertest.GitHubApp{ClientID: "app", Secret: "s", Callbacks: []string{ghCallback}})
	g.AddUser(providertest.GitHubUser{ID: 1, Login: "ada", Emails: []providertest.GitHubEmail{{Email: "a@example.org", Primary: true, Verified: true}}})
	return g
}

func ghLink(g *providertest.GitHub, pairs ...string) string {
	q := url.Values{"client_id": {"app"}, "redirect_uri": {ghCallback}, "state": {"st"}, "scope": {"read:user user:email"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return g.URL + "/login/oauth/authorize?" + q.Encode()
}

// ghToken goes the whole way and returns the access token and the scopes.
func ghToken(t *testing.T, g *providertest.GitHub, v *providertest.Visitor, link string) (access, scope string) {
	t.Helper()
	code := v.Allow(t, link, "ada").Query().Get("code")
	_, _, body := say(t, g.Client(), "POST", g.URL+"/login/oauth/access_token", url.Values{"client_id": {"app"}, "client_secret": {"s"}, "code": {code}}.Encode(), "Accept", "application/json")
	return member(t, body, "access_token"), member(t, body, "scope")
}

func TestGitHubTokenFormats(t *testing.T) {
	g := startGitHub(t)
	for accept, want := range map[string][2]string{
		"":                 {"application/x-www-form-urlencoded", "scope=read%3Auser%2Cuser%3Aemail"},
		"application/json": {"application/json", `"scope":"read:user,user:email"`},
		"application/xml":  {"application/xml", "<scope>read:user,user:email</scope>"},
	} {
		code := g.Visitor().Allow(t, ghLink(g), "ada").Query().Get("code")
		form := url.Values{"client_id": {"app"}, "client_secret": {"s"}, "code": {code}, "redirect_uri": {ghCallback}}.Encode()
		status, h, body := say(t, g.Client(), "POST", g.URL+"/login/oauth/access_token", form, "Accept", accept)
		if status != 200 || !strings.HasPrefix(h.Get("Content-Type"), want[0]) || !strings.Contains(body, want[1]) {
			t.Errorf("%q: %d %s %s", accept, status, h.Get("Content-Type"), body)
		}
		status, _, body = say(t, g.Client(), "POST", g.URL+"/login/oauth/access_token", form, "Accept", accept)
		if status != 200 || !strings.Contains(body, "bad_verification_code") || !strings.Contains(body, "error_uri") {
			t.Errorf("%q, again: %d %s", accept, status, body)
		}
	}
	if g.DoublePosts() != 3 {
		t.Errorf("%d double posts", g.DoublePosts())
	}
}

func TestGitHubTokenErrors(t *testing.T) {
	g := startGitHub(t)
	g.Register(providertest.GitHubApp{ClientID: "other", Secret: "o", Callbacks: []string{ghCallback}})
	verifier := oauth2.GenerateVerifier()
	for _, tt := range []struct {
		want  string
		later time.Duration
		form  url.Values // over the good one; "" removes
	}{
		{"", 0, url.Values{}},
		{"", 9 * time.Minute, url.Values{}},
		{"bad_verification_code", 11 * time.Minute, url.Values{}},
		{"bad_verification_code", 0, url.Values{"code": {"x"}}},
		{"bad_verification_code", 0, url.Values{"code": {""}}},
		{"bad_verification_code", 0, url.Values{"client_id": {"other"}, "client_secret": {"o"}}},
		{"bad_verification_code", 0, url.Values{"code_verifier": {""}}},
		{"bad_verification_code", 0, url.Values{"code_verifier": {"wrong"}}},
		{"incorrect_client_credentials", 0, url.Values{"client_secret": {"x"}}},
		{"incorrect_client_credentials", 0, url.Values{"client_id": {"x"}}},
		{"redirect_uri_mismatch", 0, url.Values{"redirect_uri": {ghCallback + "/x"}}},
		{"unsupported_grant_type", 0, url.Values{"grant_type": {"password"}}},
		{"bad_refresh_token", 0, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}},
	} {
		code := g.Visitor().Allow(t, ghLink(g, "code_challenge", oauth2.S256ChallengeFromVerifier(verifier), "code_challenge_method", "S256"), "ada").Query().Get("code")
		form := url.Values{"client_id": {"app"}, "client_secret": {"s"}, "code": {code}, "redirect_uri": {ghCallback}, "code_verifier": {verifier}}
		for k, v := range tt.form {
			form[k] = v
		}
		g.Advance(tt.later)
		status, _, body := say(t, g.Client(), "POST", g.URL+"/login/oauth/access_token", form.Encode(), "Accept", "application/json")
		if status != 200 || member(t, body, "error") != tt.want {
			t.Errorf("%+v: %d %s", tt, status, body)
		}
	}
	if status, _, _ := say(t, g.Client(), "GET", g.URL+"/login/oauth/access_token?code=x", ""); status == 200 {
		t.Error("the token endpoint answers a GET")
	}
}

func TestGitHubRedirectRules(t *testing.T) {
	for _, tt := range []struct {
		registered string
		wildcard   bool
		uri        string
		ok         bool
	}{
		{ghCallback, false, ghCallback, true},
		{ghCallback, false, "", true},
		{ghCallback, false, ghCallback + "/below", false},
		{ghCallback, true, ghCallback + "/below", true},
		{ghCallback, true, ghCallback + "beside", false},
		{ghCallback, true, "https://sub.broker.example/cb", true},
		{ghCallback, false, "https://sub.broker.example/cb", false},
		{ghCallback, true, "https://evilbroker.example/cb", false},
		{ghCallback, true, "https://broker.example:8443/cb", false},
		{ghCallback, true, "http://broker.example/cb", false},
		{"http://127.0.0.1/cb", false, "http://127.0.0.1:4711/cb", true},
		{"http://localhost/cb", false, "http://localhost:4711/cb", false},
	} {
		g := startGitHub(t)
		g.Register(providertest.GitHubApp{ClientID: "app", Secret: "s", Callbacks: []string{tt.registered}, Wildcard: tt.wildcard})
		u := g.Visitor().Allow(t, ghLink(g, "redirect_uri", tt.uri), "ada")
		if got := u.Query().Get("error"); (got == "") != tt.ok || !tt.ok && (got != "redirect_uri_mismatch" || !strings.HasPrefix(u.String(), tt.registered)) {
			t.Errorf("%+v: %s", tt, u)
		}
	}
}

func TestGitHubAuthorizePages(t *testing.T) {
	g := startGitHub(t)
	v := g.Visitor()
	if u, _ := v.Open(ghLink(g, "client_id", "nobody")); u != nil || v.Status != 404 {
		t.Errorf("unknown client: %v %d", u, v.Status)
	}
	for _, pkce := range [][2]string{{"code_challenge_method", "plain"}, {"code_challenge_method", "S256"}} {
		u, _ := v.Open(ghLink(g, "code_challenge", "short", pkce[0], pkce[1]))
		if u == nil || u.Query().Get("error") != "invalid_request" || u.Query().Get("state") != "st" || u.Query().Get("error_description") == "" {
			t.Errorf("%v: %v", pkce, u)
		}
	}
	if u, _ := v.Send(ghLink(g), url.Values{"person": {"nobody"}, "decision": {"allow"}}); u != nil || !strings.Contains(v.Page, "Incorrect") {
		t.Errorf("wrong login: %v", u)
	}
	// Consent is remembered, unless the person is asked to choose an account.
	v.Allow(t, ghLink(g), "ada")
	if u, _ := v.Open(ghLink(g, "scope", "user:email")); u == nil || u.Query().Get("code") == "" {
		t.Error("a person who is known is asked again")
	}
	for _, more := range []string{ghLink(g, "scope", "repo"), ghLink(g, "prompt", "select_account")} {
		if u, _ := v.Open(more); u != nil {
			t.Errorf("no question: %s", u)
		}
	}
}

func TestGitHubScopes(t *testing.T) {
	g := startGitHub(t)
	v := g.Visitor()
	for _, tt := range []struct{ asked, want string }{
		{"read:user user:email", "read:user,user:email"}, {"user user:email", "user"}, {"user,user:email", ""}, {"unheard:of gist", "gist"},
		{"admin:org read:org", "admin:org"}, {"", "admin:org,gist,user"}, // nothing asked: all of before
	} {
		access, scope := ghToken(t, g, v, ghLink(g, "scope", tt.asked))
		if scope != tt.want {
			t.Errorf("%q: granted %q", tt.asked, scope)
		}
		_, h, _ := say(t, g.Client(), "GET", g.API()+"/user", "", "bearer", access)
		if h.Get("X-OAuth-Scopes") != strings.ReplaceAll(tt.want, ",", ", ") {
			t.Errorf("%q: header %q", tt.asked, h.Get("X-OAuth-Scopes"))
		}
	}
}

func TestGitHubAPIRefusals(t *testing.T) {
	g := startGitHub(t)
	access, _ := ghToken(t, g, g.Visitor(), ghLink(g))
	for _, tt := range []struct {
		path   string
		header []string
		want   int
	}{
		{"/user", []string{"bearer", access}, 200},
		{"/user", []string{"Authorization", "token " + access}, 200},
		{"/user", []string{"Authorization", "Basic " + access}, 401},
		{"/user", []string{"bearer", access, "User-Agent", ""}, 403},
		{"/user", []string{"bearer", access, "X-GitHub-Api-Version", "1999-01-01"}, 400},
		{"/user", []string{"bearer", "gho_wrong"}, 401},
		{"/user", nil, 401},
		{"/user?access_token=" + access, nil, 401},
		{"/user/emails", []string{"bearer", access}, 200},
		{"/nowhere", []string{"bearer", access}, 404},
	} {
		status, _, body := say(t, g.Client(), "GET", g.API()+tt.path, "", tt.header...)
		if status != tt.want || status == 401 && member(t, body, "status") != "401" {
			t.Errorf("%s %v: %d %s", tt.path, tt.header, status, body)
		}
	}
	if status, _, _ := say(t, g.Client(), "GET", g.URL+"/user", "", "bearer", access); status != 404 {
		t.Errorf("the API of an Enterprise Server without its prefix: %d", status)
	}
}
