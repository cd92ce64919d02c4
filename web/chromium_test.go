package web

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"idbroker/broker"
)

// browserTime ends a browser that hangs. A test of every page takes two minutes on a machine that is busy.
const browserTime = 15 * time.Minute

// chromium starts a browser for a test. Where there is none the test skips, or
// fails where all must run.
func chromium(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: no real browser")
	}
	skip := t.Skipf
	if os.Getenv("BROKER_TEST_ALL") == "1" {
		skip = t.Fatalf
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)...)
	t.Cleanup(stop)
	ctx, stop := chromedp.NewContext(alloc)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, browserTime)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		skip("no browser: install chromium (%v)", err)
	}
	return ctx
}

// TestFormsMayLeave: in a real browser, which applies form-action to the whole
// chain of redirects behind a form and strips cookies from posts of other
// sites. The application posts the request; its callback goes on to another
// origin of its own.
func TestFormsMayLeave(t *testing.T) {
	ctx := chromium(t)
	page := func(w http.ResponseWriter, body string) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, body)
	}
	home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("code") != "" {
			page(w, "<h1 id=arrived>here</h1>")
		}
	}))
	defer home.Close()
	w := newWorld(t)
	w.user("ada")
	app := httptest.NewServer(nil)
	defer app.Close()
	redirect := strings.Replace(app.URL, "127.0.0.1", "localhost", 1) + "/cb" // another site than the broker
	app.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cb" {
			http.Redirect(rw, r, home.URL+"/?"+r.URL.RawQuery, http.StatusSeeOther)
			return
		}
		q := strings.TrimPrefix(authorize("redirect_uri", redirect), "/oauth2/authorize?")
		fields := ""
		for _, pair := range strings.Split(q, "&") {
			name, value, _ := strings.Cut(pair, "=")
			value = strings.NewReplacer("%3A", ":", "%2F", "/", "+", " ").Replace(value)
			fields += `<input type=hidden name="` + name + `" value="` + value + `">`
		}
		page(rw, `<form method=post action="`+w.url+`/oauth2/authorize">`+fields+`<button id=go>Sign in</button></form>`)
	})
	w.client(func(c *broker.Client) { c.RedirectURIs = []string{redirect} })
	start := strings.Replace(app.URL, "127.0.0.1", "localhost", 1)
	must(t, chromedp.Do(ctx,
		chromedp.Navigate(start+"/"),
		chromedp.Click(chromedp.CSS("#go")),
		chromedp.WaitVisible(chromedp.CSS(`input[name=password]`)),
		chromedp.SendKeys(chromedp.CSS(`input[name=email]`), "ada@example.org"),
		chromedp.SendKeys(chromedp.CSS(`input[name=password]`), password),
		chromedp.Submit(chromedp.CSS(`input[name=password]`)),
		chromedp.WaitVisible(chromedp.CSS(`button[value=allow]`)),
		chromedp.Click(chromedp.CSS(`button[value=allow]`)),
		chromedp.WaitVisible(chromedp.CSS("#arrived")),
		// The second time the post finds the session: one hop.
		chromedp.Navigate(start+"/"),
		chromedp.Click(chromedp.CSS("#go")),
		chromedp.WaitVisible(chromedp.CSS(`#arrived, button[value=allow], input[name=password]`)),
	))
	where, err := chromedp.Run(ctx, chromedp.Location())
	must(t, err)
	// The redirect URI is not https and the client is public: consent again, and
	// no password.
	if !strings.HasPrefix(where, w.url+"/consent/") {
		t.Errorf("the second time at %s", where)
	}
}
