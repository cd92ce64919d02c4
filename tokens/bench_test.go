package tokens

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"idbroker/broker"
)

// The benchmarks run handlers without a network, on SQLite with durable writes.

// exchange sends a form with as little of its own as possible.
func exchange(b *testing.B, h http.HandlerFunc, client, form string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(client, testSecret.Reveal())
	rec := httptest.NewRecorder()
	h(rec, r)
	if rec.Code != http.StatusOK {
		b.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return rec
}

func each(b *testing.B, run func(b *testing.B, w *world, client string)) {
	for _, c := range []struct{ alg, client string }{{broker.ES256, "es"}, {broker.RS256, "app"}} {
		b.Run(c.alg, func(b *testing.B) {
			w := newWorld(b)
			b.ReportAllocs()
			b.ResetTimer()
			run(b, w, c.client)
		})
	}
}

// BenchmarkCodeFlow: authorize with a session, then the token endpoint.
func BenchmarkCodeFlow(b *testing.B) {
	each(b, func(b *testing.B, w *world, client string) {
		form := request(client)
		for b.Loop() {
			code := w.code(form)
			exchange(b, w.s.ServeToken, client, url.Values{
				"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {testCallback}, "code_verifier": {testVerifier},
			}.Encode())
		}
	})
}

// BenchmarkAuthorize is the first half of it.
func BenchmarkAuthorize(b *testing.B) {
	w := newWorld(b)
	b.ReportAllocs()
	form := request("app")
	for b.Loop() {
		w.code(form)
	}
}

func BenchmarkRefresh(b *testing.B) {
	each(b, func(b *testing.B, w *world, client string) {
		a := w.tokens(client)
		id, generation := w.grant(a.str("access_token")).ID, 1
		for b.Loop() {
			exchange(b, w.s.ServeToken, client, "grant_type=refresh_token&refresh_token="+w.s.mint.newRefresh(id, generation))
			generation++
		}
	})
}

func BenchmarkClientCredentials(b *testing.B) {
	w := newWorld(b)
	b.ReportAllocs()
	for b.Loop() {
		exchange(b, w.s.ServeToken, "machine", "grant_type=client_credentials")
	}
}

func BenchmarkUserInfo(b *testing.B) {
	w := newWorld(b)
	token := w.tokens("es").str("access_token")
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		rec := httptest.NewRecorder()
		w.s.ServeUserInfo(rec, r)
		if rec.Code != http.StatusOK {
			b.Fatal(rec.Body)
		}
	}
}

func BenchmarkIntrospect(b *testing.B) {
	w := newWorld(b)
	form := "token=" + w.tokens("es").str("access_token")
	b.ReportAllocs()
	for b.Loop() {
		exchange(b, w.s.ServeIntrospection, "es", form)
	}
}

func BenchmarkDiscovery(b *testing.B) {
	w := newWorld(b)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		w.s.ServeDiscovery(httptest.NewRecorder(), r)
	}
}

func BenchmarkIDToken(b *testing.B) {
	each(b, func(b *testing.B, w *world, client string) {
		a := w.tokens(client)
		g, c := w.grant(a.str("access_token")), broker.Client{ID: client}
		if client == "es" {
			c.IDTokenAlg = broker.ES256
		}
		for b.Loop() {
			if _, err := w.s.idToken(idTokenRequest{client: c, grant: g, access: a.str("access_token"), nonce: "n", at: g.CreatedAt}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
