package tokens

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
	"idbroker/fetch"
)

// sectorSite is a site with sector identifiers, and the fetcher that reaches it.
func sectorSite(t *testing.T, h http.HandlerFunc) (string, *fetch.Client) {
	srv := httptest.NewTLSServer(h)
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	return srv.URL, fetch.New(fetch.Options{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: roots, Timeout: 2 * time.Second, MinInterval: time.Nanosecond})
}

// TestRegisterSector: the file of a sector lists every redirect URI, or there is
// no sector.
func TestRegisterSector(t *testing.T) {
	const one, two = "https://a.example/cb", "https://b.example/cb"
	list := func(uris ...string) string {
		b, err := json.Marshal(uris)
		must(t, err)
		return string(b)
	}
	pages := map[string]string{
		"/good": list(one, "https://c.example/x", two), "/lacks": list(one), "/slash": list(one, two+"/"), "/case": list(one, "https://B.example/cb"), "/empty": "[]",
		"/object": `{"redirect_uris":` + list(one, two) + `}`, "/null": "null", "/nulls": `["` + one + `","` + two + `",null]`, "/numbers": `["` + one + `","` + two + `",1]`,
		"/twice": list(one, two) + list(one, two), "/text": one + " " + two, "/nothing": "", "/html": "<html>",
		"/huge": `["` + strings.Repeat("x", 256<<10) + `"]`, "/deep": strings.Repeat("[", 100000),
	}
	base, fetcher := sectorSite(t, func(w http.ResponseWriter, r *http.Request) {
		switch page, ok := pages[r.URL.Path]; {
		case r.URL.Path == "/redirect":
			http.Redirect(w, r, "/good", http.StatusFound)
		case r.URL.Path == "/inside":
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusMovedPermanently)
		case !ok:
			http.NotFound(w, r)
		default:
			fmt.Fprint(w, page)
		}
	})
	w := registering(t, RegisterOpen, func(r *Registration) { r.PerDay = 1000 })
	w.s.o.Fetcher = fetcher
	ask := func(uri string, more map[string]any) answer {
		w.s.sectors.n = 0
		return w.register(mergeInto(map[string]any{"redirect_uris": []string{one, two}, "subject_type": "pairwise", "sector_identifier_uri": uri}, more))
	}
	before, err := w.db.Clients(t.Context())
	must(t, err)
	for path, want := range map[string]string{
		"/lacks": "'https://b.example/cb' is not in it", "/slash": "is not in it", "/case": "is not in it", "/empty": "is not in it",
		"/object": "no JSON array", "/null": "no JSON array", "/nulls": "no JSON array", "/numbers": "no JSON array", "/twice": "no JSON array", "/text": "no JSON array", "/nothing": "no JSON array", "/html": "no JSON array", "/deep": "no JSON array",
		"/huge": "cannot be fetched", "/redirect": "cannot be fetched", "/inside": "cannot be fetched", "/missing": "cannot be fetched",
	} {
		a := ask(base+path, nil)
		wantError(t, path, a, 400, "invalid_client_metadata")
		if !strings.Contains(a.str("error_description"), want) || !strings.Contains(a.str("error_description"), "sector_identifier_uri") {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	for _, uri := range []string{"http://a.example/s", "https://10.0.0.1/s", "https://169.254.169.254/s", "https://[::1]/s", "https://localhost/s", "https://u@a.example/s", "https:///s", "file:///etc/passwd"} {
		a := ask(uri, nil)
		wantError(t, uri, a, 400, "invalid_client_metadata")
		if strings.Contains(a.str("error_description"), "network") {
			t.Errorf("%s: a stranger is told of networks: %s", uri, a.body)
		}
	}
	wantError(t, "for public subjects", ask(base+"/lacks", map[string]any{"subject_type": "public"}), 400, "invalid_client_metadata")
	after, err := w.db.Clients(t.Context())
	if must(t, err); len(after) != len(before) {
		t.Errorf("%d clients before, %d after", len(before), len(after))
	}

	a, b := ask(base+"/good", nil), ask(base+"/good?x", map[string]any{"redirect_uris": []string{two}})
	if a.status != 201 || b.status != 201 || a.str("sector_identifier_uri") != base+"/good" {
		t.Fatalf("%s %s", a.body, b.body)
	}
	first, err := w.db.Client(t.Context(), a.str("client_id"))
	must(t, err)
	second, err := w.db.Client(t.Context(), b.str("client_id"))
	must(t, err)
	if got := w.s.subjectOf(first, w.user.ID); got != w.s.subjectOf(second, w.user.ID) || got == string(w.user.ID) || sector(first) != strings.TrimPrefix(base, "https://") {
		t.Errorf("subjects of one sector: %s, sector %s", got, sector(first))
	}

	// A change is held to the same, and leaves what was there.
	put := func(changes map[string]any) answer {
		return w.json("PUT", "/oauth2/register/"+first.ID, a.str("registration_access_token"), asking(mergeInto(map[string]any{"client_id": first.ID, "subject_type": "pairwise", "sector_identifier_uri": base + "/good"}, changes)))
	}
	wantError(t, "another redirect URI", put(map[string]any{"redirect_uris": []string{one, "https://evil.example/cb"}}), 400, "invalid_client_metadata")
	if got := put(map[string]any{"redirect_uris": []string{one, two, "https://c.example/x"}}); got.status != 200 {
		t.Errorf("one that is listed: %s", got.body)
	}
}

// TestStrangersCannotKnockWithSectors: who may not register makes us fetch
// nothing, and who may, not often.
func TestStrangersCannotKnockWithSectors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		w := registering(t, RegisterToken)
		w.s.o.Fetcher = counting{&calls}
		ask := func(token string, i int) answer {
			return w.json("POST", "/oauth2/register", token, asking(map[string]any{"sector_identifier_uri": fmt.Sprintf("https://victim.example/%d", i)}))
		}
		spent, live := broker.NewSecret(), broker.NewSecret()
		must(t, w.db.CreateInitialAccessToken(t.Context(), broker.InitialAccessToken{Hash: spent.Hash(), CreatedAt: time.Now()}))
		must(t, w.db.CreateInitialAccessToken(t.Context(), broker.InitialAccessToken{Hash: live.Hash(), UsesLeft: 1, CreatedAt: time.Now()}))
		for _, token := range []string{"x", spent.Reveal()} {
			wantError(t, "token", ask(token, 1), 401, "invalid_token")
		}
		if calls.Load() != 0 {
			t.Fatal("a stranger makes us fetch")
		}
		w.s.o.Registration.Mode = RegisterOpen
		busy := 0
		for i := range 3 * sectorsPerMinute {
			if a := ask("", i); a.status == 429 {
				busy++
				if a.header.Get("Retry-After") != "60" {
					t.Fatalf("Retry-After %q", a.header.Get("Retry-After"))
				}
			}
		}
		if calls.Load() != sectorsPerMinute || busy != 2*sectorsPerMinute {
			t.Errorf("%d fetched, %d told to wait", calls.Load(), busy)
		}
		time.Sleep(sectorsWindow)
		wantError(t, "a minute later", ask("", 1), 400, "invalid_client_metadata")
		w.s.o.Registration.PerDay = 0
		n := calls.Load()
		if a := ask("", 1); a.status != 429 || a.header.Get("Retry-After") != "86400" || calls.Load() != n {
			t.Errorf("a full quota: %d %v", a.status, a.header)
		}
	})
}

// FuzzParseSector: no document panics; what is taken is an array of texts.
func FuzzParseSector(f *testing.F) {
	for _, s := range []string{`["https://a.example/cb"]`, "[]", "null", "[null]", `[1]`, "[[", "{}", "[\"\xff\"]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := parseSector(body)
		if err != nil {
			return
		}
		var plain []string
		if json.Unmarshal(body, &plain) != nil || len(plain) != len(list) {
			t.Errorf("%q is taken as %q", body, list)
		}
	})
}

// counting is a Fetcher that finds nothing and counts.
type counting struct{ calls *atomic.Int32 }

func (c counting) Get(context.Context, string, time.Duration) ([]byte, error) {
	c.calls.Add(1)
	return nil, errBroken
}
