package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

// serve runs a handler of the test behind the adapter, in the place of GET
// /lost-password/.
func (w *world) serve(r *http.Request, h handler) *httptest.ResponseRecorder {
	w.server.mux = http.NewServeMux()
	w.server.mux.HandleFunc("/test/{$}", w.server.page(h))
	rec := httptest.NewRecorder()
	w.server.ServeHTTP(rec, r)
	return rec
}

func (w *world) testRequest(method string) *http.Request {
	r := httptest.NewRequest(method, w.url+"/test/?secret=hidden-in-query", nil)
	r.Header.Set("Accept", "text/html")
	return r
}

var reference = regexp.MustCompile(`[a-z2-7]{12}`)

func TestErrorsBecomePages(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		level  string
	}{
		{errors.New("disk on fire"), 500, "ERROR"},
		{&broker.Error{Kind: broker.KindInternal, Message: "x"}, 500, "ERROR"},
		{&broker.Error{Kind: broker.KindInvalid, Message: "login.wrong"}, 422, "INFO"},
		{&broker.Error{Kind: broker.KindBadRequest, Message: "error.form"}, 400, "INFO"},
		{broker.ErrSignIn, 401, "INFO"},
		{broker.ErrDisabled, 403, "INFO"},
		{broker.ErrNotFound, 404, "INFO"},
		{broker.ErrConflict, 409, "INFO"},
		{broker.ErrSpent, 410, "INFO"},
		{&broker.Error{Kind: broker.KindTooMany, Message: "sent.too_soon"}, 429, "INFO"},
		{&broker.Error{Kind: broker.KindUpstream, Message: "provider.upstream"}, 502, "WARN"},
		{&broker.Error{Kind: broker.KindUnavailable, Message: "provider.unavailable"}, 503, "WARN"},
		{errTooLarge, 413, "INFO"},
	} {
		w := newWorld(t)
		rec := w.serve(w.testRequest("GET"), func(http.ResponseWriter, *http.Request) error { return tt.err })
		if rec.Code != tt.status {
			t.Errorf("%v: status %d, want %d", tt.err, rec.Code, tt.status)
		}
		id := rec.Header().Get("X-Request-Id")
		if !reference.MatchString(id) || !strings.Contains(rec.Body.String(), id) {
			t.Errorf("%v: reference %q is not on the page", tt.err, id)
		}
		log := w.log.String()
		if !strings.Contains(log, "request="+id) || !strings.Contains(log, "level="+tt.level+` msg="request failed"`) {
			t.Errorf("%v: log:\n%s", tt.err, log)
		}
		if strings.Contains(rec.Body.String(), "disk on fire") {
			t.Errorf("%v: the operator's words are on the page", tt.err)
		}
		if strings.Contains(log, "hidden-in-query") {
			t.Errorf("the query is in the log:\n%s", log)
		}
	}
}

func TestErrorsBecomeJSON(t *testing.T) {
	w := newWorld(t)
	r := w.testRequest("GET")
	r.Header.Set("Accept", "application/json")
	rec := w.serve(r, func(http.ResponseWriter, *http.Request) error { return broker.ErrDisabled })
	var got problemJSON
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	id := rec.Header().Get("X-Request-Id")
	if rec.Code != 403 || got.Status != 403 || got.Code != "account.disabled" || got.Type != problemType+got.Code || got.Reference != id || got.Instance != requestURN+id || got.Detail == "" || got.Title == "" {
		t.Errorf("%d %+v", rec.Code, got)
	}
	if h := rec.Header(); h.Get("Content-Type") != problemMediaType || h.Get("Cache-Control") != "no-store" || h.Get("Vary") != "Accept" || h.Get("Content-Security-Policy") != machinePolicy {
		t.Errorf("%v", h)
	}
}

func TestPanicBecomesAPage(t *testing.T) {
	w := newWorld(t)
	rec := w.serve(w.testRequest("GET"), func(http.ResponseWriter, *http.Request) error { panic("boom-token") })
	id := rec.Header().Get("X-Request-Id")
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "boom") || !strings.Contains(rec.Body.String(), id) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if log := w.log.String(); !strings.Contains(log, "boom-token") || !strings.Contains(log, "adapter_test.go") || !strings.Contains(log, "status=500") {
		t.Errorf("log:\n%s", log)
	}
}

