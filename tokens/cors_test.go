package tokens

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

func TestClientOrigins(t *testing.T) {
	spa := broker.Client{AuthMethod: broker.AuthNone}
	for name, tt := range map[string]struct {
		client broker.Client
		uris   []string
		want   string
	}{
		"public":             {spa, []string{"https://app.example/cb", "https://app.example/other"}, "https://app.example"},
		"port and default":   {spa, []string{"https://app.example:443/cb", "https://app.example:8443/", "http://localhost:80/"}, "https://app.example https://app.example:8443 http://localhost"},
		"IPv6":               {spa, []string{"http://[::1]:3000/cb"}, "http://[::1]:3000"},
		"capitals":           {spa, []string{"https://APP.example/"}, "https://app.example"},
		"own scheme":         {spa, []string{"org.example.app:/cb", "org.example.app://host/cb"}, ""},
		"confidential":       {broker.Client{AuthMethod: broker.AuthBasic}, []string{"https://app.example/cb"}, ""},
		"origins registered": {broker.Client{AuthMethod: broker.AuthBasic, Metadata: broker.ClientMetadata{Origins: []string{"https://front.example"}}}, []string{"https://app.example/cb"}, "https://front.example"},
		"on a device":        {broker.Client{AuthMethod: broker.AuthNone, Metadata: broker.ClientMetadata{ApplicationType: "native"}}, []string{"http://127.0.0.1/cb"}, ""},
		"disabled":           {broker.Client{AuthMethod: broker.AuthNone, DisabledAt: time.Now()}, []string{"https://app.example/cb"}, ""},
		"opaque":             {broker.Client{AuthMethod: broker.AuthNone, Metadata: broker.ClientMetadata{Origins: []string{"null", "*", "", "file:///x", "https://u@x.example", "https:x", "://"}}}, nil, ""},
	} {
		tt.client.RedirectURIs = tt.uris
		if got := strings.Join(ClientOrigins(tt.client), " "); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// cors sends a request with an origin through the wrapper of the token endpoint.
func (w *world) cors(method string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", strings.NewReader("grant_type=x"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.s.ForClientOrigins(w.s.ServeToken, "POST")(rec, r)
	if c := rec.Header().Get("Access-Control-Allow-Credentials"); c != "" {
		w.t.Errorf("credentials: %q", c)
	}
	if !strings.Contains(strings.Join(rec.Header().Values("Vary"), ","), "Origin") {
		w.t.Errorf("%s %v does not vary by origin", method, header)
	}
	return rec
}

// TestForeignOriginsAreNotAllowed: only the very origin of a browser client is.
func TestForeignOriginsAreNotAllowed(t *testing.T) {
	w := newWorld(t) // "spa" has https://app.example/cb
	if got := w.cors("POST", "Origin", "https://app.example").Header(); got.Get("Access-Control-Allow-Origin") != "https://app.example" ||
		!strings.Contains(got.Get("Access-Control-Expose-Headers"), "WWW-Authenticate") {
		t.Errorf("our own client: %v", got)
	}
	for _, origin := range []string{
		"null", "", "*", "https://app.example.evil.example", "https://evil-app.example", "https://app.example:444", "http://app.example", "https://sub.app.example",
		"https://app.example/", "https://app.example.", "HTTPS://APP.EXAMPLE", "https://app.example, https://evil.example", "https://app.example\x00", "https://evil.example#https://app.example", "https://app.example@evil.example",
	} {
		for _, method := range []string{"POST", "OPTIONS"} {
			got := w.cors(method, "Origin", origin, "Access-Control-Request-Method", "POST").Header()
			for _, h := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"} {
				if v, ok := got[h]; ok {
					t.Errorf("%s from %q: %s %q", method, origin, h, v)
				}
			}
		}
	}
	if got := w.cors("POST", "Origin", "https://app.example", "Origin", "https://evil.example").Header(); got.Get("Access-Control-Allow-Origin") != "" {
		t.Error("two origins were allowed")
	}
	if got := w.cors("POST").Header(); got.Get("Access-Control-Allow-Origin") != "" {
		t.Error("no origin was allowed")
	}
}

func TestPreflight(t *testing.T) {
	w := newWorld(t)
	got := w.cors("OPTIONS", "Origin", "https://app.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,x-more")
	h := got.Header()
	if got.Code != 204 || h.Get("Access-Control-Allow-Origin") != "https://app.example" || h.Get("Access-Control-Allow-Methods") != "POST" ||
		h.Get("Access-Control-Allow-Headers") != "Authorization, Content-Type" || h.Get("Access-Control-Max-Age") != "600" || got.Body.Len() > 0 {
		t.Errorf("%d %v", got.Code, h)
	}
	for _, method := range []string{"GET", "PUT", "DELETE", "post", "*"} {
		if v := w.cors("OPTIONS", "Origin", "https://app.example", "Access-Control-Request-Method", method).Header().Get("Access-Control-Allow-Methods"); v != "" {
			t.Errorf("%s is allowed: %q", method, v)
		}
	}
	if got := w.cors("OPTIONS", "Origin", "https://app.example"); got.Code != http.StatusMethodNotAllowed { // no preflight
		t.Errorf("OPTIONS: %d", got.Code)
	}
}

// TestEveryOriginReadsMetadata: without varying, and without credentials.
func TestEveryOriginReadsMetadata(t *testing.T) {
	w := newWorld(t)
	for name, h := range map[string]http.HandlerFunc{"discovery": w.s.ServeDiscovery, "jwks": w.s.ServeJWKS} {
		for _, origin := range []string{"https://anybody.example", "null", ""} {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Origin", origin)
			rec := httptest.NewRecorder()
			w.s.ForEveryOrigin(h)(rec, r)
			got := rec.Header()
			if rec.Code != 200 || got.Get("Access-Control-Allow-Origin") != "*" || got.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(got.Get("Access-Control-Expose-Headers"), "ETag") {
				t.Errorf("%s from %q: %d %v", name, origin, rec.Code, got)
			}
		}
		r := httptest.NewRequest("OPTIONS", "/", nil)
		r.Header.Set("Origin", "https://anybody.example")
		r.Header.Set("Access-Control-Request-Method", "GET")
		rec := httptest.NewRecorder()
		w.s.ForEveryOrigin(h)(rec, r)
		if rec.Code != 204 || rec.Header().Get("Access-Control-Allow-Methods") != "GET, HEAD" {
			t.Errorf("%s preflight: %d %v", name, rec.Code, rec.Header())
		}
	}
}

// clientsOnce is a store that counts, or fails, the reading of all clients.
type clientsOnce struct {
	Store
	reads int
	err   error
}

func (c *clientsOnce) Clients(ctx context.Context) ([]broker.Client, error) {
	c.reads++
	if c.err != nil {
		return nil, c.err
	}
	return c.Store.Clients(ctx)
}

// TestOriginsAreReadSeldom: strangers cannot keep the database busy, new
// clients work after a second, removed ones for a minute at most.
func TestOriginsAreReadSeldom(t *testing.T) {
	w := newWorld(t)
	store, at, ctx := &clientsOnce{Store: w.db}, time.Now(), t.Context()
	var o origins
	for range 100 {
		o.has(ctx, store, "https://evil.example", at)
		o.has(ctx, store, "https://app.example", at)
	}
	if store.reads != 1 {
		t.Errorf("%d reads", store.reads)
	}
	must(t, w.db.CreateClient(ctx, broker.Client{ID: "new", AuthMethod: broker.AuthNone, RedirectURIs: []string{"https://new.example/cb"}}))
	if o.has(ctx, store, "https://new.example", at.Add(originsAgain/2)) || !o.has(ctx, store, "https://new.example", at.Add(originsAgain)) {
		t.Error("a new client")
	}
	must(t, w.db.DeleteClient(ctx, "new"))
	if !o.has(ctx, store, "https://new.example", at.Add(originsKept)) || o.has(ctx, store, "https://new.example", at.Add(originsAgain+originsKept)) {
		t.Error("a removed client")
	}
	store.err = errBroken
	if later := at.Add(9 * originsKept); !o.has(ctx, store, "https://app.example", later) || o.has(ctx, store, "https://evil.example", later.Add(originsKept)) {
		t.Error("without a database")
	}
}

func FuzzBrowserOrigin(f *testing.F) {
	for _, s := range []string{"https://a.example/cb", "https://a.example:443", "http://[::1]:80/", "null", "https://a:", "https://a.example:port", "org.example:/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if o := browserOrigin(uri); o != "" && (browserOrigin(o) != o || strings.Count(o, "/") != 2 || o == "null") {
			t.Errorf("%q has the origin %q", uri, o)
		}
	})
}
