package web

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
)

// nobody is a ResponseWriter that keeps nothing.
type nobody struct{ header http.Header }

func (n nobody) Header() http.Header         { return n.header }
func (n nobody) WriteHeader(int)             {}
func (n nobody) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkAdapter is what we add to a request of a program: everything but
// the HTTP library, for the cheapest of answers.
func BenchmarkAdapter(b *testing.B) {
	w := newWorld(b)
	w.server.log = slog.New(slog.NewJSONHandler(io.Discard, nil))
	r := httptest.NewRequest(http.MethodGet, w.url+"/oauth2/jwks.json", nil)
	r.Header.Set("User-Agent", "Go-http-client/1.1")
	b.ReportAllocs()
	for b.Loop() {
		w.server.ServeHTTP(nobody{http.Header{}}, r)
	}
}
