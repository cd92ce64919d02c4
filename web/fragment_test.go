package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestCallbackWithoutParameters: what a provider says behind "#" no server sees.
// Without a script the page says so, and leads back to the same journey.
func TestCallbackWithoutParameters(t *testing.T) {
	w := newWorld(t)
	w.client()
	w.user("eve")
	const callback = "/oauth/authorized/demo/"
	b := w.browser()
	retry := func(b *browser) string {
		t.Helper()
		a := b.get(callback).want(http.StatusBadRequest).says("The answer was incomplete").says("Nothing has changed")
		labels, to := waysOf(t, a)
		if labels[0] != "Try again" {
			t.Fatalf("ways on %v", labels)
		}
		if !strings.Contains(a.body, `<script src="/static/callback.`) || !strings.Contains(a.header.Get("Content-Security-Policy"), "script-src 'self'") {
			t.Errorf("nothing looks behind the #:\n%s", a.body)
		}
		return to["Try again"]
	}
	if got := retry(b); got != "GET /oauth/login/demo/" {
		t.Errorf("nobody's journey: %s", got)
	}
	login := b.get(authorize()).param("login")
	b.get("/oauth/login/other/?next=/x").to(w.op.URL) // at another provider
	state := b.get("/oauth/login/demo/?login=" + login).to(w.op.URL).param("state")
	if got := retry(b); got != "GET /oauth/login/demo/?login="+login {
		t.Errorf("a journey under way: %s", got)
	}
	if got := retry(w.browser()); got != "GET /oauth/login/demo/" {
		t.Errorf("another browser learns of it: %s", got)
	}
	b.get(callback + "?error=access_denied&state=" + state + "&iss=" + url.QueryEscape(w.op.Issuer)).want(403).says("You didn’t go on at Demo") // it had not been spent

	b = w.browser()
	b.signIn("eve")
	if got := retry(b); got != "POST /oauth/login/demo/" {
		t.Errorf("who is signed in: %s", got)
	}
	b.get("/oauth/authorized/nothing/").want(404)
	if a := b.get("/oauth/login/nothing/"); strings.Contains(a.body, "<script") {
		t.Error("a script where there is nothing to look for")
	}
	a := w.browser().get(callback + "?error=access_denied").want(http.StatusBadRequest)
	if _, to := waysOf(t, a); to["Try again"] == "" {
		t.Errorf("an error without a state: %v", to)
	}
}
