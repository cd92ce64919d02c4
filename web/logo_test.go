package web

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/fetch"
)

// picture draws n by n pixels.
func picture(t testing.TB, kind string, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	img := image.NewRGBA(image.Rect(0, 0, n, n))
	switch kind {
	case "png":
		must(t, png.Encode(&b, img))
	case "jpeg":
		must(t, jpeg.Encode(&b, img, nil))
	case "gif":
		must(t, gif.Encode(&b, img, nil))
	case "webp": // one pixel: nothing of ours writes the format
		text, err := base64.StdEncoding.DecodeString("UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAgA0JaQAA3AA/vuUAAA=")
		must(t, err)
		return text
	}
	return b.Bytes()
}

// bomb is a PNG of a hundred bytes that says that it unpacks to 40 GB.
func bomb() []byte {
	header := append([]byte("IHDR"), 0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0, 8, 6, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), header...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(header))
}

func TestLookAt(t *testing.T) {
	for kind, want := range map[string]string{"png": "image/png", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"} {
		if l, err := lookAt(picture(t, kind, 64)); err != nil || l.kind != want || !strings.HasSuffix(l.name(), l.ext) {
			t.Errorf("%s: %s, %v", kind, l.kind, err)
		}
	}
	svg := `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(document.domain)</script></svg>`
	canvas := "RIFF\x1a\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\xff\x3f\x00\xff\x3f\x00"
	whole := picture(t, "png", 8)
	for name, content := range map[string]string{
		"SVG": svg, "SVG behind a declaration": `<?xml version="1.0"?>` + svg, "HTML": "<!doctype html><script>alert(1)</script>", "nothing": "", "text": "hello",
		"a PNG bomb": string(bomb()), "a WebP bomb": canvas, "a GIF bomb": "GIF89a\xff\xff\xff\xff\x00\x00\x00", "half a PNG": string(whole[:20]), "a wide PNG": string(picture(t, "png", maxLogoSide+1)),
		"an icon": "\x00\x00\x01\x00\x01\x00", "a BMP": "BM\x00\x00\x00\x00", "a PDF": "%PDF-1.7",
	} {
		if l, err := lookAt([]byte(content)); err == nil {
			t.Errorf("%s passes for %s", name, l.kind)
		}
	}
	if _, err := lookAt(picture(t, "png", maxLogoSide)); err != nil {
		t.Errorf("the largest: %v", err)
	}
}

// A decoder that trips over a picture does not end the broker.
func TestDecoderThatPanics(t *testing.T) {
	kind := logoKinds["image/png"]
	kind.config = func(io.Reader) (image.Config, error) { panic("index out of range") }
	logoKinds["image/bmp"] = kind
	defer delete(logoKinds, "image/bmp")
	if _, err := lookAt([]byte("BM and more")); err == nil {
		t.Error("a picture that nobody could read is shown")
	}
}

// FuzzLookAt: a stranger's bytes end nothing but the attempt to show them.
func FuzzLookAt(f *testing.F) {
	for _, kind := range []string{"png", "jpeg", "gif", "webp"} {
		f.Add(picture(f, kind, 3))
	}
	f.Add(bomb())
	f.Fuzz(func(t *testing.T, content []byte) {
		if l, err := lookAt(content); err == nil && (logoKinds[l.kind].ext != l.ext || len(l.content) != len(content)) {
			t.Errorf("%+v", l)
		}
	})
}

// gallery is where an application keeps its logo.
type gallery struct {
	*httptest.Server
	asked  atomic.Int32
	answer atomic.Pointer[http.HandlerFunc]
}

