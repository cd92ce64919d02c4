package tokens

import (
	"errors"
	"net/http"
	"net/http/httptest"
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

// TestSessionStateOfErrors: who asked with prompt=none hears what holds now, and
// nobody else is told anything of the session.
func TestSessionStateOfErrors(t *testing.T) {
	w := newWorld(t)
	a := w.parse(request("app"))
	refused := func(a *Authorization, err error, sid string) url.Values {
		rec := httptest.NewRecorder()
		w.s.RefuseKnowing(rec, httptest.NewRequest(http.MethodGet, "/", nil), a, err, sid)
		return location(t, rec)
	}
	for _, tt := range []struct {
		err error
		sid string
	}{{ErrLoginRequired, ""}, {ErrLoginRequired, "s1"}, {ErrConsentRequired, "s1"}} {
		got := refused(a, tt.err, tt.sid)
		_, salt, _ := strings.Cut(got.Get("session_state"), ".")
		if want := sessionState("app", "https://app.example", w.s.BrowserState(tt.sid), salt); got.Get("session_state") != want || got.Get("error") == "" || got.Get("iss") != testIssuer {
			t.Errorf("%v with session %q: %v, want %q", tt.err, tt.sid, got, want)
		}
	}
	for _, err := range []error{ErrAccessDenied, ErrUnmet, errors.New("ours")} {
		if got := refused(a, err, "s1"); got.Has("session_state") {
			t.Errorf("%v: %v", err, got)
		}
	}
	if got := refused(w.parse(with(request("app"), "scope", "email")), ErrLoginRequired, "s1"); got.Has("session_state") {
		t.Errorf("without openid: %v", got)
	}
	a.RedirectURI = "org.example.app:/cb"
	if got := refused(a, ErrLoginRequired, "s1"); got.Has("session_state") {
		t.Errorf("an app without origin: %v", got)
	}
}
