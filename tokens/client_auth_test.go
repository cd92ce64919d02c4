package tokens

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// TestClientAuthentication is the table of who gets in and who does not.
func TestClientAuthentication(t *testing.T) {
	w := newWorld(t)
	secret := testSecret.Reveal()
	for _, tt := range []struct {
		name   string
		header []string
		form   url.Values
		status int
		code   string // of the refusal; "invalid_grant" is for who got in
	}{
		{"basic", []string{basic("app", secret)}, nil, 400, "invalid_grant"},
		{"basic, in lower case", []string{strings.Replace(basic("app", secret), "Basic", "basic", 1)}, nil, 400, "invalid_grant"},
		{"basic and the same id", []string{basic("app", secret)}, url.Values{"client_id": {"app"}}, 400, "invalid_grant"},
		{"post", nil, url.Values{"client_id": {"post"}, "client_secret": {secret}}, 400, "invalid_grant"},
		{"public", nil, url.Values{"client_id": {"spa"}}, 400, "invalid_grant"},
		{"public, empty secret", nil, url.Values{"client_id": {"spa"}, "client_secret": {""}}, 400, "invalid_grant"},

		{"nobody", nil, nil, 401, "invalid_client"},
		{"unknown", []string{basic("nobody", secret)}, nil, 401, "invalid_client"},
		{"wrong secret", []string{basic("app", "x")}, nil, 401, "invalid_client"},
		{"empty secret", []string{basic("app", "")}, nil, 401, "invalid_client"},
		{"hash as secret", []string{basic("app", testSecret.Hash())}, nil, 401, "invalid_client"},
		{"id alone", nil, url.Values{"client_id": {"app"}}, 401, "invalid_client"},
		{"disabled", []string{basic("off", secret)}, nil, 401, "invalid_client"},
		{"registered for basic", nil, url.Values{"client_id": {"app"}, "client_secret": {secret}}, 401, "invalid_client"},
		{"registered for post", []string{basic("post", secret)}, nil, 401, "invalid_client"},
		{"public with a secret", nil, url.Values{"client_id": {"spa"}, "client_secret": {secret}}, 401, "invalid_client"},
		{"public with basic", []string{basic("spa", "")}, nil, 401, "invalid_client"},
		{"assertion", nil, url.Values{"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {"x"}}, 401, "invalid_client"},
		{"bearer", []string{"Bearer x"}, url.Values{"client_id": {"app"}}, 401, "invalid_client"},
		{"not base64", []string{"Basic ?"}, nil, 401, "invalid_client"},
		{"no colon", []string{"Basic " + base64.StdEncoding.EncodeToString([]byte("app"))}, nil, 401, "invalid_client"},
		{"no id", []string{basic("", secret)}, nil, 401, "invalid_client"},
		{"id with NUL", []string{basic("app\x00", secret)}, nil, 401, "invalid_client"},
		{"id that is not UTF-8", []string{basic("\xff", secret)}, nil, 401, "invalid_client"},

		{"basic and post", []string{basic("app", secret)}, url.Values{"client_id": {"app"}, "client_secret": {secret}}, 400, "invalid_request"},
		{"basic and another id", []string{basic("app", secret)}, url.Values{"client_id": {"other"}}, 400, "invalid_request"},
		{"two headers", []string{basic("app", secret), basic("app", secret)}, nil, 400, "invalid_request"},
		{"basic and assertion", []string{basic("app", secret)}, url.Values{"client_assertion": {"x"}}, 400, "invalid_request"},
		{"post and assertion", nil, url.Values{"client_id": {"post"}, "client_secret": {secret}, "client_assertion": {"x"}}, 400, "invalid_request"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		for _, h := range tt.header {
			r.Header.Add("Authorization", h)
		}
		form := url.Values{"grant_type": {"authorization_code"}, "code": {"x"}}
		for k, v := range tt.form {
			form[k] = v
		}
		a := w.send(w.s.ServeToken, r, form.Encode())
		wantError(t, tt.name, a, tt.status, tt.code)
		if challenge := a.header.Get("WWW-Authenticate"); (challenge != "") != (tt.status == 401) || tt.status == 401 && !strings.HasPrefix(challenge, `Basic realm="`) {
			t.Errorf("%s: WWW-Authenticate %q", tt.name, challenge)
		}
	}
}

// TestSecretsOverlap: two live ones make a rotation without an outage, an
// expired one is dead.
func TestSecretsOverlap(t *testing.T) {
	w := newWorld(t)
	old, next, dead := broker.NewSecret(), broker.NewSecret(), broker.NewSecret()
	now := time.Now()
	must(t, w.db.CreateClient(t.Context(), broker.Client{ID: "rotating", AuthMethod: broker.AuthBasic, GrantTypes: []string{broker.GrantCode}, Secrets: []broker.ClientSecret{
		{Hash: next.Hash()}, {Hash: old.Hash(), ExpiresAt: now.Add(time.Hour)}, {Hash: dead.Hash(), ExpiresAt: now.Add(-time.Second)}, {Hash: ""},
	}}))
	for secret, want := range map[broker.Secret]string{old: "invalid_grant", next: "invalid_grant", dead: "invalid_client", "": "invalid_client"} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.SetBasicAuth("rotating", secret.Reveal())
		if a := w.send(w.s.ServeToken, r, "grant_type=authorization_code&code=x"); a.str("error") != want {
			t.Errorf("%s, want %s", a.body, want)
		}
	}
}

func TestParseBasicDecodesAsFarAsItGoes(t *testing.T) {
	for _, tt := range []struct{ header, id, secret string }{
		{basic("app", "a-b_c"), "app", "a-b_c"},
		{basic("https%3A%2F%2Fapp.example", "s%26"), "https://app.example", "s&"},
		{basic("app", "50%"), "app", "50%"},
		{basic("app", "a:b"), "app", "a:b"},
		{"basic  " + base64.StdEncoding.EncodeToString([]byte("app:x")), "app", "x"},
	} {
		c, ok := parseBasic(tt.header)
		if !ok || c.id != tt.id || c.secret.Reveal() != tt.secret || c.method != broker.AuthBasic {
			t.Errorf("parseBasic(%q) = %q, %q, %v", tt.header, c.id, c.secret.Reveal(), ok)
		}
	}
}

func FuzzBasic(f *testing.F) {
	f.Add(basic("app", "secret"))
	f.Add("Basic")
	f.Add("Basic Og==")
	f.Add(basic("%", "%zz"))
	f.Fuzz(func(t *testing.T, header string) {
		if c, ok := parseBasic(header); ok && (c.method != broker.AuthBasic || c.id == "" && !strings.Contains(header, " ")) {
			t.Errorf("parseBasic(%q) = %+v", header, c)
		}
	})
}
