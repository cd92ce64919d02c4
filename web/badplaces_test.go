package web

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker/inputtest"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// eachBadWorld runs a test on both databases. What only shows in the database is the
// same in every route, so of PostgreSQL a sample is enough: every is how many
// go by for each that is sent there.
func eachBadWorld(t *testing.T, fn func(w *badWorld, same func(what string) bool, sent func() bool), every int) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := &badWorld{world: worldOn(t, storetest.Open(t, dsn), tokens.Options{
			Phone: true, Address: true, Registration: tokens.Registration{Mode: tokens.RegisterOpen, PerAddress: 1e6, PerDay: 1e6, Total: 1e6},
		})}
		w.prepare()
		w.server.proxied.Store(true) // it would be told of, once: such headers are tried, too
		raw := storetest.Raw(t, dsn)
		before := storetest.Contents(t, raw)
		n := 0
		sent := func() bool {
			n++
			return every < 2 || strings.HasPrefix(dsn, "sqlite:") || n%every == 0
		}
		// same tells whether no table has changed since; what: it fails the test otherwise.
		same := func(what string) bool {
			t.Helper()
			after := storetest.Contents(t, raw)
			quiet := after == before
			if what != "" && !quiet {
				t.Errorf("%s: tables\n%s\nbecame\n%s", what, before, after)
			}
			before = after
			return quiet
		}
		fn(w, same, sent)
		if log := w.log.String(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "level=WARN") {
			t.Errorf("log:\n%.3000s", log[max(0, strings.Index(log, "level=")-100):])
		}
		t.Logf("%d requests", n)
	})
}

// served are the methods of a route and a path of it, in which segment stands for
// every wildcard.
func (w *badWorld) served(pattern, segment string) (methods []string, path string) {
	method, path, found := strings.Cut(pattern, " ")
	if !found {
		path = pattern
	}
	path = strings.TrimSuffix(path, "{$}")
	switch methods = strings.Fields(w.standards()[pattern].methods); {
	case len(methods) > 0:
	case method == http.MethodGet:
		methods = []string{http.MethodGet, http.MethodHead}
	default:
		methods = []string{method}
	}
	return methods, wildcard.ReplaceAllString(path, strings.ReplaceAll(segment, "$", "$$"))
}

// send sends a request with headers as they are. The path need not be well-formed.
func (w *badWorld) send(b *browser, method, path, body string, header http.Header) answer {
	w.t.Helper()
	r := b.request(method, "/", strings.NewReader(body))
	r.URL.Opaque = "//" + r.URL.Host + path
	r.Header = header.Clone()
	return b.do(r)
}

// TestEveryRouteHasBadInput: whoever adds a route says what it reads.
func TestEveryRouteHasBadInput(t *testing.T) {
	w := &badWorld{world: newWorldWith(t, tokens.Options{Registration: tokens.Registration{Mode: tokens.RegisterOpen}})}
	standards := w.standards()
	for _, pattern := range w.server.patterns {
		if op := w.server.operations[pattern]; op.takesJSON() == (standards[pattern].methods != "") {
			t.Errorf("route %q must be an operation in JSON, or have bad input in standards()", pattern)
		}
	}
	for pattern := range standards {
		if !slices.Contains(w.server.patterns, pattern) {
			t.Errorf("standards() has %q, which is no route", pattern)
		}
	}
}

// TestBadInputAtEveryRoute sends to every route, by every method that it serves, what
// can stand in the places that all routes have: the line of the request, its
// query, cookies and other headers. No answer is an error of ours, and no table changes.
func TestBadInputAtEveryRoute(t *testing.T) {
	eachBadWorld(t, func(w *badWorld, same func(string) bool, sent func() bool) {
		stranger, member := w.browser(), w.browser()
		member.signIn("ada")
		same("")
		for _, pattern := range w.server.patterns {
			methods, path := w.served(pattern, "demo")
			for _, method := range methods {
				w.badRequest(t, stranger, pattern, method, path, same, sent)
			}
			if !strings.Contains(strings.TrimSuffix(pattern, "{$}"), "{") {
				continue
			}
			for _, segment := range inputtest.Segments() {
				methods, path := w.served(pattern, segment)
				for _, method := range methods {
					if !sent() {
						continue
					}
					// A preflight looks at no path.
					if a := w.send(member, method, path, "", with("Accept", "application/json")); a.status/100 != 4 && method != http.MethodOptions || a.status >= 500 {
						t.Errorf("%s %.100s: %d %.300s", method, path, a.status, a.body)
					}
				}
			}
			same(pattern + " with bad segments")
		}
	}, 5)
}

