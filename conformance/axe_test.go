package conformance

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// axeSource is axe-core as npm installs it; "" where it is not there.
var axeSource = sync.OnceValue(func() string {
	text, err := os.ReadFile("axe/node_modules/axe-core/axe.min.js")
	if err != nil {
		return ""
	}
	return string(text)
})

// axeRun lists what axe-core objects to: rules of WCAG 2.2, levels A and AA, and
// good practice.
const axeRun = `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
  .then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html.slice(0, 200) + ": " + n.failureSummary.replace(/\s+/g, " "))))`

// barriers asks axe-core about the page that is open, as far as it is there. It
// comes in by the browser's tools: the policy of the page lets nothing in.
func (b *tab) barriers(name string) {
	b.t.Helper()
	source := axeSource()
	if source == "" || b.mute {
		return // TestAxeIsThere says so; the pages are the same without scripts
	}
	ask[int](b, `(() => {`+source+`; return 0})()`)
	ctx, cancel := context.WithTimeout(b.ctx, stepTime)
	defer cancel()
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](axeRun, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: axe-core: %v", name, err)
	}
	for _, f := range found {
		b.t.Errorf("%s: %s", name, f)
	}
}

// TestAxeIsThere tells that the journeys run without axe-core.
func TestAxeIsThere(t *testing.T) {
	if axeSource() == "" {
		const missing = "no axe-core: npm ci --prefix conformance/axe"
		if os.Getenv("BROKER_TEST_ALL") == "1" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
}
