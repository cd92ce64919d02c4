package tokens

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"idbroker/broker"
)

// TestFrontchannelLogout: the applications of the session, and no others.
func TestFrontchannelLogout(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for id, uri := range map[string]string{"app": "https://app.example/out", "es": "https://app.example/out?x=1", "post": "https://evil.example/", "strict": "https://app.example/strict"} {
			c, err := w.db.Client(t.Context(), id)
			must(t, err)
			c.Metadata.FrontchannelLogoutURI = uri
			must(t, w.db.UpdateClient(t.Context(), c))
		}
		for _, id := range []string{"app", "app", "es", "post", "other"} {
			w.tokens(id)
		}
		sid := w.session.SID
		w.session.SID = "another"
		w.tokens("strict")
		must(t, w.s.SessionEnded(t.Context(), w.user.ID, sid)) // they are found afterwards too
		got, err := w.s.FrontchannelLogout(t.Context(), w.user.ID, sid)
		must(t, err)
		q := "iss=" + url.QueryEscape(testIssuer) + "&sid=" + sid
		want := []Frame{{"https://app.example/out?" + q, "https://app.example"}, {"https://app.example/out?x=1&" + q, "https://app.example"}}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("frames %v, want %v", got, want)
		}
		for _, who := range [][2]string{{"", sid}, {string(w.user.ID), ""}, {"somebody", sid}, {string(w.user.ID), "none"}} {
			if got, err := w.s.FrontchannelLogout(t.Context(), broker.UserID(who[0]), who[1]); err != nil || len(got) != 0 {
				t.Errorf("%v: %v, %v", who, got, err)
			}
		}
	})
}

// TestFrameOrigin: what a header and a frame may hold, whoever registered it.
func TestFrameOrigin(t *testing.T) {
	for uri, want := range map[string]string{
		"https://app.example/out": "https://app.example", "https://APP.example/out?x": "https://app.example", "https://app.example:8443/": "https://app.example:8443",
		"http://127.0.0.1:3000/out": "http://127.0.0.1:3000", "http://localhost/out": "http://localhost", "https://[2001:db8::1]/": "https://[2001:db8::1]",
		"": "", "/out": "", "http://app.example/": "", "javascript:alert(1)": "", "data:text/html,x": "", "https://": "", "https://u@app.example/": "",
		"https://app.example/#x": "", "https://a.example;script-src/": "", "https://a.example,b/": "", "https://*.example/": "", "https://'none'/": "", "https://a$b/": "",
	} {
		if got := originOf(uri); got != want {
			t.Errorf("%q: %q, want %q", uri, got, want)
		}
	}
	for registered, want := range map[string]string{
		"https://app.example/cb": "https://app.example", "https://app.example:444/cb": "", "https://b.app.example/cb": "", "org.example.app:/cb": "",
	} {
		c := broker.Client{RedirectURIs: []string{registered}, Metadata: broker.ClientMetadata{FrontchannelLogoutURI: "https://app.example/out"}}
		if got := frameOrigin(c); got != want {
			t.Errorf("registered %s: %q", registered, got)
		}
	}
}

// FuzzFrameOrigin: an origin never breaks out of a policy.
func FuzzFrameOrigin(f *testing.F) {
	for _, uri := range []string{"https://app.example/out", "http://[::1]:80/", "https://a;b/", "https://a b/", "https://a%20b/", "https://ä.example/", "https://a\r\nb"} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		got := originOf(uri)
		if strings.ContainsAny(got, " ;,'\"\r\n\t*\\/") && !strings.HasPrefix(got, "http") || strings.ContainsAny(strings.TrimPrefix(strings.TrimPrefix(got, "https://"), "http://"), " ;,'\"\r\n\t*\\/@%") {
			t.Errorf("%q: %q", uri, got)
		}
	})
}
