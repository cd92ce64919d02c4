package web

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"idbroker/i18n"
)

func get(h http.Handler, path string) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Result()
}

const tinyPNG = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"

func TestStatic(t *testing.T) {
	r := testRenderer(t, Brand{Name: "C", Logo: []byte(tinyPNG), Accent: "#fc0"})
	h := r.staticHandler()
	page := renderSample(t, r, samples(r, "en", plainWords)[0])
	paths := regexp.MustCompile(`"(/static/[^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(paths) != 4 { // icon, style, brand, logo
		t.Fatalf("the page refers to %v", paths)
	}
	for _, m := range paths {
		if !regexp.MustCompile(`\.[0-9a-f]{12}\.[a-z]+$`).MatchString(m[1]) {
			t.Errorf("%s has no hash", m[1])
		}
		res := get(h, m[1])
		if res.StatusCode != 200 || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") ||
			res.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %d %v", m[1], res.StatusCode, res.Header)
		}
		want := map[string]string{"css": "text/css; charset=utf-8", "svg": "image/svg+xml", "png": "image/png"}[m[1][strings.LastIndex(m[1], ".")+1:]]
		if got := res.Header.Get("Content-Type"); got != want {
			t.Errorf("%s is %q, want %q", m[1], got, want)
		}
	}
	for _, path := range []string{"/static/", "/static/style.css", "/static/../render.go", "/static/icons/github.svg", "/static/style.000000000000.css", "/static/%2e%2e/x", "/x"} {
		if res := get(h, path); res.StatusCode != 404 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	if _, err := r.assets.path("nothing.css"); err == nil {
		t.Error("a file that is not there has a path")
	}
}

// TestHashFollowsContent: a browser that keeps a file for ever must not keep an
// old one.
func TestHashFollowsContent(t *testing.T) {
	a := &assets{paths: map[string]string{}, files: map[string]asset{}}
	if a.add("x.css", []byte("a")) == a.add("x.css", []byte("b")) {
		t.Error("two contents, one path")
	}
}

func TestBrand(t *testing.T) {
	cat, err := i18n.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []Brand{{Accent: "red"}, {Accent: "#fff}body{display:none"}, {Logo: []byte("hello")}, {Logo: []byte("<html><script>")}} {
		if _, err := newRenderer(cat, b); err == nil {
			t.Errorf("%+v passes", b)
		}
	}
	r, err := newRenderer(cat, Brand{Logo: []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`)})
	if err != nil || !strings.HasSuffix(r.brand.LogoURL(), ".svg") || r.brand.Name != defaultBrand || r.brand.StyleURL() != "" {
		t.Errorf("%+v, %v", r, err)
	}
	for content, want := range map[string]string{tinyPNG: ".png", "\xff\xd8\xff\xe0": ".jpg", "RIFF\x00\x00\x00\x00WEBPVP": ".webp"} {
		if got, ok := imageExt([]byte(content)); !ok || got != want {
			t.Errorf("%q is %q", content, got)
		}
	}
}

func TestIcons(t *testing.T) {
	for _, name := range []string{"github", "orcid", "cern", "globus", "openid", "key", "brand", "ok", "info", "problem", "mail", "user", "shield", "link", "apps", "device", "phone", "check", "chevron"} {
		svg := string(icon(name))
		if !strings.HasPrefix(svg, `<svg class="icon" aria-hidden="true"`) {
			t.Errorf("%s: %q", name, svg)
		}
		if name != "key" && svg == string(icon("key")) {
			t.Errorf("no drawing for %s", name)
		}
		if regexp.MustCompile(`(?i)style=|<script|<image|href|<!--|url\(| on[a-z]+=`).MatchString(svg) {
			t.Errorf("%s does more than draw", name)
		}
	}
	for _, name := range []string{"", "../style", "no such", "<x>"} {
		if icon(name) != icon(neutralIcon) {
			t.Errorf("%q has no neutral mark", name)
		}
	}
}
