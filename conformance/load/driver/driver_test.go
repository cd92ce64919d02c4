package driver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"idbroker/conformance/visitor"
)

// issuer is as much of an OpenID Provider as the driver sees.
type issuer struct {
	*httptest.Server
	mu      sync.Mutex
	refresh map[string]bool // live refresh tokens
	count   map[string]int  // requests by path
	n       int
	consent bool   // ask for it
	broken  bool   // the token endpoint fails every third time
	strict  bool   // nobody begins an account with a provider
	remote  string // issuer that the driver is
	slow    time.Duration
}

const back = "http://127.0.0.1:1/callback"

func newIssuer(t *testing.T) *issuer {
	is := &issuer{refresh: map[string]bool{}, count: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{
			"issuer": is.URL, "authorization_endpoint": is.URL + "/authorize", "token_endpoint": is.URL + "/token",
			"userinfo_endpoint": is.URL + "/userinfo", "introspection_endpoint": is.URL + "/introspect", "jwks_uri": is.URL + "/jwks.json",
		})
	})
	mux.HandleFunc("/jwks.json", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"keys":[]}`) })
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("in"); err != nil {
			fmt.Fprintf(w, `<form><input name="q"><button>Search</button></form><form method="post" action="/login?%s">
				<input name="email"><input name="password" type="password"><button>Sign in</button></form>`, r.URL.RawQuery)
			return
		}
		http.Redirect(w, r, back+"?code=c&state="+r.URL.Query().Get("state"), http.StatusSeeOther)
	})
	mux.HandleFunc("GET /login/{$}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `<form method="post" action="/login"><input name="email"><input name="password" type="password"><button>Sign in</button></form>`)
	})
	mux.HandleFunc("GET /oauth/login/load/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, is.remote+"/authorize?state=s&nonce=n", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /oauth/authorized/load/", is.callback)
	mux.HandleFunc("GET "+settings, func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("in"); err != nil || is.strict {
			http.Error(w, "anybody", http.StatusUnauthorized)
		}
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("password") != "right" {
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprint(w, "wrong")
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "in", Value: "1", Path: "/"})
		if is.consent {
			fmt.Fprintf(w, `<form action="/authorize?%s" method="post"><button name="decision" value="allow">Yes</button></form>`, r.URL.RawQuery)
			return
		}
		if r.URL.RawQuery == "" { // nobody sent them
			http.Redirect(w, r, settings, http.StatusSeeOther)
			return
		}
		http.Redirect(w, r, "/authorize?"+r.URL.RawQuery, http.StatusSeeOther)
	})
	mux.HandleFunc("POST /token", is.token)
	mux.HandleFunc("/userinfo", func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer access") {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	mux.HandleFunc("POST /introspect", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"active": %t}`, r.FormValue("token") == "access")
	})
	is.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		is.mu.Lock()
		is.count[r.URL.Path]++
		is.mu.Unlock()
		time.Sleep(is.slow)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(is.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	is.remote = "http://" + l.Addr().String()
	_ = l.Close() // the driver listens there
	return is
}