func newGallery(t *testing.T, answer http.HandlerFunc) *gallery {
	g := &gallery{}
	g.answer.Store(&answer)
	g.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.asked.Add(1)
		(*g.answer.Load())(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

func sends(kind string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(content)
	}
}

// logoTest is longer than a picture takes to come on a busy machine.
const logoTest = time.Minute

// come waits until we have what is at an address, or know that there is nothing to have. Pages wait
// for logoPatience only, and a busy machine may take longer.
func (w *world) come(uri string) {
	w.t.Helper()
	_, _ = w.server.o.Logos.Get(w.t.Context(), uri, logoAge)
}

// fetcher may reach the gallery; inside: also where it is.
func (g *gallery) fetcher(inside bool) *fetch.Client {
	o := fetch.Options{Roots: x509.NewCertPool(), MinInterval: time.Hour, Timeout: logoTest}
	o.Roots.AddCert(g.Certificate())
	if inside {
		o.Networks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	return fetch.New(o)
}

// withLogo is a world with an application whose logo is in the gallery.
func withLogo(t *testing.T, g *gallery, inside bool, edit ...func(*broker.Client)) (*world, *browser) {
	w := newWorld(t, func(o *Options) { o.Logos = g.fetcher(inside) })
	w.user("ada")
	w.client(append([]func(*broker.Client){func(c *broker.Client) { c.Metadata.LogoURI = g.URL + "/logo.png" }}, edit...)...)
	b := w.browser()
	b.signIn("ada")
	return w, b
}

var logoPath = regexp.MustCompile(`<img src="(/applications/[^"]+/logo/[^"]+)"`)

// logoOf is the path of the logo on a page; "" its initials stand there.
func logoOf(t *testing.T, page answer) string {
	t.Helper()
	if m := logoPath.FindStringSubmatch(page.body); m != nil {
		return m[1]
	}
	if !strings.Contains(page.body, `class="tile mark"`) {
		t.Fatalf("neither logo nor initials:\n%s", page.body)
	}
	return ""
}

// TestLogoIsServedByUs on the consent page and on that of applications: asked
// for once, under its content, with headers that let it be nothing but a picture.
func TestLogoIsServedByUs(t *testing.T) {
	content := picture(t, "png", 64)
	g := newGallery(t, sends("image/svg+xml", content)) // what the source says counts for nothing
	w, b := withLogo(t, g, true)
	w.come(g.URL + "/logo.png")
	consent, _ := b.follow(b.get(authorize()))
	path := logoOf(t, consent.want(200))
	got := b.get(path).want(200)
	if got.body != string(content) || strings.Contains(consent.body, g.URL) {
		t.Errorf("%d bytes; the page names its source: %v", len(got.body), strings.Contains(consent.body, g.URL))
	}
	for name, want := range map[string]string{
		"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
		"Cache-Control": "private, max-age=31536000, immutable", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %q", name, got.header.Get(name))
		}
	}
	consent, _ = b.follow(b.get(authorize()))
	login := regexp.MustCompile(`name="login" value="([^"]+)"`).FindStringSubmatch(consent.body)[1]
	b.post("/consent/", "login", login, "decision", "allow").to(callbackURL)
	if again := logoOf(t, b.get(applicationsPath).want(200)); again != path {
		t.Errorf("applications show %q, consent %q", again, path)
	}
	if n := g.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	b.get("/applications/app/logo/" + strings.Repeat("0", 32) + ".png").want(404)
	b.get("/applications/nobody/logo/" + path[strings.LastIndex(path, "/")+1:]).want(404)
	if n := g.asked.Load(); n != 1 {
		t.Errorf("made-up names made us ask %d times", n)
	}
}

// TestStrangersCannotMakeUsFetchLogos: nobody who is not signed in.
func TestStrangersCannotMakeUsFetchLogos(t *testing.T) {
	g := newGallery(t, sends("image/png", picture(t, "png", 8)))
	w, b := withLogo(t, g, true)
	stranger := w.browser()
	stranger.follow(stranger.get(authorize()))
	stranger.follow(stranger.get(authorize("prompt", "none")))
	l, err := lookAt(picture(t, "png", 8))
	must(t, err)
	stranger.get("/applications/app/logo/" + l.name()).want(404)
	stranger.get(applicationsPath).to("/login/")
	if n := g.asked.Load(); n != 0 {
		t.Errorf("strangers made us ask %d times", n)
	}
	w.come(g.URL + "/logo.png")
	b.get("/applications/app/logo/" + l.name()).want(200)
}

// TestLogosThatAreNotShown: the page has initials, and asks once.
func TestLogosThatAreNotShown(t *testing.T) {
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	good := picture(t, "png", 8)
	for name, tt := range map[string]struct {
		answer  http.HandlerFunc
		outside bool // the gallery is not on a network that is open
		uri     string
		asked   int32
	}{
		"SVG with a script":           {answer: sends("image/png", svg), asked: 1},
		"a decompression bomb":        {answer: sends("image/png", bomb()), asked: 1},
		"50 MB":                       {answer: sends("image/png", append(bytes.Clone(good), make([]byte, 50<<20)...)), asked: 1},
		"a page":                      {answer: sends("image/png", []byte("<!doctype html>")), asked: 1},
		"a redirect to the inside":    {answer: http.RedirectHandler("https://127.0.0.1/logo.png", http.StatusFound).ServeHTTP, asked: 1},
		"not there":                   {answer: http.NotFound, asked: 1},
		"a private address":           {answer: sends("image/png", good), outside: true},
		"a script":                    {uri: "javascript:alert(1)"},
		"a picture in the address":    {uri: "data:image/png;base64," + base64.StdEncoding.EncodeToString(good)},
		"a file":                      {uri: "file:///etc/passwd"},
		"a picture without an https:": {uri: "http://127.0.0.1:1/logo.png"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.answer == nil {
				tt.answer = sends("image/png", good)
			}
			g := newGallery(t, tt.answer)
			w, b := withLogo(t, g, !tt.outside, func(c *broker.Client) {
				if tt.uri != "" { // no registration takes it; a row that somebody else wrote might hold it
					c.Metadata.LogoURI, c.PolicyURI, c.TermsURI, c.ClientURI = tt.uri, tt.uri, tt.uri, tt.uri
				}
			})
			for range 3 {
				page, _ := b.follow(b.get(authorize()))
				if path := logoOf(t, page.want(200)); path != "" {
					t.Fatalf("shown as %s", path)
				}
				if strings.Contains(page.body, "javascript:") || strings.Contains(page.body, "data:") || strings.Contains(page.body, "file:") {
					t.Error("the page leads there")
				}
			}
			w.come(cmp.Or(tt.uri, g.URL+"/logo.png")) // the pages may not have waited for it
			if n := g.asked.Load(); n != tt.asked {
				t.Errorf("asked %d times, want %d", n, tt.asked)
			}
		})
	}
}

