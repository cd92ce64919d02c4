package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"idbroker/broker"
)

// TestCheckSessionPage: it may be framed by anybody, runs one script of ours,
// and looks at nothing.
func TestCheckSessionPage(t *testing.T) {
	w := newWorld(t)
	a := w.browser().get(checkSessionPath).want(200)
	policy := a.header.Get("Content-Security-Policy")
	if policy != "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *" || a.header.Get("X-Frame-Options") != "" ||
		a.header.Get("Cross-Origin-Resource-Policy") != "cross-origin" || !strings.HasPrefix(a.header.Get("Cache-Control"), "public") || len(a.cookies) != 0 {
		t.Errorf("%v", a.header)
	}
	_, rest, _ := strings.Cut(a.body, `<script src="`)
	src, _, _ := strings.Cut(rest, `"`)
	script := w.browser().get(src).want(200)
	if !strings.HasPrefix(script.header.Get("Content-Type"), "text/javascript") || !strings.Contains(script.body, "postMessage") || strings.Contains(script.body, "innerHTML") {
		t.Errorf("%s: %v", src, script.header)
	}
	// Every other page stays out of frames.
	for _, path := range []string{"/", "/login/", "/logout/", checkSessionPath + "/"} {
		a := w.browser().get(path)
		if a.header.Get("X-Frame-Options") != "DENY" || !strings.Contains(a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: %v", path, a.header)
		}
	}
	r := w.browser().request("POST", checkSessionPath, nil)
	if a := w.browser().do(r); a.status == 200 {
		t.Error("it takes a POST")
	}
}

// TestStateCookie: where it goes, what it tells, and that it opens nothing.
func TestStateCookie(t *testing.T) {
	for secure, want := range map[bool]string{
		true:  "__Secure-broker_state=x; Path=/oauth2/check-session; Secure; SameSite=None",
		false: "broker_state=x; Path=/oauth2/check-session; SameSite=Lax",
	} {
		if got := (cookies{secure: secure}).stateCookieOf("x").String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if got := (cookies{secure: secure}).stateCookieOf(""); got.MaxAge >= 0 {
			t.Errorf("%v is not removed", got)
		}
	}
	w := newWorld(t)
	w.user("ada")
	w.client(func(c *broker.Client) { c.FirstParty = true })
	state := func(a answer) (value string, set bool) {
		for _, c := range a.cookies {
			if c.Name == stateCookie {
				value, set = c.Value, true
			}
		}
		return
	}
	b := w.browser()
	first, _ := state(b.post("/login/", "email", "ada@example.org", "password", password).to("/"))
	row, err := b.session()
	must(t, err)
	if first == "" || first != w.tokens.BrowserState(row.SID) || strings.Contains(first, row.SID) || strings.Contains(row.IDHash, first) {
		t.Errorf("state %q of %+v", first, row)
	}
	a := b.get(authorize()).to(callbackURL)
	if again, _ := state(a); again != first || a.param("session_state") == "" {
		t.Errorf("state %q, then %q; %s", first, again, a.location)
	}
	if value, set := state(b.post("/logout/").to("/logout/")); !set || value != "" {
		t.Errorf("after sign-out: %q", value)
	}
	// A browser without any cookie says nothing of the session: it may be a
	// frame of another site.
	if _, set := state(w.browser().get(authorize("prompt", "none"))); set {
		t.Error("a stranger's request removes the state")
	}
	// Ended elsewhere: the next request says so.
	b.signIn("ada")
	row, err = b.session()
	must(t, err)
	must(t, w.db.EndSession(t.Context(), row.UserID, row.SID))
	if value, set := state(b.get(authorize("prompt", "none"))); !set || value != "" {
		t.Errorf("after it ended elsewhere: %q, %v", value, set)
	}
}