func TestPanicInTheMiddleBreaksTheConnection(t *testing.T) {
	w := newWorld(t)
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("recovered %v, want ErrAbortHandler", p)
		}
	}()
	w.serve(w.testRequest("GET"), func(rw http.ResponseWriter, _ *http.Request) error {
		_, _ = rw.Write([]byte("half"))
		panic("boom")
	})
}

// TestGoneAway: somebody who closes the connection is no failure of ours.
func TestGoneAway(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	rec := w.serve(w.testRequest("GET").WithContext(ctx), func(_ http.ResponseWriter, r *http.Request) error {
		cancel()
		return fmt.Errorf("read: %w", r.Context().Err())
	})
	if log := w.log.String(); rec.Code != 499 || strings.Contains(log, "level=ERROR") || strings.Contains(log, "level=WARN") {
		t.Errorf("%d\n%s", rec.Code, log)
	}
	rec = w.serve(w.testRequest("GET"), func(rw http.ResponseWriter, _ *http.Request) error {
		_, _ = rw.Write([]byte("half"))
		return errors.New("the connection broke")
	})
	if rec.Body.String() != "half" {
		t.Errorf("an error page behind half an answer: %s", rec.Body)
	}
}

// TestForgedAddress is the attack of X-Forwarded-For on what the account's
// owner is told.
func TestForgedAddress(t *testing.T) {
	for hops, want := range map[int]string{0: "127.0.0.1", 1: "203.0.113.7", 2: "198.51.100.1"} {
		w := newWorld(t, func(o *Options) { o.TrustedHops = hops })
		w.user("ada")
		b := w.browser()
		r := b.request("POST", "/login/", strings.NewReader(form("email", "ada@example.org", "password", password).Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Forwarded-For", "6.6.6.6, 198.51.100.1, 203.0.113.7")
		r.Header.Set("User-Agent", strings.Repeat("x", 1000)+"\u00ad<script>")
		b.do(r).to("/")
		row, err := b.session()
		must(t, err)
		if row.IP != want || len(row.UserAgent) > maxUserAgent {
			t.Errorf("behind %d: %q, want %q; user agent of %d bytes", hops, row.IP, want, len(row.UserAgent))
		}
	}
}

func TestUnmatched(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.get("/nothing/").want(404)
	b.get("/login/nothing").want(404)
	b.get("/static/nothing.css").want(404)
	if a := b.post("/account/settings/security/").want(405); !strings.Contains(a.header.Get("Allow"), "GET") {
		t.Errorf("Allow: %q", a.header.Get("Allow"))
	}
	if a := b.get("/login"); a.status != 307 || a.location != "/login/" {
		t.Errorf("%d %q", a.status, a.location)
	}
	for _, path := range []string{"//evil.example/..", "/%2F/evil.example", "//evil.example//login", "/\\evil.example"} {
		if a := b.do(b.request("GET", path, nil)); strings.HasPrefix(a.location, "//") || strings.Contains(a.location, "://") || strings.HasPrefix(a.location, "/\\") {
			t.Errorf("%s: redirected to %q", path, a.location)
		}
	}
}

func TestRouteOfTheLog(t *testing.T) {
	var routes []string
	w := newWorld(t)
	w.server.o.OnRequest = func(method, route string, status int, _ time.Duration) { routes = append(routes, method+" "+route) }
	b := w.browser()
	b.get("/oauth/login/demo/?next=/secret")
	b.get("/nothing/")
	b.get("/")
	if got := strings.Join(routes, ", "); got != "GET /oauth/login/{app}/, GET , GET /" {
		t.Errorf("routes %q", got)
	}
	if log := w.log.String(); !strings.Contains(log, "route=/oauth/login/{app}/") || strings.Contains(log, "secret") {
		t.Errorf("log:\n%s", log)
	}
}

func TestHeaders(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for path, outward := range map[string]bool{"/": false, "/login/": true, "/nothing/": false, "/signup/": true} {
		h := b.get(path).header
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "script-src 'self'", "style-src 'self'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: CSP %q lacks %q", path, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "form-action 'self'") == outward {
			t.Errorf("%s: CSP %q", path, csp)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", path, name, got, want)
			}
		}
		if h.Get("Permissions-Policy") == "" || h.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestHSTSOverHTTPS(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.BaseURL = "https://id.example.org" })
	rec := httptest.NewRecorder()
	w.server.ServeHTTP(rec, httptest.NewRequest("GET", "https://id.example.org/login/?next=/x", nil))
	if rec.Header().Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS")
	}
	for _, c := range rec.Result().Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("cookie %+v", c)
		}
	}
	if len(rec.Result().Cookies()) == 0 {
		t.Error("no cookie")
	}
}

