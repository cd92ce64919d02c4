package broker

import (
	"strings"
	"testing"
)

func TestLogoutProblems(t *testing.T) {
	for uri, want := range map[string]string{
		"https://app.example.org/out": "", "https://app.example.org/out?a=b": "", "http://127.0.0.1:3000/": "", "http://localhost/": "",
		"": "https", "/out": "https", "app.example.org": "https", "http://app.example.org/": "loopback", "http://127.0.0.1.example.org/": "loopback",
		"javascript:alert(1)": "https", "ftp://app.example.org/": "https", "https://": "https", "https:app": "https", "https://:443/": "https",
		"https://app.example.org/#x": "fragment", "https://app.example.org/#": "fragment", "https://u:p@app.example.org/": "user name",
		"https://app.example.org/\r\nX: y": "not a URL", "https://app.example.org/a b": "not a URL", `https://app.example.org\@evil.example/`: "not a URL",
		"https://app.example.org/" + strings.Repeat("x", MaxURI): "not a URL", "https://\u00e4.example.org/": "not a URL",
	} {
		if got := LogoutURIProblem(uri); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", uri, got, want)
		}
	}
	offer := Offer{AuthMethods: []string{AuthBasic}, GrantTypes: []string{GrantCode}, ResponseTypes: []string{"code"}}
	c := Client{ID: "a", Name: "A", AuthMethod: AuthBasic, RedirectURIs: []string{"https://a.example.org/"}, GrantTypes: []string{GrantCode}}
	c.Metadata.BackchannelLogoutSessionRequired = true
	if p := c.Problems(offer); len(p) != 1 || !strings.Contains(p[0].String(), "--backchannel-logout-uri") {
		t.Error(p)
	}
	c.Metadata.BackchannelLogoutURI = "http://a.example.org/"
	if p := c.Problems(offer); len(p) != 1 || !strings.Contains(p[0].String(), "backchannel_logout_uri") {
		t.Error(p)
	}
	c.Metadata = ClientMetadata{FrontchannelLogoutURI: "https://a.example.org/out"}
	if p := c.Problems(offer); len(p) != 0 {
		t.Error(p)
	}
	for _, uri := range []string{"https://b.example.org/out", "https://a.example.org:444/out", "http://a.example.org/out", "javascript:alert(1)"} {
		c.Metadata.FrontchannelLogoutURI = uri
		if p := c.Problems(offer); len(p) != 1 || !strings.Contains(p[0].String(), "frontchannel_logout_uri") {
			t.Error(uri, p)
		}
	}
}
