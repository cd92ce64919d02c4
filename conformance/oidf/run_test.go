package oidf

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// op is something that has metadata and answers as a test says.
type op struct {
	*httptest.Server
	mux *http.ServeMux
}

func newOP(t *testing.T) *op {
	o := &op{mux: http.NewServeMux()}
	o.Server = httptest.NewServer(o.mux)
	t.Cleanup(o.Close)
	o.mux.HandleFunc("GET "+wellKnown, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":%q,"jwks_uri":%q}`, o.URL, o.URL+"/authorize", o.URL+"/jwks")
	})
	return o
}

// suite is one for o; hosted: it listens.
func (o *op) suite(t *testing.T, hosted bool, browser ...Entry) *Suite {
	t.Helper()
	opts := Options{Config: Config{Alias: "a", Server: ServerConfig{DiscoveryURL: o.URL + wellKnown}, Client: ClientConfig{ID: "c"}, Browser: browser}}
	if hosted {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		opts.Listener, opts.BaseURL = l, "http://"+l.Addr().String()
	}
	s, err := New(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// run runs a module that is fn.
func (o *op) run(s *Suite, fn func(*Run)) Result {
	v := Variant{ResponseType: "code", ResponseMode: "default", ClientAuth: AuthBasic, Registration: StaticClient}
	return s.Module(context.Background(), Plan{Name: "plan"}, v, Module{Name: "module", Run: fn})
}

func TestOutcomes(t *testing.T) {
	op := newOP(t)
	s := op.suite(t, false)
	cleaned := 0
	for name, tt := range map[string]struct {
		run    func(*Run)
		want   Outcome
		reason string
	}{
		"passes":            {func(r *Run) { r.Pass("c", "yes") }, Passed, ""},
		"checks nothing":    {func(r *Run) { r.Log("hm") }, Failed, "checked nothing"},
		"warns":             {func(r *Run) { r.Pass("c", "yes"); r.Warn("c", "one"); r.Warn("c", "two") }, Warned, "one"},
		"fails on":          {func(r *Run) { r.Warn("c", "w"); r.Fail("c", "first"); r.Fail("c", "second") }, Failed, "first"},
		"fatal ends":        {func(r *Run) { r.Fatal("c", "over"); t.Error("it went on") }, Failed, "over"},
		"skips":             {func(r *Run) { r.Pass("c", "yes"); r.Skip("not offered"); t.Error("it went on") }, Skipped, "not offered"},
		"fails, then skips": {func(r *Run) { r.Fail("c", "bad"); r.Skip("not offered") }, Failed, "bad"},
		"panics":            {func(r *Run) { r.Pass("c", "yes"); panic("oh") }, Failed, "panic: oh"},
		"cleans up":         {func(r *Run) { r.Cleanup(func() { cleaned++ }); r.Cleanup(func() { panic("x") }); r.Fatal("c", "over") }, Failed, "over"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := op.run(s, tt.run); got.Outcome != tt.want || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("%s: %q", got.Outcome, got.Reason)
			}
		})
	}
	if cleaned != 1 {
		t.Error("a module that failed was not cleaned up after")
	}
}

// TestStrangersAreNotAsked: neither a module nor a redirect of the OP makes the
// suite ask somebody whom nobody named.
func TestStrangersAreNotAsked(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the stranger was asked") }))
	defer stranger.Close()
	op := newOP(t)
	op.mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, stranger.URL+"/", http.StatusSeeOther)
	})
	s := op.suite(t, false)
	got := op.run(s, func(r *Run) { r.Visit(r.Request()) })
	if got.Outcome != Failed || !strings.Contains(got.Reason, "neither the issuer's nor in its metadata") {
		t.Errorf("%s: %s", got.Outcome, got.Reason)
	}
	named := op.suite(t, false, Entry{Match: op.URL + "/authorize*", Tasks: []Task{{Match: strings.Replace(stranger.URL, "127.0.0.1", "localhost", 1) + "/*"}}})
	if named.origins[stranger.URL] || len(named.origins) != 2 {
		t.Errorf("origins: %v", named.origins)
	}
}

func TestEverythingIsBounded(t *testing.T) {
	op := newOP(t)
	op.mux.HandleFunc("GET /loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	op.mux.HandleFunc("GET /huge", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxBody+1)) })
	op.mux.HandleFunc("GET /small", func(http.ResponseWriter, *http.Request) {})
	s := op.suite(t, false)
	get := func(r *Run, path string) error { return r.Browser.Open(r.ctx, op.URL+path) }
	for want, run := range map[string]func(*Run) error{
		"redirects":   func(r *Run) error { return get(r, "/loop") },
		"larger than": func(r *Run) error { return get(r, "/huge") },
		"more than 400 requ": func(r *Run) (err error) {
			for range maxRequests + 1 {
				err = get(r, "/small")
			}
			return err
		},
	} {
		op.run(s, func(r *Run) {
			if err := run(r); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v instead of %q", err, want)
			}
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	got := s.Module(ctx, Plan{}, Variant{}, Module{Name: "m", Run: func(r *Run) { r.Sleep(time.Minute) }})
	if got.Outcome != Failed || got.Seconds >= 60 {
		t.Errorf("%s after %f seconds", got.Outcome, got.Seconds)
	}
}
