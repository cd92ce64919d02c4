package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// signIn posts a password as a browser does, and returns the status.
func signIn(base, email, password string) (int, error) {
	r, err := http.NewRequest(http.MethodPost, base+"/login/", strings.NewReader(url.Values{"email": {email}, "password": {password}}.Encode()))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// hashes is how many password hashes a broker has computed.
func (r *running) hashes() int {
	r.t.Helper()
	resp, err := http.Get(r.admin + "/metrics")
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return number(r.t, `(?m)^broker_password_hashes_total (\d+)$`, string(body))
}

// peak is the most memory that a broker ever had, in KiB.
func (r *running) peak() int {
	r.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		r.t.Skip("no /proc: ", err)
	}
	return number(r.t, `VmHWM:\s+(\d+) kB`, string(status))
}

func number(t testing.TB, pattern, text string) int {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no %s in\n%s", pattern, text)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const (
	hashMemory = 19 << 10 // KiB of a hash
	atOnce     = 2
	// otherMemory is what 64 requests take beside their hashes, in KiB: connections,
	// pages, the collector.
	otherMemory = 64 << 10
)

// TestHashingMemory: 64 people sign in at the same moment, and the broker never
// holds more memory for it than two hashes and what two left behind. Each
// sign-in is one argon2id, whether there is an account or not.
func TestHashingMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	o := newOperator(t).set("BROKER_LIMITS__ENABLED=false", "BROKER_ACCOUNTS__HASHING_AT_ONCE="+strconv.Itoa(atOnce), "BROKER_LOG__LEVEL=error")
	if _, errs, code := o.try("correct horse battery\n", "users", "create", "ada@example.org", "--password-stdin"); code != 0 {
		t.Fatal(errs)
	}
	r := o.serve()
	if status, err := signIn(r.base, "ada@example.org", "correct horse battery"); status != http.StatusSeeOther || err != nil {
		t.Fatal(status, err)
	}
	before, hashed := r.peak(), r.hashes()
	if hashed != 1 {
		t.Errorf("the first sign-in took %d hashes", hashed)
	}
	var in, refused, busy atomic.Int64
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			email := "ada@example.org"
			if i%4 == 0 {
				email = "nobody@example.org"
			}
			switch status, err := signIn(r.base, email, "correct horse battery"); {
			case err != nil:
				t.Error(err)
			case status == http.StatusSeeOther:
				in.Add(1)
			case status == http.StatusUnprocessableEntity:
				refused.Add(1)
			case status == http.StatusServiceUnavailable: // a slow machine: they waited for ten seconds
				busy.Add(1)
			default:
				t.Errorf("status %d", status)
			}
		})
	}
	all.Wait()
	done := int(in.Load() + refused.Load())
	if n := r.hashes() - hashed; n != done || in.Load() == 0 {
		t.Errorf("%d hashes for %d sign-ins, %d refusals and %d who were told to wait", n, in.Load(), refused.Load(), busy.Load())
	}
	most := before - hashMemory + 2*atOnce*hashMemory + otherMemory
	t.Logf("%d let in; from %d to %d MiB, at most %d", in.Load(), before>>10, r.peak()>>10, most>>10)
	if r.peak() > most {
		t.Errorf("%d KiB, at most %d", r.peak(), most)
	}
}
