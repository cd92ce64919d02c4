package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestProfilesAreNotRebound makes the request of a page that had its own name
// lead to the operator's machine.
func TestProfilesAreNotRebound(t *testing.T) {
	h := (&admin{}).handler(true)
	for host, want := range map[string]int{
		"127.0.0.1:8081": http.StatusOK, "localhost:8081": http.StatusOK, "[::1]:8081": http.StatusOK, "localhost": http.StatusOK,
		"evil.example:8081": http.StatusMisdirectedRequest, "127.0.0.1.evil.example": http.StatusMisdirectedRequest, "": http.StatusMisdirectedRequest,
	} {
		for _, path := range []string{"/debug/pprof/cmdline", "/debug/pprof/"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = host
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%s under %q: %d, want %d", path, host, w.Code, want)
			}
		}
	}
}
