package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// browsersAtOnce is how many browsers are there at once: enough for two of them to be in any piece of code.
const browsersAtOnce = 6

// TestCrowd is what the race detector looks at: people of two languages who sign in, link, go to every
// page and send every form, each in an order of their own, and pages that are
// shown for the first time to several at once.
func TestCrowd(t *testing.T) { storetest.Each(t, crowded) }

func crowded(t *testing.T, db *store.DB) {
	w := &badWorld{world: worldOn(t, db, tokens.Options{Registration: tokens.Registration{Mode: tokens.RegisterOpen}})}
	w.client()
	type place struct{ method, path string }
	var places []place
	for _, pattern := range w.server.patterns {
		methods, path := w.served(pattern, "demo")
		if path == "/logout/" || path == closePath { // the others need somebody who is there
			continue
		}
		for _, method := range methods {
			places = append(places, place{method, path})
		}
	}
	if len(places) < 100 {
		t.Fatalf("%d places", len(places))
	}
	var wg sync.WaitGroup
	for i := range browsersAtOnce {
		name := fmt.Sprint("person", i)
		w.user(name)
		b := w.browser()
		b.signIn(name)
		w.op.AddPerson(providertest.Person{Subject: name, Email: name + "@example.org", EmailVerified: true})
		b.walk(b.post("/oauth/login/demo/"), name)
		header := http.Header{"Accept-Language": {[]string{"en", "de"}[i%2]}, "Sec-Fetch-Site": {"same-origin"}}
		if i%3 == 0 {
			header.Set("Accept", jsonMediaType)
		}
		// Everybody begins elsewhere, two and two at the same place.
		mine := slices.Concat(places[i/2*len(places)/browsersAtOnce:], places[:i/2*len(places)/browsersAtOnce])
		wg.Go(func() {
			for _, p := range mine {
				h, body := header.Clone(), ""
				if p.method == http.MethodPost {
					h.Set("Content-Type", "application/x-www-form-urlencoded")
					body = url.Values{"email": {name + "@elsewhere.example"}, "name": {name}, "code": {"123456"}, "lang": {"de"}}.Encode()
				}
				if a := b.send(t, p.method, p.path, body, h); a >= http.StatusInternalServerError {
					t.Errorf("%s %s: %d", p.method, p.path, a)
				}
			}
		})
	}
	wg.Go(func() {
		for range browsersAtOnce {
			if err := w.server.UsePages(nil); err != nil { // what SIGHUP does
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if log := w.log.String(); strings.Contains(log, "panic") {
		t.Error("a handler panicked")
	}
}

// send sends a request and returns the status; it may be called beside the test.
func (b *browser) send(t *testing.T, method, path, body string, header http.Header) int {
	r, err := http.NewRequestWithContext(t.Context(), method, b.w.url+path, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0
	}
	r.Header = header
	resp, err := b.c.Do(r)
	if err != nil {
		t.Error(err)
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
