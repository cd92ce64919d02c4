package web

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axeFile is axe-core as npm installs it. It is injected by the browser's own
// tools, which our policy does not bind.
const axeFile = "../conformance/axe/node_modules/axe-core/axe.min.js"

// axeRun lists what axe-core objects to in the page: rules of WCAG 2.2, levels A
// and AA, and good practice.
const axeRun = `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
  .then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html.slice(0, 200) + ": " + n.failureSummary.replace(/\s+/g, " "))))`

// axe is the source of axe-core; without it the test skips, or fails where all must run.
func axe(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(axeFile)
	if err != nil {
		const missing = "no axe-core: npm ci --prefix conformance/axe"
		if os.Getenv("BROKER_TEST_ALL") == "1" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	return string(text)
}

// objections is what axe-core says of the page that is open.
func objections(s *surfer, source string) []string {
	s.t.Helper()
	evaluate[int](s, "(() => {"+source+"; return 0})()")
	found, err := chromedp.Run(s.ctx, chromedp.Evaluate[[]string](axeRun, chromedp.EvalAwaitPromise))
	must(s.t, err)
	return found
}

func (s *surfer) scheme(name string) {
	s.t.Helper()
	s.do(command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}))
}

// TestAxe shows every page, in every state that it has, to axe-core.
func TestAxe(t *testing.T) {
	source := axe(t)
	for _, look := range []struct {
		name, lang, scheme string
		width, height      int64
	}{
		{"light", "en", "light", 1280, 800},
		{"dark phone", "de", "dark", 390, 844},
	} {
		r := testRenderer(t, sampleBrand)
		all := samples(r, look.lang, plainWords)
		srv := served(t, r, all)
		s := surf(t) // one each: they have two minutes
		s.do(chromedp.EmulateViewport(look.width, look.height))
		s.scheme(look.scheme)
		for _, one := range all {
			s.open(srv.URL + "/" + one.name)
			for _, o := range objections(s, source) {
				t.Errorf("%s, %s: %s", one.name, look.name, o)
			}
		}
	}
}

// TestAxeFinds sees that it objects to something.
func TestAxeFinds(t *testing.T) {
	source := axe(t)
	s := surf(t)
	s.open("data:text/html,<html><body><img src=x><a href=x></a><input></body></html>")
	if found := objections(s, source); len(found) < 4 {
		t.Errorf("axe-core finds only %q", found)
	}
}

// served serves samples by name, as the broker would.
func served(t *testing.T, r *renderer, all []sample) *httptest.Server {
	t.Helper()
	pages := map[string]string{}
	for _, s := range all {
		pages["/"+s.name] = renderSample(t, r, s)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.HasPrefix(q.URL.Path, "/static/") {
			r.staticHandler().ServeHTTP(w, q)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", contentSecurityPolicy+formsStay)
		_, _ = w.Write([]byte(pages[q.URL.Path]))
	}))
	t.Cleanup(srv.Close)
	return srv
}
