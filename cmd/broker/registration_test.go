package main

import (
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

func TestCheckRedirect(t *testing.T) {
	const https = "https://app.example.org"
	for _, tt := range []struct {
		uri    string
		public bool
		want   string // "" it is fine
	}{
		{https + "/cb", false, ""}, {https + "/cb?a=b&c", false, ""}, {https, false, ""}, {https + ":8443/", true, ""},
		{"http://127.0.0.1/cb", false, ""}, {"http://[::1]:5000/cb", true, ""}, {"http://localhost:3000/", false, ""},
		{"org.example.app:/cb", true, ""}, {"com.example.app://cb", true, ""},

		{"", false, "no scheme"}, {"/cb", false, "no scheme"}, {"//app.example.org/cb", false, "no scheme"}, {"app.example.org/cb", false, "no scheme"},
		{"http://app.example.org/cb", false, "not https"}, {"http://127.0.0.1.example.org/", false, "not https"}, {"http://localhost.example.org/", false, "not https"},
		{"http://10.0.0.1/", false, "not https"}, {"HTTP://app.example.org/", false, "dot"}, {"https:/app.example.org", false, "no host"}, {"https:app", false, "no host"}, {"https://", false, "no host"}, {"https://:443/", false, "no host"},
		{https + "/#x", false, "fragment"}, {https + "/#", false, "fragment"}, {"https://u:p@app.example.org/", false, "user name"}, {"https://app.example.org@evil.example/", false, "user name"},
		{"https://*.example.org/", false, "wildcard"}, {https + "/*", false, "wildcard"},
		{https + "/a/../b", false, "dots"}, {https + "/..", false, "dots"}, {https + "/%2e%2e/b", false, "dots"},
		{https + `\@evil.example/`, false, "characters"}, {https + "/a b", false, ""}, {https + "/\u00e4", false, "characters"}, {https + "/\r\nX: y", false, ""}, {"https://ex\u00e4mple.org/", false, "characters"},
		{https + "/?code=x", false, "code"}, {https + "/?state=x", false, "state"}, {https + "/?iss=x", false, "iss"},
		{"javascript:alert(1)", true, "dot"}, {"data:text/html,x", true, "dot"}, {"vbscript:x", true, "dot"}, {"file:///etc/passwd", true, "dot"}, {"myapp:/cb", true, "dot"}, {"about:blank", true, "dot"},
		{"java.script:x", false, "public clients"}, {"org.example.app:/cb", false, "public clients"},
		{"https://APP.example.org/", false, "capital"}, {https + "/" + strings.Repeat("x", maxURI), false, "characters"}, {"https://app.example.org:port/", false, "not a URI"}, {"https://[::1", false, "not a URI"},
	} {
		got := checkRedirect(tt.uri, tt.public)
		bad := strings.ContainsAny(tt.uri, " \r\n")
		if (tt.want == "" && !bad) != (got == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%q (public %v): %q, want %q", tt.uri, tt.public, got, tt.want)
		}
	}
}

func TestCheckClient(t *testing.T) {
	good := broker.Client{
		ID: "app", Name: "App", AuthMethod: broker.AuthBasic, RedirectURIs: []string{"https://app.example.org/cb"},
		GrantTypes: []string{broker.GrantCode, broker.GrantRefresh}, Scopes: []string{"openid", "api:read"},
	}
	if p := checkClient(good); len(p) > 0 {
		t.Fatal(p)
	}
	for want, change := range map[string]func(c *broker.Client){
		"id":                  func(c *broker.Client) { c.ID = "a b" },
		"id \"":               func(c *broker.Client) { c.ID = strings.Repeat("x", 101) },
		"name":                func(c *broker.Client) { c.Name = "a\u202eb" },
		"name \"\"":           func(c *broker.Client) { c.Name = "" },
		"method":              func(c *broker.Client) { c.AuthMethod = "client_secret_jwt" },
		"algorithm":           func(c *broker.Client) { c.IDTokenAlg = "none" },
		"algorithm \"HS256\"": func(c *broker.Client) { c.IDTokenAlg = "HS256" },
		"grant type":          func(c *broker.Client) { c.GrantTypes = []string{broker.GrantCode, "password"} },
		"grant type \"devi":   func(c *broker.Client) { c.GrantTypes = []string{broker.GrantCode, "device_code"} },
		"name at least one":   func(c *broker.Client) { c.GrantTypes = nil },
		"needs at least one":  func(c *broker.Client) { c.RedirectURIs = nil },
		"only authorization":  func(c *broker.Client) { c.GrantTypes = []string{broker.GrantCredentials} },
		"it needs":            func(c *broker.Client) { c.GrantTypes, c.RedirectURIs = []string{broker.GrantRefresh}, nil },
		"no credentials": func(c *broker.Client) {
			c.AuthMethod, c.GrantTypes = broker.AuthNone, append(c.GrantTypes, broker.GrantCredentials)
		},
		"scope \"a b\"":         func(c *broker.Client) { c.Scopes = []string{"a b"} },
		"scope \"\"":            func(c *broker.Client) { c.Scopes = []string{""} },
		"at most 50 scopes":     func(c *broker.Client) { c.Scopes = make([]string, 51) },
		"at most 50 redirect":   func(c *broker.Client) { c.PostLogoutRedirectURIs = make([]string, 51) },
		"is not https":          func(c *broker.Client) { c.PostLogoutRedirectURIs = []string{"http://app.example.org/"} },
		"link \"javascript:x\"": func(c *broker.Client) { c.ClientURI = "javascript:x" },
		"link \"http":           func(c *broker.Client) { c.PolicyURI = "http://app.example.org" },
	} {
		c := good
		c.GrantTypes = append([]string{}, good.GrantTypes...)
		change(&c)
		if got := strings.Join(checkClient(c), "; "); !strings.Contains(got, want) {
			t.Errorf("want %q, got %q", want, got)
		}
	}
}

func FuzzCheckRedirect(f *testing.F) {
	for _, s := range []string{"https://a.example/cb", "http://127.0.0.1:1/", "org.example.app:/x", "javascript:alert(1)", "https://a\\@b", "://", "https://[::1]:x/", "h\x00", "#", "?"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if checkRedirect(uri, false) != "" {
			return
		}
		// What is accepted for a confidential client is http or https, without
		// what browsers and our parser could read differently.
		scheme, rest, _ := strings.Cut(uri, "://")
		authority := rest[:min(len(rest), strings.IndexAny(rest+"/", "/?"))]
		if scheme != "https" && scheme != "http" || authority == "" || strings.ContainsAny(uri, "\\#* \t\r\n") || strings.Contains(authority, "@") {
			t.Errorf("%q is accepted", uri)
		}
	})
}

