package broker

import (
	"strings"
	"testing"
)

func TestRedirectProblem(t *testing.T) {
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
		{"https://APP.example.org/", false, "capital"}, {https + "/" + strings.Repeat("x", MaxURI), false, "characters"}, {"https://app.example.org:port/", false, "not a URI"}, {"https://[::1", false, "not a URI"},
	} {
		got := RedirectProblem(tt.uri, tt.public)
		bad := strings.ContainsAny(tt.uri, " \r\n")
		if (tt.want == "" && !bad) != (got == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%q (public %v): %q, want %q", tt.uri, tt.public, got, tt.want)
		}
	}
}

func TestProblems(t *testing.T) {
	good := Client{
		ID: "app", Name: "App", AuthMethod: AuthBasic, RedirectURIs: []string{"https://app.example.org/cb"},
		GrantTypes: []string{GrantCode, GrantRefresh}, Scopes: []string{"openid", "api:read"},
	}
	offer := Offer{
		AuthMethods: []string{AuthBasic, AuthPost, AuthNone}, GrantTypes: []string{GrantCode, GrantRefresh, GrantCredentials},
		ResponseTypes: []string{"code"}, IDTokenAlgs: []string{RS256, ES256}, SubjectTypes: []string{"public"},
	}
	if p := good.Problems(offer); len(p) > 0 {
		t.Fatal(p)
	}
	for want, change := range map[string]func(c *Client){
		"client_id: \"a b\"":            func(c *Client) { c.ID = "a b" },
		"client_id: \"xxx":              func(c *Client) { c.ID = strings.Repeat("x", 101) },
		"client_name: \"a":              func(c *Client) { c.Name = "a\u202eb" },
		"client_name: \"\"":             func(c *Client) { c.Name = "" },
		"token_endpoint_auth_method":    func(c *Client) { c.AuthMethod = "tls_client_auth" },
		"\"none\" is not supported":     func(c *Client) { c.IDTokenAlg = "none" },
		"\"HS256\" is not supported":    func(c *Client) { c.IDTokenAlg = "HS256" },
		"response_types: \"token\"":     func(c *Client) { c.Metadata.ResponseTypes = []string{"code", "token"} },
		"subject_type: \"x\"":           func(c *Client) { c.Metadata.SubjectType = "x" },
		"application_type: \"desktop\"": func(c *Client) { c.Metadata.ApplicationType = "desktop" },
		"grant_types: \"password\"":     func(c *Client) { c.GrantTypes = []string{GrantCode, "password"} },
		"name at least one":             func(c *Client) { c.GrantTypes = nil },
		"needs at least one":            func(c *Client) { c.RedirectURIs = nil },
		"only authorization":            func(c *Client) { c.GrantTypes = []string{GrantCredentials} },
		"beside it":                     func(c *Client) { c.GrantTypes, c.RedirectURIs = []string{GrantRefresh}, nil },
		"no credentials": func(c *Client) {
			c.AuthMethod, c.GrantTypes = AuthNone, append(c.GrantTypes, GrantCredentials)
		},
		"scope: \"a b\"":           func(c *Client) { c.Scopes = []string{"a b"} },
		"scope: \"\"":              func(c *Client) { c.Scopes = []string{""} },
		"scope: at most 50":        func(c *Client) { c.Scopes = make([]string, 51) },
		"redirect_uris: at most":   func(c *Client) { c.PostLogoutRedirectURIs = make([]string, 51) },
		"is not https":             func(c *Client) { c.PostLogoutRedirectURIs = []string{"http://app.example.org/"} },
		"client_uri: \"javascript": func(c *Client) { c.ClientURI = "javascript:x" },
		"policy_uri: \"http":       func(c *Client) { c.PolicyURI = "http://app.example.org" },
		"tos_uri: \"https://u":     func(c *Client) { c.TermsURI = "https://u@app.example.org" },
		"logo_uri: \"data":         func(c *Client) { c.Metadata.LogoURI = "data:image/png;base64,x" },
		"contacts: at most":        func(c *Client) { c.Contacts = make([]string, 11) },
		"contacts: \"a":            func(c *Client) { c.Contacts = []string{"a\u202e"} },
		"software_id":              func(c *Client) { c.Metadata.SoftwareID = "\x00" },
		"software_version":         func(c *Client) { c.Metadata.SoftwareVersion = strings.Repeat("x", 201) },
		"client_name: \"\\u202e":   func(c *Client) { c.Metadata.Localized = map[string]map[string]string{"client_name": {"de": "\u202e"}} },
		"is not a language tag": func(c *Client) {
			c.Metadata.Localized = map[string]map[string]string{"client_name": {"d e": "x"}}
		},
		"policy_uri#de: \"javascript": func(c *Client) {
			c.Metadata.Localized = map[string]map[string]string{"policy_uri": {"de": "javascript:x"}}
		},
	} {
		c := good
		c.GrantTypes = append([]string{}, good.GrantTypes...)
		change(&c)
		var all []string
		for _, p := range c.Problems(offer) {
			all = append(all, p.String())
		}
		if got := strings.Join(all, "; "); !strings.Contains(got, want) {
			t.Errorf("want %q, got %q", want, got)
		}
	}
}

func TestLocalized(t *testing.T) {
	c := Client{Metadata: ClientMetadata{Localized: map[string]map[string]string{"client_name": {"de": "Haus", "pt-BR": "Casa", "fr": ""}}}}
	for language, want := range map[string]string{"de": "Haus", "DE": "Haus", "de-CH": "Haus", "pt-br": "Casa", "pt": "Casa", "fr": "House", "": "House"} {
		if got := c.Localized("client_name", language, "House"); got != want {
			t.Errorf("%s: %q, want %q", language, got, want)
		}
	}
	if got := c.Localized("policy_uri", "de", "x"); got != "x" {
		t.Error(got)
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "app.localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "[::1]": true, "::ffff:127.0.0.1": true,
		"": false, "localhost.example": false, "127.0.0.1.example": false, "10.0.0.1": false, "0.0.0.0": false, "xlocalhost": false,
	} {
		if Loopback(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}

func FuzzRedirectProblem(f *testing.F) {
	for _, s := range []string{"https://a.example/cb", "http://127.0.0.1:1/", "org.example.app:/x", "javascript:alert(1)", "https://a\\@b", "://", "https://[::1]:x/", "h\x00", "#", "?"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if RedirectProblem(uri, false) != "" {
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
