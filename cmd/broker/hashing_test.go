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
func (r *running) peak() int { return r.memory("VmHWM") }

// memory is a number of KiB that the kernel knows of a broker.
func (r *running) memory(name string) int {
	r.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		r.t.Skip("no /proc: ", err)
	}
	return number(r.t, name+`:\s+(\d+) kB`, string(status))
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

// hashing is a broker that computes so many hashes at once, with ada's account. ada has
// signed in, so that all but the crowd has taken its memory. It holds itself
// to limit KiB of data (RLIMIT_DATA: the stack aside, what it can write and shares with nobody); 0: none.
func hashing(t *testing.T, atOnce, limit int) *running {
	t.Helper()
	o := newOperator(t).set("BROKER_LIMITS__ENABLED=false", "BROKER_ACCOUNTS__HASHING_AT_ONCE="+strconv.Itoa(atOnce), "BROKER_LOG__LEVEL=error")
	if _, errs, code := o.try("correct horse battery\n", "users", "create", "ada@example.org", "--password-stdin"); code != 0 {
		t.Fatal(errs)
	}
	o.limit = limit
	r := o.serve()
	if status, err := signIn(r.base, "ada@example.org", "correct horse battery"); status != http.StatusSeeOther || err != nil {
		t.Fatal(status, err, r.err.String())
	}
	return r
}

// manyForms differs in NFC, NFD, NFKC and NFKD; it is none of these itself.
const manyForms = "\u00e9e\u0301\ufb01 battery"

// crowd is what became of people who signed in at the same moment.
type crowd struct{ in, refused, busy, broken atomic.Int64 }

// arrive lets 64 people sign in at the same moment, a quarter of them to no account, and
// an eighth with a wrong password that is tried in five forms.
func (c *crowd) arrive(r *running) {
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			email, password := "ada@example.org", "correct horse battery"
			switch {
			case i%4 == 0:
				email = "nobody@example.org"
			case i%8 == 1:
				password = manyForms
			}
			switch status, err := signIn(r.base, email, password); {
			case err != nil:
				c.broken.Add(1)
			case status == http.StatusSeeOther:
				c.in.Add(1)
			case status == http.StatusUnprocessableEntity:
				c.refused.Add(1)
			case status == http.StatusServiceUnavailable: // a slow machine: they waited for ten seconds
				c.busy.Add(1)
			default:
				r.t.Errorf("status %d", status)
			}
		})
	}
	all.Wait()
}

// TestHashingMemory: 64 people sign in at the same moment, and the broker never
// holds more memory for it than two hashes and what two left behind. Each
// sign-in is one argon2id, whether there is an account or not.
func TestHashingMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	r := hashing(t, atOnce, 0)
	before, hashed := r.peak(), r.hashes()
	if hashed != 1 {
		t.Errorf("the first sign-in took %d hashes", hashed)
	}
	var c crowd
	c.arrive(r)
	// Whoever is let in costs one; of those who are refused eight have a password with five forms.
	done := int(c.in.Load() + c.refused.Load())
	if n := r.hashes() - hashed; n < done || n > done+8*4 || c.busy.Load() == 0 && n != 64+8*4 || c.in.Load() == 0 || c.broken.Load() > 0 {
		t.Errorf("%d hashes for %d sign-ins, %d refusals, %d who were told to wait and %d without an answer", n, c.in.Load(), c.refused.Load(), c.busy.Load(), c.broken.Load())
	}
	most := before - hashMemory + 2*atOnce*hashMemory + otherMemory
	t.Logf("%d let in; from %d to %d MiB, at most %d", c.in.Load(), before>>10, r.peak()>>10, most>>10)
	if r.peak() > most {
		t.Errorf("%d KiB, at most %d", r.peak(), most)
	}
}
