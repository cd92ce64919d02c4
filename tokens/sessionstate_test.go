package tokens

import (
	"net/url"
	"strings"
	"testing"

	"idbroker/broker"
)

func TestMessageOrigin(t *testing.T) {
	for uri, want := range map[string]string{
		"https://app.example/cb": "https://app.example", "https://APP.example:443/cb": "https://app.example", "https://app.example:8443/cb": "https://app.example:8443",
		"http://127.0.0.1:80/cb": "http://127.0.0.1", "http://[::1]:3000/cb": "http://[::1]:3000", "https://app.example:80/": "https://app.example:80",
		"org.example.app:/cb": "", "org.example.app://host/cb": "", "": "", "/cb": "",
	} {
		if got := messageOrigin(uri); got != want {
			t.Errorf("%q: %q, want %q", uri, got, want)
		}
	}
}

// TestSessionState: every answer with openid has one of its own, which depends
// on client, origin and session; nobody can compute it from what tokens say.
func TestSessionState(t *testing.T) {
	w := newWorld(t)
	states := map[string]bool{}
	for range 3 {
		a := w.parse(request("app"))
		got := w.respond(a, w.approval(a)).Get("session_state")
		hash, salt, ok := strings.Cut(got, ".")
		if !ok || len(hash) != 43 || len(salt) != 16 || states[got] {
			t.Fatalf("session_state %q", got)
		}
		states[got] = true
		state := w.s.BrowserState(w.session.SID)
		if got != sessionState("app", "https://app.example", state, salt) {
			t.Errorf("session_state %q", got)
		}
		for _, other := range []string{
			sessionState("other", "https://app.example", state, salt), sessionState("app", "https://evil.example", state, salt),
			sessionState("app", "https://app.example", "", salt), sessionState("app", "https://app.example", w.session.SID, salt),
			sessionState("app", "https://app.example", w.s.BrowserState("another"), salt),
		} {
			if other == got {
				t.Error("it does not depend on everything")
			}
		}
	}
	if s := w.s.BrowserState(w.session.SID); len(s) != 22 || strings.Contains(s, w.session.SID) || w.s.BrowserState("") != "" {
		t.Errorf("browser state %q", s)
	}
	a := w.parse(with(request("app"), "scope", "email"))
	if got := w.respond(a, w.approval(a)); got.Has("session_state") {
		t.Errorf("without openid: %v", got)
	}
	p := Approval{Session: broker.Session{SID: "s"}, Scopes: []string{"openid"}}
	if got := w.s.withSessionState(&Authorization{RedirectURI: "org.example.app:/cb"}, p, url.Values{}); got.Has("session_state") {
		t.Errorf("an app without origin: %v", got)
	}
}
