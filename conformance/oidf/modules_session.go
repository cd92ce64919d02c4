package oidf

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

func sessionManagement(section string) Clause {
	return Clause("OpenID Connect Session Management 1.0, " + section)
}

// sessionModules are about session_state and the OP's frame. The suite runs no
// scripts: it looks at what the frame's script has to go by, and computes what
// that would say where the OP computes as the specification's example does. The
// exchange of messages itself, with our own OP and in Chromium, is
// TestSessionInARealBrowser of the room web.
func sessionModules() []Module {
	return []Module{
		{
			Name: "oidcc-session-management-discovery-endpoint-verification", Summary: "Looks for check_session_iframe in the metadata, and for what keeps it out of frames.",
			Clauses: []Clause{sessionManagement("3.3"), sessionManagement("3.2")},
			Run: func(r *Run) {
				r.checkURL(r.sessionFrame(), "check_session_iframe", sessionManagement("3.3"))
				r.checkURL(r.endSession(), "end_session_endpoint", rpLogout("2.1"))
				r.loadSessionFrame()
			},
		},
		{
			Name: "oidcc-session-management-rp-initiated-logout", Summary: "Follows session_state from sign-in to sign-out.",
			Clauses: []Clause{sessionManagement("2"), sessionManagement("3.2")},
			Run:     sessionLogout,
		},
	}
}

func (r *Run) sessionFrame() string {
	address := r.Metadata.Text("check_session_iframe")
	if address == "" {
		r.Skip("the OP has no check_session_iframe: it does not claim session management")
	}
	return address
}

// loadSessionFrame loads the OP's frame as a page of the application does, and the
// scripts in it.
func (r *Run) loadSessionFrame() {
	c := sessionManagement("3.2")
	page, err := url.Parse(r.RedirectURI())
	if err != nil {
		r.Fatal(journey, "%v", err)
	}
	b := r.Browser
	before := b.page
	b.page = &Page{URL: page, Header: http.Header{}} // of the application, which keeps nothing out
	defer func() { b.page = before }()
	res, err := b.Frame(r.ctx, r.sessionFrame())
	if err != nil {
		r.Fatal(c, "check_session_iframe: %v", err)
	}
	r.Check(res.Status == http.StatusOK, c, "check_session_iframe is answered with 200; it is %d", res.Status)
	obstacle := framedBy(res.Header, res.Request.URL, page)
	r.Check(obstacle == "", c, "an application's page may have check_session_iframe in a frame (%s)", obstacle)
	p, err := parsePage(res.Request.URL, res.Status, res.Header, res.Body)
	if err != nil || !r.Check(p.IsHTML(), c, "check_session_iframe is a page (text/html)") {
		return
	}
	scripts := 0
	for n := range elements(p.root, "script") {
		scripts++
		src, ok := attr(n, "src")
		if !ok {
			continue
		}
		b.page = p
		script, err := b.Frame(r.ctx, src)
		r.Check(err == nil && script.Status == http.StatusOK && strings.Contains(script.Header.Get("Content-Type"), "javascript"), c, "the frame's script %s is there (%v)", src, err)
	}
	r.Check(scripts > 0, c, "check_session_iframe has a script, which answers postMessage")
}

// sessionState checks a session_state of an answer.
func (r *Run) sessionState(p url.Values) string {
	state := p.Get("session_state")
	r.Check(state != "" && !strings.Contains(state, " "), sessionManagement("2"), "the response has a session_state without spaces")
	return state
}

// What the OP's frame would answer.
const (
	unchanged = "unchanged"
	changed   = "changed"
	unknown   = "" // the OP computes otherwise
)

// frameSays is what the script in the OP's frame answers for a session_state, as
// far as that can be told without running it: where session_state is a hash of
// client, origin, a cookie that the script sees, and a salt, as in the example of
// section 3.2. known tells whether it ever was.
func (r *Run) frameSays(state string, known bool) string {
	u, err := url.Parse(r.sessionFrame())
	if err != nil {
		return unknown
	}
	values := []string{"", "undefined", "null"} // what scripts make of no cookie
	for _, c := range r.Browser.jar.seen(u, time.Now()) {
		values = append(values, c.value)
	}
	if slices.ContainsFunc(values, func(v string) bool { return isSessionState(state, r.Client().ID, originOf(r.RedirectURI()), v) }) {
		return unchanged
	}
	if known {
		return changed
	}
	return unknown
}

// isSessionState tells whether state is the hash of what the example of section
// 3.2 hashes, in one of the usual spellings.
func isSessionState(state, client, origin, browserState string) bool {
	hash, salt, ok := strings.Cut(state, ".")
	if !ok {
		return false
	}
	sum := sha256.Sum256([]byte(client + " " + origin + " " + browserState + " " + salt))
	return slices.Contains([]string{base64.RawURLEncoding.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(sum[:]), hex.EncodeToString(sum[:])}, hash)
}

func sessionLogout(r *Run) {
	r.sessionFrame()
	r.logoutClient(nil)
	c := sessionManagement("3.2")
	f := r.SignIn()
	state := r.sessionState(f.Params)
	r.loadSessionFrame()
	known := r.frameSays(state, false) == unchanged
	if known {
		r.Pass(c, "the frame's script sees a cookie from which session_state can be computed again: it would answer unchanged")
	} else {
		r.Warn(c, "session_state is not computed as in the example, from a cookie that a script in a frame on another site sees: look at the frame with a browser")
	}
	again := r.Accept(r.Visit(r.Request(With("prompt", "none"))))
	next := r.sessionState(again.Params)
	if known {
		r.Check(r.frameSays(state, known) == unchanged, c, "while the session stands, the frame would answer unchanged for the session_state of the sign-in")
		r.Check(r.frameSays(next, known) == unchanged, c, "and for that of a later answer")
	}
	s := r.SignOut(r.farewell(f))
	r.CameBack(s)
	if known {
		r.Check(r.frameSays(state, known) == changed, c, "after the sign-out, the frame would answer changed")
	}
	r.afterSignOut(state, known)
}

// afterSignOut does what an application does whose frame was told "changed":
// it asks with prompt=none (section 3.1).
func (r *Run) afterSignOut(state string, known bool) {
	c := sessionManagement("2")
	p := r.Refused(r.Visit(r.Request(With("prompt", "none"))), sessionManagement("3.1"), "login_required", "interaction_required")
	now := p.Get("session_state")
	if now == "" {
		r.Warn(c, "the error has no session_state, from which the application would learn that somebody signs in again")
		return
	}
	r.Check(now != state && !strings.Contains(now, " "), c, "session_state of the error is another than that of the session, without spaces")
	if known {
		r.Check(r.frameSays(now, known) == unchanged, sessionManagement("3.2"), "the frame would answer unchanged for the session_state of the error, until somebody signs in")
	}
}
