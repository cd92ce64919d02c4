package web

import (
	"net/http"
	"strings"
	"testing"
)

// TestHeadersOfEndpointsForPrograms: nothing runs in them and no cache keeps what
// is personal. Where the adapter refuses a request to one, that is a page like others.
func TestHeadersOfEndpointsForPrograms(t *testing.T) {
	w := newWorld(t)
	send := func(method, path, site string) http.Header {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, nil)
		must(t, err)
		if site != "" {
			r.Header.Set("Sec-Fetch-Site", site)
		}
		res, err := http.DefaultTransport.RoundTrip(r)
		must(t, err)
		must(t, res.Body.Close())
		return res.Header
	}
	for path := range w.server.machines {
		h := send("GET", path, "")
		public := strings.HasPrefix(path, "/.well-known/") || strings.HasSuffix(path, "jwks.json") || path == openAPIPath
		if h.Get("Content-Security-Policy") != machinePolicy || h.Get("X-Content-Type-Options") != "nosniff" || len(h.Get("X-Request-Id")) != referenceLength {
			t.Errorf("%s: %v", path, h)
		}
		if kept := h.Get("Cache-Control") != "no-store"; kept != public || public != (h.Get("Cross-Origin-Resource-Policy") == "") {
			t.Errorf("%s: %v", path, h)
		}
	}
	for range 2 { // what one answer changes, the next must not have
		if h := send("POST", "/oauth2/jwks.json", "cross-site"); h.Get("Content-Security-Policy") != contentSecurityPolicy+formsStay || h.Get("X-Frame-Options") != "DENY" ||
			h.Get("Cache-Control") != "no-store" || !strings.HasPrefix(h.Get("Content-Type"), "text/html") {
			t.Errorf("refused: %v", h)
		}
		if h := send("GET", "/oauth2/jwks.json", ""); h.Get("X-Frame-Options") != "" || h.Get("Content-Security-Policy") != machinePolicy {
			t.Errorf("after it: %v", h)
		}
	}
}

// TestEncodedSlashIsNoEndpoint: who keeps paths from the outside in front of the
// broker (introspection, say) compares them as they were sent.
func TestEncodedSlashIsNoEndpoint(t *testing.T) {
	w := newWorld(t)
	for path := range w.server.machines {
		if path == openAPIPath {
			continue // has no slash to encode
		}
		encoded := "/" + strings.Replace(path[1:], "/", "%2F", 1)
		res, err := http.Get(w.url + encoded)
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", encoded, res.StatusCode)
		}
	}
}
