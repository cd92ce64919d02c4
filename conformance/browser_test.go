package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// stepTime is how long a step of a person may take on a machine that does a
// dozen other things.
const stepTime = 40 * time.Second

// chromium is the browser's path, or a skip that says how to get it.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "no Chromium: install it (apt-get install chromium)"
	if os.Getenv("BROKER_TEST_ALL") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// tab is somebody at a browser. Its steps fail the test where they do not work.
type tab struct {
	t   *testing.T
	ctx context.Context
	h   *house

	mute bool // scripts are off, those of tests included as far as they wait

	mu     sync.Mutex
	faults []string // what the browser complained of
}

// browse opens a browser of its own, without cookies.
func browse(t *testing.T, h *house) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 800),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("lang", "en"),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until it is gone, so that its directory can be removed
		cancel()
		stop()
	})
	b := &tab{t: t, ctx: ctx, h: h}
	if err := errors.Join(chromedp.Listen(ctx, b.listen), chromedp.Do(ctx, call(log.Enable, cdp.Empty{}), scheme("light"))); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, f := range b.faults {
			t.Errorf("the browser complains: %s", f)
		}
	})
	return b
}

// listen collects what the browser refuses to do: a page that our own policy
// breaks, a script that throws.
func (b *tab) listen(event any) {
	fault := ""
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork && (e.Entry.Level == log.EntryLevelError || strings.Contains(e.Entry.Text, "Content Security Policy")) {
			fault = e.Entry.Text + " at " + e.Entry.URL
		}
	case *runtime.EventExceptionThrown:
		fault = e.ExceptionDetails.Text
	}
	if fault != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.faults = append(b.faults, fault)
	}
}

// call is a command of the browser's protocol as an action.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

// scheme makes pages light or dark.
func scheme(name string) chromedp.Action[chromedp.Void] {
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
}

// do runs the actions of one step.
func (b *tab) do(what string, actions ...chromedp.Action[chromedp.Void]) *tab {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTime)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%s: %v\n%s", what, err, b.where())
	}
	return b
}

// ask evaluates an expression in the page.
func ask[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTime)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("ask the page: %v\n%s", err, b.where())
	}
	return v
}

// next runs the actions and waits for the page that they lead to.
func (b *tab) next(what string, actions ...chromedp.Action[chromedp.Void]) *tab {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTime)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, actions...); err != nil {
		b.t.Fatalf("%s: %v\n%s", what, err, b.where())
	}
	return b
}

// where is where the person stands, for failures.
func (b *tab) where() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + (document.body ? document.body.innerText : "")`))
	if err != nil {
		return "nowhere: " + err.Error()
	}
	return text
}

func (b *tab) open(address string) *tab {
	b.t.Helper()
	return b.do("open "+address, chromedp.Navigate(address))
}

// pressable is a link or button with the words.
func pressable(words string) string {
	return fmt.Sprintf(`(//a[@href][contains(normalize-space(.), %[1]q)] | //button[contains(normalize-space(.), %[1]q)])[1]`, words)
}

// click presses a link or button and waits for the page that comes.
func (b *tab) click(words string) *tab {
	b.t.Helper()
	return b.next("click "+words, chromedp.Click(pressable(words), chromedp.NodeVisible))
}

// fill types into a field, in place of what stands there.
func (b *tab) fill(name, value string) *tab {
	b.t.Helper()
	field := fmt.Sprintf(`//input[@name=%q][not(@type="hidden")]`, name)
	return b.do("fill "+name, chromedp.Clear(field), chromedp.SendKeys(field, value))
}

// sees waits until the page says all the words.
func (b *tab) sees(words ...string) *tab {
	b.t.Helper()
	missing := ""
	for end := time.Now().Add(stepTime); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		text := b.text()
		missing = ""
		for _, one := range words {
			if !strings.Contains(text, one) {
				missing = one
			}
		}
		if missing == "" {
			return b
		}
	}
	b.t.Fatalf("the page does not say %q: %s", missing, b.where())
	return b
}

// lacks fails where the page says one of the words.
func (b *tab) lacks(words ...string) *tab {
	b.t.Helper()
	text := b.text()
	for _, one := range words {
		if strings.Contains(text, one) {
			b.t.Errorf("the page says %q: %s", one, b.where())
		}
	}
	return b
}

