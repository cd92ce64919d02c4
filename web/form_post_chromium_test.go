package web

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"idbroker/broker"
)

// TestFormPostsItself in a real browser, under our policy, to another site, once.
func TestFormPostsItself(t *testing.T) {
	skip := t.Skipf
	if os.Getenv("BROKER_TEST_ALL") == "1" {
		skip = t.Fatalf
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)...)
	defer stop()
	ctx, stop := chromedp.NewContext(alloc)
	defer stop()
	ctx, stop = context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
	if err := chromedp.Do(ctx); err != nil {
		skip("no browser: install chromium (%v)", err)
	}
	posts := make(chan url.Values, 10)
	app := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		if r.Method == http.MethodPost && r.ParseForm() == nil {
			posts <- r.PostForm
			_, _ = io.WriteString(rw, "<h1 id=arrived>here</h1>")
			return
		}
		_, _ = io.WriteString(rw, "<h1 id=start>start</h1>")
	}))
	defer app.Close()
	site := strings.Replace(app.URL, "127.0.0.1", "localhost", 1) // another site than the broker
	w := newWorld(t)
	w.user("ada")
	w.client(func(c *broker.Client) { c.RedirectURIs = []string{site + "/cb"} })
	must(t, chromedp.Do(ctx,
		chromedp.Navigate(site+"/"),
		chromedp.WaitVisible(chromedp.CSS("#start")),
		chromedp.Navigate(w.url+authorize("redirect_uri", site+"/cb", "response_mode", "form_post")),
		chromedp.WaitVisible(chromedp.CSS(`input[name=password]`)),
		chromedp.SendKeys(chromedp.CSS(`input[name=email]`), "ada@example.org"),
		chromedp.SendKeys(chromedp.CSS(`input[name=password]`), password),
		chromedp.Submit(chromedp.CSS(`input[name=password]`)),
		chromedp.WaitVisible(chromedp.CSS(`button[value=allow]`)),
		chromedp.Click(chromedp.CSS(`button[value=allow]`)),
		chromedp.WaitVisible(chromedp.CSS("#arrived")),
	))
	if got := <-posts; got.Get("code") == "" || got.Get("iss") != w.url || got.Get("state") == "" {
		t.Errorf("posted %v", got)
	}
	where, err := chromedp.Run(ctx, chromedp.Location())
	must(t, err)
	if where != site+"/cb" {
		t.Errorf("arrived at %s", where)
	}
	if len(posts) != 0 {
		t.Errorf("posted again: %v", <-posts)
	}
}
