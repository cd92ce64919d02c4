package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

func TestExamine(t *testing.T) {
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	keys := []broker.Key{{Alg: broker.RS256, SignsFrom: at.Add(-time.Hour)}, {Alg: broker.ES256, SignsFrom: at.Add(-2 * time.Hour), RetiresAt: at.Add(-time.Hour)}}
	good := func() broker.Client {
		return broker.Client{
			ID: "app", Name: "App", AuthMethod: broker.AuthBasic, Secrets: []broker.ClientSecret{{Hash: "secret-hash", CreatedAt: at}}, RequirePKCE: true,
			RedirectURIs: []string{"https://app.example.org/cb"}, PostLogoutRedirectURIs: []string{"https://app.example.org/"},
			GrantTypes: []string{broker.GrantCode, broker.GrantRefresh}, Scopes: []string{"openid", "offline_access"},
		}
	}
	for _, f := range examine(good(), keys, time.Hour, at) {
		if f.Level == levelWarning || f.Level == levelError || strings.Contains(f.Text, "secret-hash") {
			t.Errorf("a good one: %+v", f)
		}
	}
	for name, tt := range map[string]struct {
		change             func(c *broker.Client)
		level, about, text string
	}{
		"disabled":     {func(c *broker.Client) { c.DisabledAt = at }, levelError, "client", "disabled since"},
		"bad redirect": {func(c *broker.Client) { c.RedirectURIs = append(c.RedirectURIs, "http://app.example.org/") }, levelError, "redirect_uris", "is not https"},
		"localhost":    {func(c *broker.Client) { c.RedirectURIs = []string{"http://localhost:3000/cb"} }, levelNote, "redirect_uris", "this port only"},
		"loopback":     {func(c *broker.Client) { c.RedirectURIs = []string{"http://127.0.0.1/cb"} }, levelFine, "redirect_uris", "any port"},
		"no logout":    {func(c *broker.Client) { c.PostLogoutRedirectURIs = nil }, levelNote, "post_logout_redirect_uris", "none"},
		"no PKCE":      {func(c *broker.Client) { c.RequirePKCE = false }, levelWarning, "PKCE", "not required"},
		"no offline":   {func(c *broker.Client) { c.Scopes = []string{"openid"} }, levelWarning, "scope", "never gets the refresh token"},
		"no refresh":   {func(c *broker.Client) { c.GrantTypes = []string{broker.GrantCode} }, levelWarning, "grant_types", "gives it nothing"},
		"no openid":    {func(c *broker.Client) { c.Scopes = []string{"offline_access"} }, levelWarning, "scope", "no ID token"},
		"no scopes":    {func(c *broker.Client) { c.Scopes = nil }, levelError, "scope", "none"},
		"no secret":    {func(c *broker.Client) { c.Secrets = nil }, levelError, "client_secret", "none is live"},
		"expired":      {func(c *broker.Client) { c.Secrets[0].ExpiresAt = at }, levelError, "client_secret", "none is live"},
		"expires soon": {func(c *broker.Client) { c.Secrets[0].ExpiresAt = at.Add(24 * time.Hour) }, levelWarning, "client_secret", "the last one expires 2026-01-03"},
		"rotation": {func(c *broker.Client) {
			c.Secrets = append(c.Secrets, broker.ClientSecret{ExpiresAt: at.Add(time.Hour)})
		}, levelWarning, "client_secret", "got the new one"},
		"no key":      {func(c *broker.Client) { c.IDTokenAlg = broker.ES256 }, levelNote, "id_token_signed_response_alg", "no key signs"},
		"unknown alg": {func(c *broker.Client) { c.IDTokenAlg = "none" }, levelError, "id_token_signed_response_alg", "not supported"},
		"encryption": {func(c *broker.Client) {
			c.Metadata.JWKSURI, c.Metadata.IDTokenEncryptedResponseAlg = "https://app.example.org/jwks", "ECDH-ES"
		}, levelNote, "jwks_uri", "fails with server_error"},
		"no key to encrypt to": {func(c *broker.Client) { c.Metadata.UserInfoEncryptedAlg = "ECDH-ES" }, levelError, "jwks", "needs a key"},
		"unknown method":       {func(c *broker.Client) { c.AuthMethod = "tls_client_auth" }, levelError, "token_endpoint_auth_method", "not supported"},
		"public":               {func(c *broker.Client) { c.AuthMethod = broker.AuthNone }, levelFine, "browser", "https://app.example.org"},
		"device": {func(c *broker.Client) {
			c.AuthMethod, c.RedirectURIs = broker.AuthNone, []string{"org.example.app:/cb"}
		}, levelNote, "browser", "no web origin"},
		"machine": {func(c *broker.Client) { c.GrantTypes, c.RedirectURIs = []string{broker.GrantCredentials}, nil }, levelNote, "grant_types", "nobody can sign in"},
		"dynamic": {func(c *broker.Client) { c.Metadata.Dynamic, c.CreatedAt = true, at }, levelNote, "registration", "unused until 2026-01-02 01:00"},
	} {
		c := good()
		tt.change(&c)
		found := false
		for _, f := range examine(c, keys, time.Hour, at) {
			found = found || f.Level == tt.level && f.About == tt.about && strings.Contains(f.Text, tt.text)
		}
		if !found {
			t.Errorf("%s: not said: %s %s %q in %+v", name, tt.level, tt.about, tt.text, examine(c, keys, time.Hour, at))
		}
	}
}

