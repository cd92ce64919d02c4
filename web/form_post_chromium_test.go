package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"idbroker/broker"
)

// TestFormPostsItself in a real browser, under our policy, to another site, once.
func TestFormPostsItself(t *testing.T) {
	ctx := chromium(t)
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
