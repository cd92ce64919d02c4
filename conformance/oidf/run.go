package oidf

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Run is one run of a module: what the module knows, does and says.
type Run struct {
	Variant  Variant
	Config   Config // with the module's override
	Metadata Metadata
	Issuer   string
	// Browser is the person's. A new one has no session at the OP.
	Browser *Browser

	ctx     context.Context
	suite   *Suite
	module  Module
	wire    *wire
	lines   []Line
	skipped string
	client  *Client
	visits  map[int]int
	keys    *keySet
	cleanup []func()
	// verifiers are the PKCE verifiers by their challenges.
	verifiers map[string]string
}

// maxLines bounds the log of a module.
const maxLines = 2000

func newRun(ctx context.Context, s *Suite, v Variant, m Module) *Run {
	r := &Run{Variant: v, Config: s.o.Config.of(m.Name), Metadata: s.metadata, Issuer: s.issuer, ctx: ctx, suite: s, module: m, visits: map[int]int{}, verifiers: map[string]string{}}
	r.wire = s.wire(r.add)
	r.NewBrowser()
	return r
}

// NewBrowser gives the person another browser, without cookies.
func (r *Run) NewBrowser() *Browser {
	home, _ := url.Parse(r.suite.o.BaseURL)
	r.Browser = &Browser{wire: r.wire, stops: r.isCallback, home: home}
	return r.Browser
}

// Context ends with the module's time.
func (r *Run) Context() context.Context { return r.ctx }

func (r *Run) add(l Line) {
	if len(r.lines) < maxLines {
		l.At = time.Now().UTC()
		r.lines = append(r.lines, l)
	}
}

// Log notes something for who reads the report.
func (r *Run) Log(format string, a ...any) { r.add(Line{Kind: Note, Text: fmt.Sprintf(format, a...)}) }

// Pass notes that a check held.
func (r *Run) Pass(c Clause, format string, a ...any) {
	r.add(Line{Kind: Held, Clause: c, Text: fmt.Sprintf(format, a...)})
}

// Warn notes that a SHOULD does not hold, or something that is better done otherwise.
func (r *Run) Warn(c Clause, format string, a ...any) {
	r.add(Line{Kind: Warning, Clause: c, Text: fmt.Sprintf(format, a...)})
}

// Fail notes that a MUST does not hold; the module goes on.
func (r *Run) Fail(c Clause, format string, a ...any) {
	r.add(Line{Kind: Failure, Clause: c, Text: fmt.Sprintf(format, a...)})
}

// Fatal is Fail, and ends the module.
func (r *Run) Fatal(c Clause, format string, a ...any) {
	r.Fail(c, format, a...)
	panic(stop{})
}

// Skip ends the module: what it tests is not offered, and need not be.
func (r *Run) Skip(format string, a ...any) {
	panic(stop{skipped: fmt.Sprintf(format, a...)})
}

// Check is Pass or Fail with the same words, which say what must be.
func (r *Run) Check(ok bool, c Clause, format string, a ...any) bool {
	if ok {
		r.Pass(c, format, a...)
	} else {
		r.Fail(c, "not so: "+format, a...)
	}
	return ok
}

// Sleep waits, and no longer than the module may run.
func (r *Run) Sleep(d time.Duration) {
	r.Log("waiting %s", d)
	select {
	case <-time.After(d):
	case <-r.ctx.Done():
		r.Fatal(journey, "the module took too long: %v", r.ctx.Err())
	}
}

// Cleanup calls fn when the module has ended, the last first.
func (r *Run) Cleanup(fn func()) { r.cleanup = append(r.cleanup, fn) }

// cleanUp runs what was left to do; that it goes wrong says nothing about the OP.
func (r *Run) cleanUp() {
	for i := len(r.cleanup) - 1; i >= 0; i-- {
		func() {
			defer func() {
				if x := recover(); x != nil {
					r.Log("cleaning up: %v", x)
				}
			}()
			r.cleanup[i]()
		}()
	}
}

// outcome is the worst that was said.
func (r *Run) outcome() (Outcome, string) {
	worst, reason := Passed, ""
	for _, l := range r.lines {
		switch {
		case l.Kind == Failure:
			return Failed, l.Text
		case l.Kind == Warning && worst == Passed:
			worst, reason = Warned, l.Text
		}
	}
	if r.skipped != "" {
		return Skipped, r.skipped
	}
	if worst == Passed && !r.checked() {
		return Failed, "the module checked nothing"
	}
	return worst, reason
}

// checked tells whether any check was made: a module that looks at nothing must not pass.
func (r *Run) checked() bool {
	for _, l := range r.lines {
		if l.Kind == Held {
			return true
		}
	}
	return false
}

// random is a fresh value for state, nonce and the like: 130 bits in letters and digits.
func random() string { return rand.Text() }

// RedirectURI is where the clients of this configuration come back to.
func (r *Run) RedirectURI() string { return r.suite.o.BaseURL + r.ownPath() + "/callback" }

// PostLogoutRedirectURI is where they come back to after a sign-out.
func (r *Run) PostLogoutRedirectURI() string {
	return r.suite.o.BaseURL + r.ownPath() + "/post_logout_redirect"
}

// ownPath is the path below which everything of this configuration is, as in the
// official suite.
func (r *Run) ownPath() string { return strings.TrimSuffix("/test/a/"+r.Config.Alias, "/") }

// isCallback tells whether an address is below our own base: nobody is asked there.
func (r *Run) isCallback(u *url.URL) bool {
	base := r.suite.o.BaseURL
	return u.Scheme+"://"+u.Host == originOf(base) && strings.HasPrefix(u.Scheme+"://"+u.Host+u.Path, base+"/test/")
}
