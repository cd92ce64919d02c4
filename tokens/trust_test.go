package tokens

import (
	"net/url"
	"strings"
	"testing"
)

// TestRefusedApplicationsAreNamed: the operator reads which application came
// with what, and no more of the address than its path.
func TestRefusedApplicationsAreNamed(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct{ id, uri, want string }{
		{"no-such-app", "https://app.example/cb", `"no-such-app"`},
		{"app", "https://evil.example/cb?code=s3cret", `client "app" has not registered "https://evil.example/cb"`},
	} {
		form := url.Values{"client_id": {tt.id}, "redirect_uri": {tt.uri}, "response_type": {"code"}, "scope": {"openid"}}
		a, err := w.s.ParseAuthorization(t.Context(), form)
		if a != nil || err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s at %s: %v", tt.id, tt.uri, err)
		}
	}
}