// TestElsewhere: cookies and redirect URIs know one name of a loopback address.
func TestElsewhere(t *testing.T) {
	w := newWorld(t)
	ours := strings.TrimPrefix(w.url, "http://")
	_, port, _ := strings.Cut(ours, ":")
	for _, tt := range []struct{ method, host, want string }{
		{"GET", ours, ""},
		{"GET", "localhost:" + port, w.url + "/login/?next=%2Fx"},
		{"POST", "localhost:" + port, ""},
		{"GET", "localhost:1", ""},
		{"GET", "evil.example:" + port, ""},
	} {
		r := httptest.NewRequest(tt.method, "http://"+tt.host+"/login/?next=%2Fx", nil)
		if got := w.server.elsewhere(r); got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.method, tt.host, got, tt.want)
		}
	}
}

// TestCrossOrigin is the attack of a form on another site.
func TestCrossOrigin(t *testing.T) {
	w := newWorld(t)
	w.client()
	b := w.browser()
	post := func(path, site, origin string) int {
		r := b.request("POST", path, strings.NewReader("email=a%40example.org&password=x"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if site != "" {
			r.Header.Set("Sec-Fetch-Site", site)
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		return b.do(r).status
	}
	for _, path := range []string{
		"/login/", "/logout/", "/signup/", "/sent/", "/verify-email/", "/lost-password/", "/reset-password/", "/link/", "/consent/", "/claim/",
		"/oauth/login/demo/", "/oauth/signup/demo/", "/oauth/disconnect/demo/", "/account/settings/profile/", "/account/settings/password/",
		"/account/settings/sessions/", closePath, broker.ReopenPath, emailPath, dataPath + "export/", broker.EmailPath, broker.EmailBackPath, "/account/settings/applications/", "/account/settings/language/",
	} {
		for _, from := range [][2]string{{"cross-site", "https://evil.example"}, {"same-site", "https://evil.example"}, {"", "https://evil.example"}, {"cross-site", "null"}, {"cross-site", ""}} {
			if got := post(path, from[0], from[1]); got != 403 {
				t.Errorf("%s from %q %q: %d, want 403", path, from[0], from[1], got)
			}
		}
		if got := post(path, "same-origin", w.url); got == 403 {
			t.Errorf("%s from here: 403", path)
		}
	}
	for _, path := range []string{"/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/userinfo", "/oauth2/authorize", "/oauth2/logout"} {
		if got := post(path, "cross-site", "https://app.example"); got == 403 {
			t.Errorf("%s is for other origins: 403", path)
		}
	}
}

func TestTooLarge(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	huge := strings.Repeat("a", maxBody+1)
	for _, path := range []string{"/login/", "/signup/", "/lost-password/", "/verify-email/", "/account/settings/language/", "/oauth2/authorize"} {
		if a := b.post(path, "email", huge); a.status != 413 {
			t.Errorf("%s: %d, want 413", path, a.status)
		}
	}
	b.get("/login/?q=" + strings.Repeat("a", maxURI)).want(414)
	if a := b.post("/oauth2/token", "code", huge); a.status/100 != 4 {
		t.Errorf("token: %d", a.status)
	}
}

// TestHeaderInjection: nothing that a stranger sends becomes a header of ours.
func TestHeaderInjection(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b := w.browser()
	for _, evil := range []string{"/a%0d%0aSet-Cookie:%20x=1", "/a\r\nSet-Cookie: x=1", "\r\n\r\n<script>"} {
		a := b.post("/login/?next="+strings.NewReplacer("\r", "%0d", "\n", "%0a").Replace(evil), "email", "ada@example.org", "password", password, "next", evil)
		for _, c := range a.cookies {
			if c.Name == "x" {
				t.Errorf("%q planted a cookie", evil)
			}
		}
		if strings.ContainsAny(a.location, "\r\n") {
			t.Errorf("%q: location %q", evil, a.location)
		}
		b = w.browser()
	}
}
