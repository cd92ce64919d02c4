package main

import (
	"crypto/sha1"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"idbroker/config"
)

// rangeService answers as the service does; broken makes it fail in a way.
type rangeService struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string
	leaked string
	broken string
}

func newRangeService(t *testing.T, leaked string) *rangeService {
	s := &rangeService{leaked: leaked}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, r.URL.Path)
		if r.Header.Get("Add-Padding") != "true" || r.Header.Get("Cookie") != "" || r.URL.RawQuery != "" {
			t.Errorf("%s %v", r.URL, r.Header)
		}
		switch s.broken {
		case "status":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "page":
			fmt.Fprint(w, "<html>")
		case "endless":
			for range 1 << 10 {
				fmt.Fprint(w, strings.Repeat("x", 1<<10))
			}
		case "silence":
			<-r.Context().Done() // until whoever asks gives up
			return
		}
		sum := fmt.Sprintf("%X", sha1.Sum([]byte(s.leaked)))
		fmt.Fprintf(w, "%s:0\r\n%s:3\r\n%s:42\r\n", strings.Repeat("0", 35), strings.Repeat("F", 35), sum[5:])
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *rangeService) takeAsked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.asked
	s.asked = nil
	return all
}

func (s *rangeService) fail(how string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = how
}

// TestBreachedRange: where it is configured, five digits of a new password's SHA-1 go out and no more; where
// not, nothing does; and a service that is away keeps nobody out.
func TestBreachedRange(t *testing.T) {
	const leaked = "plattenspieler im regen"
	s := newRangeService(t, leaked)
	o := newOperator(t)
	create := func(o *operator, email, password string) (string, int) {
		_, errs, code := o.try(password+"\n", "users", "create", email, "--password-stdin")
		return errs, code
	}
	if errs, code := create(o, "silent@example.org", leaked); code != 0 || len(s.takeAsked()) != 0 {
		t.Errorf("not configured: %s", errs)
	}
	if ranges(config.Config{}, "http://localhost", nil) != nil {
		t.Error("somebody is asked by default")
	}
	o = o.set("BROKER_ACCOUNTS__BREACHED_RANGE_URL=" + s.URL + "/range/")
	if errs, code := create(o, "ada@example.org", leaked); code != 1 || !strings.Contains(errs, "leaked") {
		t.Errorf("leaked: %d %s", code, errs)
	}
	sum := fmt.Sprintf("%X", sha1.Sum([]byte(leaked)))
	if asked := s.takeAsked(); len(asked) != 1 || asked[0] != "/range/"+sum[:5] {
		t.Errorf("asked %q", asked)
	}
	if errs, code := create(o, "ada@example.org", "lampions am see im mai"); code != 0 {
		t.Errorf("not leaked: %s", errs)
	}
	if errs, code := create(o, "bob@example.org", "password"); code != 1 || len(s.takeAsked()) != 1 {
		t.Errorf("weak already: %s", errs) // the one of the password before
	}
	for i, how := range []string{"status", "page", "endless", "silence"} {
		s.fail(how)
		errs, code := create(o, fmt.Sprintf("p%d@example.org", i), leaked)
		if code != 0 || !strings.Contains(errs, "not compared with the breached ones") || strings.Contains(errs, leaked) || strings.Contains(errs, sum[5:]) {
			t.Errorf("%s: %d %s", how, code, errs)
		}
	}
}