// TestRegistrationFromOutside: an operator gives out a token, an application
// registers itself with it, and the doctor knows it.
func TestRegistrationFromOutside(t *testing.T) {
	o := newOperator(t).set("BROKER_REGISTRATION__MODE=token")
	var made tokenView
	o.read(&made, "clients", "token", "create", "--note", "physics", "--uses", "2")
	if len(made.Token) < 43 || made.UsesLeft != 2 || made.ExpiresAt.IsZero() || !made.Live {
		t.Fatalf("%+v", made)
	}
	if shown := o.run("clients", "token", "list") + o.run("clients", "token", "list", "--json"); strings.Contains(shown, made.Token) || !strings.Contains(shown, "physics") {
		t.Error(shown)
	}
	b := o.serve()
	register := func(token string) (int, map[string]any) {
		r, err := http.NewRequestWithContext(t.Context(), "POST", b.base+"/oauth2/register", strings.NewReader(`{"redirect_uris":["https://app.example.org/cb"],"client_name":"Physics"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var answer map[string]any
		_ = json.NewDecoder(res.Body).Decode(&answer)
		return res.StatusCode, answer
	}
	status, answer := register(made.Token)
	id, _ := answer["client_id"].(string)
	if status != http.StatusCreated || id == "" {
		t.Fatalf("%d %v", status, answer)
	}
	if status, _ := register("x" + made.Token); status != http.StatusUnauthorized {
		t.Errorf("a wrong token: %d", status)
	}
	res, err := http.PostForm(b.base+"/oauth2/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {id}, "client_secret": {"x"}, "code": {"x"}})
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Fatalf("%v %v", res, err)
	}
	res.Body.Close()
	b.stop()
	var d diagnosis
	o.read(&d, "clients", "doctor", id)
	if d.Name != "Physics" || len(d.Findings) < 5 || len(d.Troubles) != 1 || d.Troubles[0].Code != "invalid_client" || d.Troubles[0].Endpoint != "token" {
		t.Errorf("%+v", d)
	}
	if text := o.run("clients", "doctor", id); !strings.Contains(text, "registered itself") || !strings.Contains(text, "client_secret_basic alone") {
		t.Error(text)
	}
	o.refuses("clients", "doctor", "nobody")
	b = o.serve()
	o.run("clients", "token", "delete", made.ID)
	if status, _ := register(made.Token); status != http.StatusUnauthorized {
		t.Errorf("a deleted token: %d", status)
	}
	for _, args := range [][]string{{"delete", made.ID}, {"delete", ""}, {"create", "--uses", "0"}, {"create", "--expires", "-1s"}, {"create", "--note", "a\x1b[31m"}} {
		o.refuses(append([]string{"clients", "token"}, args...)...)
	}
}
