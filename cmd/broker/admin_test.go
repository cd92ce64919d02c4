package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"idbroker/broker/inputtest"
	"idbroker/store/storetest"
	"idbroker/tokens"
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

// TestBadInputAtTheSecondListener: it reads next to nothing, and so nothing that is
// sent there is an error of ours.
func TestBadInputAtTheSecondListener(t *testing.T) {
	db := storetest.New(t)
	service, err := tokens.New(db, tokens.Options{Issuer: "https://broker.example", Secret: [32]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	if err := service.EnsureKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := &admin{db: db, tokens: service, counters: newCounters()}
	slow := map[string]bool{"/debug/pprof/profile": true, "/debug/pprof/trace": true} // they take the seconds that they are asked for
	h := a.handler(true)
	for pattern := range a.routes(true) {
		_, path, _ := strings.Cut(pattern, " ")
		send := func(what, method, query string, header http.Header) {
			if slow[path] && method == http.MethodGet {
				method = http.MethodPost
			}
			r := httptest.NewRequest(method, path, strings.NewReader("{"))
			r.URL.RawQuery, r.Host, r.Header = query, "127.0.0.1:8081", header
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code >= 500 || method != http.MethodGet && method != http.MethodHead && w.Code != http.StatusMethodNotAllowed {
				t.Errorf("%s %s with %.60s: %d %.200s", method, path, what, w.Code, w.Body)
			}
		}
		for _, query := range inputtest.Queries() {
			send(query, http.MethodGet, query, http.Header{})
			send("debug="+query, http.MethodGet, "debug="+query, http.Header{})
		}
		for name, values := range inputtest.Headers() {
			for _, value := range values {
				send(name+": "+value, http.MethodGet, "", http.Header{name: {value}})
			}
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "BREW"} {
			send("nothing", method, "", http.Header{})
		}
	}
}
