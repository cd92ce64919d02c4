package tokens

import (
	"net/url"
	"testing"

	"github.com/ory/fosite"

	"idbroker/broker"
)

func TestMatchRedirect(t *testing.T) {
	web := broker.Client{RedirectURIs: []string{"https://app.example/cb", "https://app.example/cb?a=b"}}
	native := broker.Client{AuthMethod: broker.AuthNone, RedirectURIs: []string{
		"http://127.0.0.1/cb", "http://[::1]:8000/cb?x=1", "http://localhost/cb", "org.example.app:/cb", "http://app.example/cb",
	}}
	for _, tt := range []struct {
		c         broker.Client
		requested string
		ok        bool
	}{
		{web, "https://app.example/cb", true},
		{web, "https://app.example/cb?a=b", true},
		{web, "", false}, // two are registered
		{web, "https://app.example/cb/", false},
		{web, "https://app.example/CB", false},
		{web, "https://APP.example/cb", false},
		{web, "HTTPS://app.example/cb", false},
		{web, "https://app.example:443/cb", false},
		{web, "https://app.example/cb?a=c", false},
		{web, "https://app.example/cb?a=b&c=d", false},
		{web, "https://app.example/cb#x", false},
		{web, "https://app.example/cb/../evil", false},
		{web, "https://app.example/cb%2e", false},
		{web, "https://app.example.evil.example/cb", false},
		{web, "https://app.example@evil.example/cb", false},
		{web, "https://evil.example\\@app.example/cb", false},
		{web, "//app.example/cb", false},
		{web, "http://app.example/cb", false},
		{web, " https://app.example/cb", false},
		{web, "https://app.example/cb\r\nSet-Cookie: x", false},
		{native, "http://127.0.0.1:4711/cb", true},
		{native, "http://127.0.0.1/cb", true},
		{native, "http://[::1]:1/cb?x=1", true},
		{native, "http://[::1]:1/cb", false},
		{native, "http://127.0.0.2:1/cb", false}, // another address
		{native, "http://127.0.0.1:1/other", false},
		{native, "http://127.0.0.1:1@evil.example/cb", false},
		{native, "http://127.0.0.1:1.evil.example/cb", false},
		{native, "https://127.0.0.1:1/cb", false}, // the scheme does not vary
		{native, "http://localhost/cb", true},
		{native, "http://localhost:1/cb", false}, // RFC 8252 speaks of addresses
		{native, "org.example.app:/cb", true},
		{native, "org.example.app:/cb2", false},
		{native, "http://app.example/cb", false}, // in the clear to a public client
		{broker.Client{RedirectURIs: []string{"https://app.example/cb"}}, "", true},
		{broker.Client{RedirectURIs: []string{"javascript:alert(1)"}}, "javascript:alert(1)", false},
		{broker.Client{RedirectURIs: []string{"JavaScript://%0aalert(1)"}}, "JavaScript://%0aalert(1)", false},
		{broker.Client{RedirectURIs: []string{"data:text/html,x"}}, "", false},
		{broker.Client{RedirectURIs: []string{"https:///cb"}}, "https:///cb", false},
		{broker.Client{RedirectURIs: []string{"/cb"}}, "/cb", false},
		{broker.Client{}, "", false},
		{broker.Client{RedirectURIs: []string{""}}, "", false},
	} {
		got, ok := matchRedirect(tt.c, tt.requested)
		if ok != tt.ok {
			t.Errorf("matchRedirect(%q) = %q, %v, want %v", tt.requested, got, ok, tt.ok)
		}
		if ok && tt.requested != "" && got != tt.requested {
			t.Errorf("matchRedirect(%q) = %q: it must not be rewritten", tt.requested, got)
		}
	}
}

func TestAddParams(t *testing.T) {
	p := url.Values{"code": {"a b"}}
	for _, tt := range []struct {
		uri  string
		mode fosite.ResponseModeType
		want string
	}{
		{"https://app.example/cb", fosite.ResponseModeQuery, "https://app.example/cb?code=a+b"},
		{"https://app.example/cb?x=%7e", fosite.ResponseModeQuery, "https://app.example/cb?x=%7e&code=a+b"},
		{"https://app.example/cb?", fosite.ResponseModeQuery, "https://app.example/cb?code=a+b"},
		{"https://app.example/cb?x=1", fosite.ResponseModeFragment, "https://app.example/cb?x=1#code=a+b"},
		{"org.example:/cb", fosite.ResponseModeQuery, "org.example:/cb?code=a+b"},
	} {
		if got := addParams(tt.uri, tt.mode, p); got != tt.want {
			t.Errorf("addParams(%q) = %q, want %q", tt.uri, got, tt.want)
		}
	}
}

// FuzzRedirect holds the matcher to its promise: what it trusts goes where one
// of the registered URIs goes.
func FuzzRedirect(f *testing.F) {
	c := broker.Client{RedirectURIs: []string{"https://app.example/cb?x=1", "http://127.0.0.1/cb", "http://[::1]:9/cb"}}
	for _, seed := range append(c.RedirectURIs, "http://127.0.0.1:80@evil/cb", "http://127.0.0.1:1", "https://app.example/cb?x=1&y") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, requested string) {
		got, ok := matchRedirect(c, requested)
		if !ok {
			return
		}
		u, err := url.Parse(got)
		if err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		switch {
		case got == c.RedirectURIs[0]:
		case u.Scheme == "http" && (u.Hostname() == "127.0.0.1" || u.Hostname() == "::1") && u.Path == "/cb" && u.RawQuery == "" && u.User == nil:
		default:
			t.Errorf("trusted %q", got)
		}
	})
}
