package web

import (
	"net/http"
	"strings"
	"testing"
)

// TestNoSignInBefore: whoever is here for the first time was not signed in before, in any way.
func TestNoSignInBefore(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	before := func() string {
		t.Helper()
		r := b.request(http.MethodGet, devicesPath, nil)
		r.Header.Set("Accept", jsonMediaType)
		_, rest, ok := strings.Cut(b.do(r).want(200).body, `"signed_in_before":`)
		if !ok {
			return ""
		}
		return rest[:strings.Index(rest, "}")+1]
	}
	if got := before(); strings.Contains(got, "how") {
		t.Errorf("signed in before: %s", got)
	}
	b.post("/logout/")
	b.signIn("ada")
	if got := before(); !strings.Contains(got, `"how":"with your password"`) || !strings.Contains(got, `"at":`) {
		t.Errorf("the second time: %q", got)
	}
}