func TestRotated(t *testing.T) {
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	one, two, three := broker.NewSecret(), broker.NewSecret(), broker.NewSecret()
	c := broker.Client{ID: "app", AuthMethod: broker.AuthBasic, Secrets: []broker.ClientSecret{{Hash: one.Hash(), CreatedAt: at}}}
	var err error
	if c.Secrets, err = rotated(c, two, time.Hour, at); err != nil || !c.Authenticates(one, at) || !c.Authenticates(two, at) || c.Authenticates(one, at.Add(time.Hour)) || !c.Authenticates(two, at.Add(9999*time.Hour)) {
		t.Fatalf("%v %+v", err, c.Secrets)
	}
	if _, err := rotated(c, three, time.Hour, at.Add(time.Minute)); err == nil || !strings.Contains(err.Error(), "under way") {
		t.Errorf("a third live secret: %v", err)
	}
	later := at.Add(2 * time.Hour)
	next := c
	if next.Secrets, err = rotated(c, three, time.Hour, later); err != nil || len(next.Secrets) != 2 || next.Authenticates(one, later) || !next.Authenticates(two, later) {
		t.Errorf("%v %+v", err, next.Secrets)
	}
	if next.Secrets, err = rotated(c, three, 0, at); err != nil || len(next.Secrets) != 1 || next.Authenticates(two, at) || !next.Authenticates(three, at) {
		t.Errorf("%v %+v", err, next.Secrets)
	}
	if _, err := rotated(broker.Client{AuthMethod: broker.AuthNone}, one, 0, at); err == nil {
		t.Error("a public client got a secret")
	}
}