func (b *tab) text() string {
	b.t.Helper()
	return ask[string](b, `document.body ? document.body.innerText.replace(/\s+/g, " ") : ""`)
}

// value is the value of a field.
func (b *tab) value(name string) string {
	b.t.Helper()
	return ask[string](b, fmt.Sprintf(`document.querySelector("input[name='%s']").value`, name))
}

// claim is a claim of the ID token as the demo application shows it.
func (b *tab) claim(name string) string {
	b.t.Helper()
	return ask[string](b, fmt.Sprintf(`(document.querySelector("[data-claim='%s']") || {innerText: ""}).innerText`, name))
}

// mail opens the newest mail's link in this browser: the mailbox, then a click.
func (b *tab) mail(path string) *tab {
	b.t.Helper()
	walk(b.t, b.h).mailLink(path) // the outbox works behind the page
	return b.open(b.h.mailbox + "/").click(b.h.issuer + path)
}

// withoutScripts switches the page's scripts off, for good.
func (b *tab) withoutScripts() *tab {
	b.t.Helper()
	b.mute = true
	return b.do("switch scripts off", call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
}

// tabTo presses Tab until the element with the words, or the field with the
// name, has the focus; it must be visibly there.
func (b *tab) tabTo(words string) *tab {
	b.t.Helper()
	seen := ""
	for range 60 {
		b.do("press Tab", chromedp.KeyEvent(kb.Tab))
		at := ask[string](b, `(e => e.name && e.tagName == "INPUT" ? e.name : e.innerText || "")(document.activeElement)`)
		outline := ask[bool](b, `(e => { const s = getComputedStyle(e); return s.outlineStyle != "none" && parseFloat(s.outlineWidth) >= 2 })(document.activeElement)`)
		seen += at + " | "
		if at == words || len(at) > 2 && strings.Contains(at, words) {
			if !outline {
				b.t.Errorf("the focus on %q cannot be seen: %s", words, b.where())
			}
			return b
		}
	}
	b.t.Fatalf("Tab does not lead to %q but to: %s", words, seen)
	return b
}

// types sends keys to what has the focus.
func (b *tab) types(keys string) *tab {
	b.t.Helper()
	return b.do("type", chromedp.KeyEvent(keys))
}

// enter presses Enter and waits for the page that comes.
func (b *tab) enter() *tab {
	b.t.Helper()
	return b.next("press Enter", chromedp.KeyEvent(kb.Enter))
}

// shots is where screenshots go; "" nowhere. BROKER_TEST_SCREENSHOTS names a
// directory, or is 1 for a new one.
var shots = sync.OnceValue(func() string {
	dir := os.Getenv("BROKER_TEST_SCREENSHOTS")
	if dir == "1" {
		dir, _ = os.MkdirTemp("", "screenshots-")
	}
	if dir != "" {
		_ = os.MkdirAll(dir, 0o755)
	}
	return dir
})

// look inspects the page as people with different screens see it, and takes
// pictures if somebody wants to see them.
func (b *tab) look(name string) *tab {
	b.t.Helper()
	if b.h.cli != nil {
		return b // the pages are the same as in the demo
	}
	for _, screen := range []struct {
		name          string
		width, height int64
	}{{"desktop", 1280, 800}, {"zoomed", 640, 400}, {"phone", 390, 844}} {
		for _, colours := range []string{"light", "dark"} {
			b.do("look at "+name, chromedp.EmulateViewport(screen.width, screen.height), scheme(colours))
			for _, p := range ask[[]string](b, inspection) {
				b.t.Errorf("%s (%s, %s): %s", name, screen.name, colours, p)
			}
			if shots() != "" && screen.name != "zoomed" {
				b.picture(fmt.Sprintf("%s-%s-%s.png", name, screen.name, colours))
			}
		}
	}
	b.barriers(name) // in the dark, on a phone
	return b.do("sit back", chromedp.EmulateViewport(1280, 800), scheme("light"))
}

// picture keeps a picture of the whole page.
func (b *tab) picture(name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTime)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(shots(), name), png, 0o644)
	}
	if err != nil {
		b.t.Error(err)
	}
	b.t.Log(filepath.Join(shots(), name))
}
