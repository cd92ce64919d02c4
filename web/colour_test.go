package web

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// palette reads the colours of a stylesheet: light and dark by name.
func palette(t *testing.T, css string) map[string][2]colour {
	t.Helper()
	all := map[string][2]colour{}
	for _, m := range regexp.MustCompile(`--([a-z-]+):\s*light-dark\((#[0-9a-f]+),\s*(#[0-9a-f]+)\)`).FindAllStringSubmatch(css, -1) {
		light, err := parseColour(m[2])
		if err != nil {
			t.Fatal(err)
		}
		dark, err := parseColour(m[3])
		if err != nil {
			t.Fatal(err)
		}
		all[m[1]] = [2]colour{light, dark}
	}
	return all
}

func style(t *testing.T) string {
	t.Helper()
	css, err := os.ReadFile("static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	return string(css)
}

// TestPaletteContrast holds both schemes to WCAG 2.2, level AA.
func TestPaletteContrast(t *testing.T) {
	p := palette(t, style(t))
	scheme := [2]string{"light", "dark"}
	check := func(front, ground string, want float64) {
		f, ok := p[front]
		g, also := p[ground]
		if !ok || !also {
			t.Errorf("no colour %q or %q in the stylesheet", front, ground)
			return
		}
		for i := range f {
			if got := contrast(f[i], g[i]); got < want {
				t.Errorf("%s: --%s on --%s is %.2f, want %.1f", scheme[i], front, ground, got, want)
			}
		}
	}
	for _, ground := range []string{"bg", "surface"} {
		for _, text := range []string{"text", "muted", "link", "danger", "ok"} {
			check(text, ground, contrastText)
		}
		check("outline", ground, contrastLine)
		check("accent", ground, contrastLine)
	}
	check("accent-text", "accent", contrastText)
	check("danger-text", "danger", contrastText)

	// Text also stands on tints: notices, badges, tiles, buttons under the pointer.
	for i := range scheme {
		surface, text := p["surface"][i], p["text"][i]
		for name, ground := range map[string]colour{
			"notice": surface.mix(p["link"][i], .07), "problem": surface.mix(p["danger"][i], .07), "badge": surface.mix(p["link"][i], .12), "hover": surface.mix(text, .07),
			"row under the pointer": p["line"][i],
		} {
			for _, front := range []string{"text", "link"} {
				if name == "row under the pointer" && front == "link" {
					continue // no link stands there
				}
				if got := contrast(p[front][i], ground); got < contrastText {
					t.Errorf("%s: --%s on a %s is %.2f", scheme[i], front, name, got)
				}
			}
		}
		if got := contrast(p["accent-text"][i], p["accent"][i].mix(text, .12)); got < contrastText {
			t.Errorf("%s: text on a primary button under the pointer is %.2f", scheme[i], got)
		}
	}
	for i, grounds := range [2][]colour{lightGrounds, darkGrounds} {
		if grounds[0] != p["bg"][i] || grounds[1] != p["surface"][i] {
			t.Errorf("%s grounds are %v, the stylesheet has %v and %v", scheme[i], grounds, p["bg"][i], p["surface"][i])
		}
	}
}

func TestStylesheet(t *testing.T) {
	css := style(t)
	if len(css) >= 13_000 {
		t.Errorf("the stylesheet has %d bytes", len(css))
	}
	if m := regexp.MustCompile(`@import|url\(|https?:|(margin|padding|border)-(left|right|top|bottom)\b|text-align: (left)\b`).FindString(css); m != "" {
		t.Errorf("the stylesheet has %q", m)
	}
	body := css[strings.Index(css, "\n}\n"):] // behind the custom properties
	if m := regexp.MustCompile(`#[0-9a-f]{3,8}\b[^;{]*;`).FindString(body); m != "" {
		t.Errorf("a colour stands outside the palette: %q", m)
	}
	for _, want := range []string{"prefers-reduced-motion", ":focus-visible", "forced-colors", "--target: 2.75rem"} {
		if !strings.Contains(css, want) {
			t.Errorf("the stylesheet lacks %q", want)
		}
	}
}

// TestContrast compares with figures that WCAG tools give.
func TestContrast(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want float64
	}{{"#000", "#fff", 21}, {"#777777", "#ffffff", 4.48}, {"#767676", "#ffffff", 4.54}, {"#1a73e8", "#ffffff", 4.51}, {"#abc", "#abc", 1}} {
		a, _ := parseColour(tt.a)
		b, _ := parseColour(tt.b)
		if got := contrast(a, b); got < tt.want-.01 || got > tt.want+.01 {
			t.Errorf("contrast(%s, %s) = %.3f, want %.2f", a, b, got, tt.want)
		}
	}
}

func TestParseColour(t *testing.T) {
	for in, want := range map[string]string{"#fc0": "#ffcc00", " #00665E ": "#00665e", "#000000": "#000000"} {
		if got, err := parseColour(in); err != nil || got.String() != want {
			t.Errorf("parseColour(%q) = %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "red", "#12345", "#1234567", "ffcc00", "#gggggg", "#+12345", "#fff;}", "#12_345", "rgb(0,0,0)"} {
		if got, err := parseColour(in); err == nil {
			t.Errorf("parseColour(%q) = %v", in, got)
		}
	}
}

// TestAnyAccent: whatever colour an operator chooses, it can be read.
func TestAnyAccent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := colour{rapid.Byte().Draw(t, "r"), rapid.Byte().Draw(t, "g"), rapid.Byte().Draw(t, "b")}
		if got := contrast(textOn(c), c); got < contrastText {
			t.Errorf("text on %s is %.2f", c, got)
		}
		css := accentCSS(c)
		m := regexp.MustCompile(`--link:light-dark\((#[0-9a-f]{6}),(#[0-9a-f]{6})\)`).FindStringSubmatch(css)
		if m == nil {
			t.Fatalf("no link colours in %s", css)
		}
		for i, grounds := range [2][]colour{lightGrounds, darkGrounds} {
			link, _ := parseColour(m[i+1])
			for _, g := range grounds {
				if got := contrast(link, g); got < contrastText {
					t.Errorf("link %s on %s is %.2f", link, g, got)
				}
			}
		}
	})
}

func FuzzParseColour(f *testing.F) {
	for _, seed := range []string{"#fff", "#00665e", "red", "", "#", "#\xff\xff\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := parseColour(s); err == nil {
			if again, err := parseColour(c.String()); err != nil || again != c {
				t.Errorf("%q is %v, read again %v, %v", s, c, again, err)
			}
		}
	})
}