// TestSessionStateWhereNobodyIsSignedIn: an application that asks with prompt=none
// is told so, but not where the session cookie may have been left out.
func TestSessionStateWhereNobodyIsSignedIn(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.client()
	ask := func(b *browser, dest string) answer {
		r := b.request("GET", authorize("prompt", "none"), nil)
		if dest != "" {
			r.Header.Set("Sec-Fetch-Dest", dest)
		}
		return b.do(r).to(callbackURL)
	}
	out, in := w.browser(), w.browser()
	in.signIn("ada")
	for _, tt := range []struct {
		b     *browser
		dest  string
		error string
		told  bool
	}{
		{out, "", "login_required", true}, {out, "document", "login_required", true}, {out, "iframe", "login_required", false}, {out, "empty", "login_required", false},
		{in, "document", "consent_required", true}, {in, "iframe", "consent_required", true},
	} {
		a := ask(tt.b, tt.dest)
		if a.param("error") != tt.error || (a.param("session_state") != "") != tt.told {
			t.Errorf("%q: %s", tt.dest, a.location)
		}
	}
}

// TestSessionInARealBrowser: an application's page asks our frame about the
// session while the person signs in and out; at the end the application's
// frame is loaded, and the browser comes back by itself.
func TestSessionInARealBrowser(t *testing.T) {
	ctx := chromium(t)
	w := newWorld(t)
	w.user("ada")
	out := make(chan url.Values, 10)
	app := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/out":
			out <- r.URL.Query()
		case "/cb":
			_, _ = io.WriteString(rw, `<iframe id=op src="`+w.url+checkSessionPath+`"></iframe><p id=answer></p><script>
				onmessage = (e) => { if (e.origin === "`+w.url+`") { answer.textContent = e.data; answer.className = "told" } };
				function ask(m) { answer.className = ""; op.contentWindow.postMessage(m, "`+w.url+`") }
				const state = new URLSearchParams(location.search).get("session_state");
			</script>`)
		default:
			_, _ = io.WriteString(rw, "<h1 id=back>bye</h1>")
		}
	}))
	defer app.Close()
	w.client(func(c *broker.Client) {
		c.FirstParty, c.AuthMethod, c.RedirectURIs = true, broker.AuthBasic, []string{app.URL + "/cb"}
		c.PostLogoutRedirectURIs, c.Metadata.FrontchannelLogoutURI = []string{app.URL + "/bye"}, app.URL+"/out"
	})
	ask := func(message, want string) {
		t.Helper()
		must(t, chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void]("ask("+message+")"), chromedp.WaitVisible(chromedp.CSS("#answer.told"))))
		got, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("#answer")))
		must(t, err)
		if got != want {
			t.Errorf("ask(%s) = %q, want %q", message, got, want)
		}
	}
	must(t, chromedp.Do(ctx,
		chromedp.Navigate(w.url+authorize("redirect_uri", app.URL+"/cb")),
		chromedp.WaitVisible(chromedp.CSS(`input[name=password]`)),
		chromedp.SendKeys(chromedp.CSS(`input[name=email]`), "ada@example.org"),
		chromedp.SendKeys(chromedp.CSS(`input[name=password]`), password),
		chromedp.Submit(chromedp.CSS(`input[name=password]`)),
		chromedp.WaitReady(chromedp.CSS("#op")),
		chromedp.Sleep(500*time.Millisecond), // the frame's script runs
	))
	ask(`"app " + state`, "unchanged")
	ask(`"other " + state`, "changed")
	ask(`"app " + state.replace(/^./, c => c === "_" ? "-" : "_")`, "changed")
	ask(`"app"`, "error")
	ask(`"app x"`, "error")
	ask(`{}`, "error")

	must(t, chromedp.Do(ctx,
		chromedp.Navigate(w.url+"/oauth2/logout?"+url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {app.URL + "/bye"}}.Encode()),
		chromedp.Click(chromedp.CSS("button.primary")),
		chromedp.WaitVisible(chromedp.CSS("#back")),
	))
	select {
	case q := <-out:
		if q.Get("iss") != w.url || q.Get("sid") == "" {
			t.Errorf("the frame got %v", q)
		}
	default:
		t.Error("the application's frame was not loaded")
	}
}