// TestSlowLogoHoldsUpNoPage.
func TestSlowLogoHoldsUpNoPage(t *testing.T) {
	release := make(chan struct{})
	g := newGallery(t, func(w http.ResponseWriter, r *http.Request) {
		<-release
		sends("image/png", picture(t, "png", 8))(w, r)
	})
	w, b := withLogo(t, g, true)
	began := time.Now()
	page, _ := b.follow(b.get(authorize()))
	if path := logoOf(t, page.want(200)); path != "" || time.Since(began) >= logoTest {
		t.Errorf("after %s: %q", time.Since(began), path)
	}
	close(release)
	w.come(g.URL + "/logo.png") // what the page began goes on
	page, _ = b.follow(b.get(authorize()))
	if logoOf(t, page) == "" || g.asked.Load() != 1 {
		t.Errorf("never shown; asked %d times", g.asked.Load())
	}
}

// TestLogoThatChanges: what the page was made with is what it shows. A replica that
// gets to see another picture under the address shows none.
func TestLogoThatChanges(t *testing.T) {
	g := newGallery(t, sends("image/png", picture(t, "png", 8)))
	w, b := withLogo(t, g, true)
	w.come(g.URL + "/logo.png")
	page, _ := b.follow(b.get(authorize()))
	path := logoOf(t, page)
	other := sends("image/png", picture(t, "png", 9))
	g.answer.Store(&other)
	if a := b.get(path).want(200); a.body != string(picture(t, "png", 8)) {
		t.Error("another picture under the same path")
	}
	w.server.o.Logos = g.fetcher(true) // another replica, or a day later
	w.come(g.URL + "/logo.png")
	b.get(path).want(404)
	if page, _ = b.follow(b.get(authorize())); logoOf(t, page) == path || logoOf(t, page) == "" {
		t.Errorf("the new page shows %q", logoOf(t, page))
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Genome Atlas": "GA", "wiki": "W", "The Third App": "TT", "3D (viewer)": "3V", "": "", "!!": "", "ängström lab": "ÄL", "\u202eevil": "E", "أطلس الجينوم": "أا", "<b>x": "B",
	} {
		if got := initials(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