// callback redeems the code and reads who came, as any relying party does.
func (is *issuer) callback(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	from, err := oidc.NewProvider(ctx, is.remote)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	c := oauth2.Config{ClientID: "load", ClientSecret: "load", Endpoint: from.Endpoint()}
	t, err := c.Exchange(ctx, r.FormValue("code"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	id, _ := t.Extra("id_token").(string)
	token, err := from.Verifier(&oidc.Config{ClientID: "load", SupportedSigningAlgs: []string{"ES256"}}).Verify(ctx, id)
	if err != nil || token.Nonce != "n" || r.FormValue("state") != "s" || !strings.HasPrefix(token.Subject, "load-") {
		http.Error(w, fmt.Sprint(err), http.StatusBadRequest)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "in", Value: "1", Path: "/"})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (is *issuer) token(w http.ResponseWriter, r *http.Request) {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.n++
	if id, secret, _ := r.BasicAuth(); (id != "app" || secret != "secret") || (is.broken && is.n%3 == 0) {
		http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
		return
	}
	if r.FormValue("grant_type") == "refresh_token" {
		if !is.refresh[r.FormValue("refresh_token")] {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		delete(is.refresh, r.FormValue("refresh_token"))
	}
	next := fmt.Sprint("refresh", is.n)
	is.refresh[next] = true
	_ = json.NewEncoder(w).Encode(map[string]string{"access_token": "access", "refresh_token": next, "id_token": "id"})
}

func (is *issuer) options(flow string) Options {
	return Options{
		Issuer: is.URL, Flow: flow, Concurrency: 3, Operations: 60, ClientID: "app", ClientSecret: "secret", RedirectURI: back,
		Email: "load@example.org", Password: "right", PIDs: []int{os.Getpid()}, Remote: Remote{Issuer: is.remote},
	}
}

func TestFlows(t *testing.T) {
	for _, flow := range Flows() {
		t.Run(flow, func(t *testing.T) {
			is := newIssuer(t)
			is.consent = flow == Refresh
			r, err := Run(context.Background(), is.options(flow))
			if err != nil {
				t.Fatal(err)
			}
			per := map[string]int{Code: 2, Provider: 2, Password: 3}[flow]
			if per == 0 {
				per = 1
			}
			if r.Operations != 60 || r.Failed() != 0 || r.Requests != 60*per {
				t.Errorf("%+v", r)
			}
			if r.P50 <= 0 || r.P50 > r.P90 || r.P90 > r.P99 || r.P99 > r.Max || r.PerSecond() <= 0 {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestErrorsAreCounted(t *testing.T) {
	is := newIssuer(t)
	is.broken = true
	r, err := Run(context.Background(), is.options(ClientCredentials))
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed() != 20 || r.Operations != 40 || len(r.Worst()) != 1 || !strings.Contains(r.Worst()[0], "invalid_client") {
		t.Errorf("%+v", r)
	}
}

func TestPreparationFails(t *testing.T) {
	is := newIssuer(t)
	for name, change := range map[string]func(*Options){
		"sign in":                 func(o *Options) { o.Flow, o.Password = Code, "wrong" },
		"invalid_client":          func(o *Options) { o.Flow, o.ClientSecret = Introspect, "wrong" },
		"calls itself":            func(o *Options) { o.Issuer += "/" },
		"openid-configuration":    func(o *Options) { o.Issuer += "/nothing" },
		"CPU time of process":     func(o *Options) { o.PIDs = []int{1 << 30} },
		"is none of":              func(o *Options) { o.Flow = "implicit" },
		"concurrency 257":         func(o *Options) { o.Concurrency = MaxConcurrency + 1 },
		"concurrency -1":          func(o *Options) { o.Concurrency = -1 },
		"count 1000001":           func(o *Options) { o.Operations = MaxOperations + 1 },
		"is longer than":          func(o *Options) { o.Duration = MaxDuration + 1 },
		"no issuer":               func(o *Options) { o.Issuer = "" },
		"anybody":                 func(o *Options) { o.Flow, is.strict = Provider, true },
		"is not on loopback":      func(o *Options) { o.Flow, o.Remote.Issuer = Provider, "http://192.0.2.1:80" },
		"is no http://HOST:PORT":  func(o *Options) { o.Flow, o.Remote.Issuer = Provider, "https://127.0.0.1" },
		"not a loopback address":  func(o *Options) { o.Issuer = "http://192.0.2.1" },
		"192.0.2.1:443: not a lo": func(o *Options) { o.Issuer = "https://192.0.2.1" },
	} {
		o := is.options(Discovery)
		change(&o)
		if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r, err := Bare(context.Background(), "http://192.0.2.1", Options{Operations: 10}); err != nil || r.Operations != 0 || r.Failed() != 10 {
		t.Errorf("bare elsewhere: %v, %+v", err, r)
	}
}

// Discovery may name endpoints elsewhere; nothing is sent there.
func TestEndpointsElsewhere(t *testing.T) {
	var is *httptest.Server
	is = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": is.URL, "jwks_uri": "http://192.0.2.1/jwks.json"})
	}))
	defer is.Close()
	r, err := Run(context.Background(), Options{Issuer: is.URL, Flow: JWKS, Operations: 5})
	if err != nil || r.Operations != 0 || r.Failed() != 5 || !strings.Contains(r.Worst()[0], visitor.ErrNotLoopback.Error()) {
		t.Errorf("%v: %+v", err, r)
	}
}

// A run ends with its time, whatever is left to do, and with its context.
func TestRunIsBounded(t *testing.T) {
	is := newIssuer(t)
	is.slow = 20 * time.Millisecond
	o := is.options(Discovery)
	o.Operations, o.Duration = MaxOperations, 300*time.Millisecond
	start := time.Now()
	r, err := Run(context.Background(), o)
	if err != nil || r.Operations == 0 || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %s: %+v", err, time.Since(start), r)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	o.Duration = time.Minute
	start = time.Now()
	if _, err := Run(ctx, o); time.Since(start) > 5*time.Second || (err != nil && !errors.Is(err, context.DeadlineExceeded)) {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}

func TestPercentile(t *testing.T) {
	times := make([]time.Duration, 100)
	for i := range times {
		times[i] = time.Duration(i + 1)
	}
	for p, want := range map[int]time.Duration{50: 50, 90: 90, 99: 99, 100: 100} {
		if got := percentile(times, p); got != want {
			t.Errorf("percentile %d = %d", p, got)
		}
	}
	if percentile(nil, 50) != 0 || percentile(times[:1], 50) != 1 || percentile(times[:2], 99) != 2 {
		t.Error("small samples")
	}
}

func TestParseStat(t *testing.T) {
	for _, tt := range []struct {
		line string
		want process
		ok   bool
	}{
		{"12 (broker) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0", process{1, 2 * time.Second}, true},
		{"12 (a) b) (c) S 7 2 3 4 5 6 7 8 9 10 1 2 3 4", process{7, 100 * time.Millisecond}, true},
		{"", process{}, false},
		{"12 (broker) S 1 2", process{}, false},
		{"12 (broker) S 1 2 3 4 5 6 7 8 9 10 x 50 0 0", process{}, false},
		{"12 (broker) S x 2 3 4 5 6 7 8 9 10 1 50 0 0", process{}, false},
		{"12 (broker) S 1 2 3 4 5 6 7 8 9 10 1 50 0", process{}, false},
		{"12 (broker) S 1 2 3 4 5 6 7 8 9 10 -1 50 0 0", process{}, false},
		{"12 (broker) S 1 2 3 4 5 6 7 8 9 10 9223372036854775807 50 0 0", process{}, false},
	} {
		if got, err := parseStat([]byte(tt.line)); tt.ok && got != tt.want || (err == nil) != tt.ok {
			t.Errorf("parseStat(%q) = %+v, %v", tt.line, got, err)
		}
	}
	before, err := cpuTime([]int{os.Getpid()})
	if err != nil {
		missing(t, "no /proc here:", err)
	}
	for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); {
		_ = strings.Repeat("work", 1000)
	}
	if after := CPUTime(os.Getpid()); after-before < 20*time.Millisecond || after-before > 5*time.Second {
		t.Errorf("200 ms of work took %s", after-before)
	}
	if mb := Resident(os.Getpid()) / 1e6; mb < 1 || mb > 4000 {
		t.Errorf("resident: %d MB", mb)
	}
	if Resident(1<<30) != 0 || CPUTime(1<<30) != 0 {
		t.Error("a process that is not there has memory or time")
	}
}

// What children do counts as their parent's, also when they have ended.
func TestChildrenCount(t *testing.T) {
	before, err := cpuTime([]int{os.Getpid()})
	if err != nil {
		missing(t, "no /proc here:", err)
	}
	if out, err := exec.Command("sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done").CombinedOutput(); err != nil {
		missing(t, "no shell:", err, string(out))
	}
	after, err := cpuTime([]int{os.Getpid(), os.Getpid()})
	if err != nil || after-before < 30*time.Millisecond {
		t.Errorf("a busy child took %s, %v", after-before, err)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("12 (broker) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0"))
	f.Add([]byte(")))"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := parseStat(b); err == nil && p.cpu < 0 {
			t.Errorf("parseStat(%q) = %+v", b, p)
		}
	})
}

// missing skips, or fails where everything must be there.
func missing(t *testing.T, what ...any) {
	t.Helper()
	if os.Getenv("BROKER_TEST_ALL") == "1" {
		t.Fatal(what...)
	}
	t.Skip(what...)
}
