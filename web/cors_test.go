package web

import (
	"net/http"
	"strings"
	"testing"

	"idbroker/broker"
)

// TestWhoMayCallFromABrowser holds every endpoint to its rule: what signs people
// in and what shows them pages is never for the scripts of others.
func TestWhoMayCallFromABrowser(t *testing.T) {
	w := newWorld(t)
	const ours, foreign = "https://spa.example", "https://evil.example"
	must(t, w.db.CreateClient(t.Context(), broker.Client{ID: "spa", Name: "SPA", AuthMethod: broker.AuthNone, RedirectURIs: []string{ours + "/cb"}, GrantTypes: []string{broker.GrantCode}}))
	for path, rule := range map[string]struct{ method, ours, foreign string }{
		"/oauth2/token":    {"POST", ours, ""},
		"/oauth2/userinfo": {"GET", ours, ""},
		"/oauth2/revoke":   {"POST", ours, ""},
		"/oauth2/par":      {"POST", ours, ""},

		"/oauth2/jwks.json":                       {"GET", "*", "*"},
		"/.well-known/openid-configuration":       {"GET", "*", "*"},
		"/.well-known/oauth-authorization-server": {"GET", "*", "*"},

		"/oauth2/introspect":          {"POST", "", ""},
		"/oauth2/authorize":           {"GET", "", ""},
		"/oauth2/logout":              {"GET", "", ""},
		"/":                           {"GET", "", ""},
		"/login/":                     {"GET", "", ""},
		"/consent/":                   {"POST", "", ""},
		"/account/settings/security/": {"GET", "", ""},
		"/oauth/login/demo/":          {"GET", "", ""},
	} {
		for origin, want := range map[string]string{ours: rule.ours, foreign: rule.foreign, "null": rule.foreign} {
			for _, method := range []string{rule.method, "OPTIONS"} {
				r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, nil)
				must(t, err)
				r.Header.Set("Origin", origin)
				if method == "OPTIONS" {
					r.Header.Set("Access-Control-Request-Method", rule.method)
				}
				res, err := http.DefaultTransport.RoundTrip(r)
				must(t, err)
				res.Body.Close()
				if got := res.Header.Get("Access-Control-Allow-Origin"); got != want || res.Header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s %s from %s: allowed %q, want %q", method, path, origin, got, want)
				}
				if method == "OPTIONS" && (want != "") != (res.StatusCode == http.StatusNoContent && res.Header.Get("Access-Control-Allow-Methods") != "") && !strings.HasPrefix(path, "/oauth2/") {
					t.Errorf("preflight %s from %s: %d %v", path, origin, res.StatusCode, res.Header)
				}
			}
		}
	}
}
