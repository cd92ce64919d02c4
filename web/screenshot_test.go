package web

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestScreenshots draws every page into PNG files to be looked at:
//
//	BROKER_SCREENSHOTS=/tmp/pages go test ./web -run TestScreenshots -v
//
// BROKER_SCREENSHOTS_ONLY narrows it to the pictures whose names match the
// expression, such as "login.*phone". It needs Chromium, and fails on a page that
// can be scrolled sideways.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("BROKER_SCREENSHOTS")
	if dir == "" {
		t.Skip("set BROKER_SCREENSHOTS to a directory (needs Chromium)")
	}
	only := regexp.MustCompile(os.Getenv("BROKER_SCREENSHOTS_ONLY"))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	looks := []struct {
		name          string
		lang          string
		width, height int64
		dark, rtl     bool
		accent        string
		words         words
	}{
		{name: "desktop", lang: "en", width: 1280, height: 800, words: plainWords},
		{name: "phone", lang: "de", width: 390, height: 844, words: plainWords},
		{name: "dark", lang: "en", width: 1280, height: 800, dark: true, words: plainWords},
		{name: "phone-dark", lang: "en", width: 390, height: 844, dark: true, accent: "#ffcc00", words: plainWords},
		{name: "zoom", lang: "de", width: 640, height: 400, words: plainWords}, // 1280x800 at 200 %
		{name: "rtl", lang: "en", width: 1280, height: 800, rtl: true, accent: "#00665e", words: nastyWords["rtl"]},
		{name: "long", lang: "de", width: 390, height: 844, words: nastyWords["long"]},
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)...)
	defer stop()
	ctx, stop := chromedp.NewContext(alloc)
	defer stop()
	if err := chromedp.Do(ctx); err != nil {
		t.Skipf("no browser: install chromium (%v)", err)
	}
	ctx, stop = context.WithTimeout(ctx, 10*time.Minute)
	defer stop()
	for _, look := range looks {
		brand := sampleBrand
		brand.Accent = look.accent
		r := testRenderer(t, brand)
		all := samples(r, look.lang, look.words)
		for _, s := range all {
			if look.rtl {
				s.page.top().Dir = "rtl"
			}
		}
		srv := served(t, r, all)
		scheme := "light"
		if look.dark {
			scheme = "dark"
		}
		for _, one := range all {
			name := one.name
			file := name + "-" + look.name + ".png"
			if !only.MatchString(file) {
				continue
			}
			err := chromedp.Do(ctx,
				chromedp.EmulateViewport(look.width, look.height),
				chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
					_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
						Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
					})
					return err
				}),
				chromedp.Navigate(srv.URL+"/"+name))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if wide > look.width {
				t.Errorf("%s: %d wide in a window of %d", file, wide, look.width)
			}
			if err := os.WriteFile(filepath.Join(dir, file), png, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
