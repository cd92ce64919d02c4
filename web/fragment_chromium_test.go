package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"idbroker/broker"
)

// surfer is somebody at Chromium.
type surfer struct {
	t    *testing.T
	ctx  context.Context
	mu   sync.Mutex
	sent []string // the addresses that were asked for
}

func surf(t *testing.T) *surfer {
	t.Helper()
	s := &surfer{t: t, ctx: chromium(t)}
	must(t, chromedp.Listen(s.ctx, func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.sent = append(s.sent, e.Request.URL)
		}
	}))
	s.do(command(network.Enable, network.EnableParams{}))
	return s
}

func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

func (s *surfer) do(actions ...chromedp.Action[chromedp.Void]) {
	s.t.Helper()
	if err := chromedp.Do(s.ctx, actions...); err != nil {
		s.t.Fatalf("%v\n%s", err, evaluate[string](s, "location.href + document.body.innerText"))
	}
}

func evaluate[T any](s *surfer, expression string) T {
	s.t.Helper()
	v, err := chromedp.Run(s.ctx, chromedp.Evaluate[T](expression))
	must(s.t, err)
	return v
}

// agent is what the browser calls itself.
func (s *surfer) agent() string { s.t.Helper(); return evaluate[string](s, "navigator.userAgent") }

func (s *surfer) open(address string) { s.t.Helper(); s.do(chromedp.Navigate(address)) }

func (s *surfer) scripts(on bool) {
	s.t.Helper()
	s.do(command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}))
}

// sees waits until the page says the words.
func (s *surfer) sees(words string) {
	s.t.Helper()
	text := ""
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if text = evaluate[string](s, `document.readyState == "complete" && document.body ? document.body.innerText : ""`); strings.Contains(text, words) {
			return
		}
	}
	s.t.Fatalf("the page does not say %q: %s\n%s", words, evaluate[string](s, "location.href"), text)
}

// leaves waits until the address begins with something else.
func (s *surfer) leaves(prefix string) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); strings.HasPrefix(evaluate[string](s, "location.href"), prefix); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("still at %s", prefix)
		}
	}
}

// asked tells whether an address that was asked for holds the text.
func (s *surfer) asked(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(strings.Join(s.sent, "\n"), text)
}

// TestAnswersInTheFragment in a real browser: the provider sends the person back
// with everything behind "#", as ORCID does with errors.
func TestAnswersInTheFragment(t *testing.T) {
	s := surf(t)
	w := newWorld(t)
	w.member("ada")
	w.client()
	fragment := ""
	provider := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, w.url+"/oauth/authorized/demo/#"+fragment, http.StatusSeeOther)
	}))
	defer provider.Close()
	away := strings.Replace(provider.URL, "127.0.0.1", "localhost", 1) + "/" // another site
	login, state := "", ""
	leave := func() {
		t.Helper()
		s.open(w.url + authorize())
		u, err := url.Parse(evaluate[string](s, "location.href"))
		must(t, err)
		login = u.Query().Get("login")
		s.open(w.url + "/oauth/login/demo/?login=" + login)
		u, err = url.Parse(evaluate[string](s, "location.href"))
		must(t, err)
		if state = u.Query().Get("state"); state == "" {
			t.Fatalf("no state at %s", u)
		}
	}
	open := func() bool {
		a, err := w.db.Attempt(t.Context(), broker.Secret(state).Hash())
		must(t, err)
		return a.UsedAt.IsZero()
	}
	stays := func(what string) { // on the page that says what happened, without what was behind "#"
		t.Helper()
		s.sees("The answer was incomplete")
		if at := evaluate[string](s, "location.href"); at != w.url+"/oauth/authorized/demo/" {
			t.Errorf("%s: at %s", what, at)
		}
		if !open() {
			t.Errorf("%s: the attempt is spent", what)
		}
		if to := evaluate[string](s, `document.querySelector("a.primary").getAttribute("href")`); to != "/oauth/login/demo/?login="+login {
			t.Errorf("%s: the way on leads to %s", what, to)
		}
	}

	leave()
	iss := "&iss=" + url.QueryEscape(w.op.Issuer)
	fragment = "error=access_denied&error_description=No+thanks&state=" + state + iss
	s.open(away)
	s.sees("You didn’t go on at Demo")
	if open() {
		t.Error("the attempt goes on after the person said no")
	}
	here := evaluate[string](s, "location.href")
	evaluate[int](s, "setTimeout(() => history.back(), 0)")
	s.leaves(here)
	if at := evaluate[string](s, "location.href"); strings.Contains(at, "#") || strings.Contains(at, "/authorized/") {
		t.Errorf("the history keeps what was behind #: %s", at)
	}

	leave() // a script in the description is text, and not even shown
	fragment = "error=access_denied&error_description=%3Cscript%3Edocument.title%3D%22owned%22%3C/script%3E%3Cimg%20src=x%20onerror=alert(1)%3E&state=" + state + iss
	s.open(away)
	s.sees("You didn’t go on at Demo")
	if title := evaluate[string](s, "document.title"); strings.Contains(title, "owned") || s.asked("/oauth/authorized/demo/x") {
		t.Errorf("the description does something: %q", title)
	}

	leave()
	for what, text := range map[string]string{
		"overlong":         "error=access_denied&error_description=" + strings.Repeat("a", 5000) + "&state=" + state,
		"a state twice":    "error=access_denied&state=" + state + "&state=x",
		"no state":         "error=access_denied",
		"no error":         "state=" + state + "&x=y",
		"only rubbish":     "%zz&&&==<script>alert(1)</script>",
		"an address":       "//evil.example/?error=x",
		"a code":           "code=stolen-code&state=" + state,
		"tokens":           "access_token=stolen-code&id_token=stolen-code&token_type=bearer&state=" + state,
		"a nested address": "javascript:alert(1)",
	} {
		fragment = text
		s.open("about:blank")
		s.open(away)
		stays(what)
	}
	// A code beside an error: the error counts, the code stays where it is.
	fragment = "code=stolen-code&error=access_denied&state=" + state + iss
	s.open(away)
	s.sees("You didn’t go on at Demo")
	if s.asked("stolen-code") {
		t.Error("a code or token from behind # was sent on")
	}

	leave() // a journey of another browser is not ended from here
	other := w.browser()
	foreign := other.get("/oauth/login/demo/").to(w.op.URL)
	fragment = "error=access_denied&state=" + foreign.param("state")
	s.open(away)
	s.sees("This sign-in began in another browser")
	other.walk(foreign, "ada").to("/")
	fragment = "error=access_denied&state=nobodys"
	s.open(away)
	s.sees("We don’t know this sign-in")

	// Without scripts the page says what happened and leads back.
	leave()
	fragment = "error=access_denied&state=" + state
	s.scripts(false)
	s.open(away)
	s.sees("The answer was incomplete")
	s.do(chromedp.Click(chromedp.CSS("a.primary"), chromedp.NodeVisible))
	s.leaves(w.url)
	if at := evaluate[string](s, "location.href"); !strings.HasPrefix(at, w.op.URL) {
		t.Errorf("the way on leads to %s", at)
	}
}