// badRequest sends what may come to any route.
func (w *badWorld) badRequest(t *testing.T, b *browser, pattern, method, path string, same func(string) bool, sent func() bool) {
	t.Helper()
	good := w.send(b, method, path, "", http.Header{})
	same("")
	w.send(b, method, path, "", http.Header{})
	quiet := same("") // some routes begin something for whoever comes
	try := func(what, path, body string, header http.Header, bad func(status int) bool) {
		t.Helper()
		if !sent() {
			return
		}
		if a := w.send(w.browser(), method, path, body, header); a.status >= 500 || bad(a.status) {
			t.Errorf("%s %.60s with %.80s: %d, %d without it\n%.300s", method, path, what, a.status, good.status, a.body)
		}
	}
	op, read := w.server.operations[pattern], w.reads(pattern)
	for _, query := range inputtest.Queries() {
		try("query "+query, path+"?"+query, "", http.Header{}, func(status int) bool { return read && status/100 != 4 })
		if method == http.MethodPost {
			try("form "+query, path, query, with("Content-Type", formMediaType), func(status int) bool { return status/100 != 4 })
		}
	}
	if method == http.MethodPost && !op.takesJSON() {
		for _, d := range inputtest.Documents() {
			if d.Text == "" {
				continue // what has no body has no type
			}
			try("body "+d.Name, path, d.Text, with("Content-Type", d.Type), func(status int) bool { return status/100 != 4 })
		}
	}
	for _, value := range inputtest.Cookies() {
		all := ""
		for _, name := range []string{
			sessionCookie, browserCookie, leavingCookie, languageCookie, lastCookie, deviceCookie, turnCookie, knownCookie, rememberCookie, chooseCookie, stateCookie,
		} {
			all += name + "=" + value + "; "
		}
		// Nobody can mend a cookie: it counts for none.
		try("cookies "+value, path, "", with("Cookie", all), func(status int) bool { return status != good.status })
	}
	headers := inputtest.Headers()
	for i, more := 0, true; more; i++ {
		all := http.Header{}
		more = false
		for name, values := range headers {
			if i < len(values) {
				more = true
				all.Set(name, values[i])
			}
		}
		apart := http.Header{}
		for _, name := range []string{"Origin", "Sec-Fetch-Site"} { // those alone have much refused
			apart[name] = all[name]
			all.Del(name)
		}
		try(fmt.Sprint("headers ", all), path, "", all, func(int) bool { return false })
		try(fmt.Sprint("headers ", apart), path, "", apart, func(int) bool { return false })
	}
	what := ""
	if quiet {
		what = method + " " + path
	}
	same(what)
}

// reads tells whether a route reads its query as parameters: pages do.
func (w *badWorld) reads(pattern string) bool {
	_, path, _ := strings.Cut(pattern, " ")
	return strings.Contains(pattern, " ") && path != checkSessionPath && !strings.HasPrefix(path, "/static/")
}

// TestBadMethods: what a route does not serve is refused with what it does.
func TestBadMethods(t *testing.T) {
	w := &badWorld{world: newWorldWith(t, tokens.Options{Registration: tokens.Registration{Mode: tokens.RegisterOpen}})}
	all := map[string][]string{}
	for _, pattern := range w.server.patterns {
		methods, path := w.served(pattern, "demo")
		all[path] = append(all[path], methods...)
	}
	for path, methods := range all {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECTED", "BREW", "get"} {
			a := w.send(w.browser(), method, path, "", http.Header{})
			if instead[path] != "" && (method == http.MethodGet || method == http.MethodHead) {
				if a.status != http.StatusSeeOther { // TestFormsAddressesLeadToTheirPage
					t.Errorf("%s %s: %d", method, path, a.status)
				}
				continue
			}
			if served := slices.Contains(methods, method); !served && a.status != http.StatusMethodNotAllowed && a.status != http.StatusNotFound || a.status >= 500 {
				t.Errorf("%s %s: %d", method, path, a.status)
			}
			if a.status == http.StatusMethodNotAllowed && a.header.Get("Allow") == "" {
				t.Errorf("%s %s: no Allow", method, path)
			}
		}
	}
}

// TestRequestsThatAreNone go over a connection as they are: NUL in headers and
// lines, lengths that are none. They are refused, or the connection ends.
func TestRequestsThatAreNone(t *testing.T) {
	w := newWorld(t)
	host := strings.TrimPrefix(w.url, "http://")
	for _, target := range [][2]string{{"GET", "/login/"}, {"POST", "/login/"}, {"POST", "/oauth2/token"}, {"GET", "/oauth2/userinfo"}, {"GET", "/oauth2/authorize"}} {
		for _, request := range inputtest.Raw(target[0], target[1], host) {
			func() {
				c, err := net.DialTimeout("tcp", host, 10*time.Second)
				must(t, err)
				defer c.Close()
				must(t, c.SetDeadline(time.Now().Add(10*time.Second)))
				_, err = c.Write([]byte(request))
				must(t, err)
				res, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					return // it hung up
				}
				defer res.Body.Close()
				if res.StatusCode/100 != 4 && res.StatusCode != http.StatusHTTPVersionNotSupported && res.StatusCode != http.StatusNotImplemented {
					t.Errorf("%.200q: %s", request, res.Status)
				}
			}()
		}
	}
}
