package i18n

import (
	"slices"
	"strings"
	"testing"
)

func catalogs(t testing.TB) *Catalogs {
	t.Helper()
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestText(t *testing.T) {
	c := catalogs(t)
	for _, tt := range []struct {
		lang, key string
		args      map[string]string
		want      string
	}{
		{"en", "login.with", map[string]string{"provider": "ORCID"}, "Continue with ORCID"},
		{"de", "login.with", map[string]string{"provider": "ORCID"}, "Weiter mit ORCID"},
		{"fr", "login.with", map[string]string{"provider": "ORCID"}, "Continue with ORCID"}, // no catalog
		{"", "login.button", nil, "Sign in"},
		{"de", "login.with", nil, "Weiter mit "},                                           // a missing value is no excuse for "<no value>"
		{"de", "login.with", map[string]string{"provider": "{{.x}}"}, "Weiter mit {{.x}}"}, // values are no templates
		{"de", "no.such_key", nil, "no.such_key"},
		{"de", "", nil, ""},
	} {
		if got := c.Text(tt.lang, tt.key, tt.args); got != tt.want {
			t.Errorf("Text(%q, %q) = %q, want %q", tt.lang, tt.key, got, tt.want)
		}
	}
}

func TestPlural(t *testing.T) {
	c := catalogs(t)
	for _, tt := range []struct {
		lang string
		n    int
		want string
	}{
		{"en", 0, "0 minutes ago"}, {"en", 1, "a minute ago"}, {"en", 2, "2 minutes ago"}, {"en", 21, "21 minutes ago"},
		{"de", 0, "vor 0 Minuten"}, {"de", 1, "vor einer Minute"}, {"de", 2, "vor 2 Minuten"},
	} {
		if got := c.Plural(tt.lang, "time.minutes_ago", tt.n, nil); got != tt.want {
			t.Errorf("%s %d: %q, want %q", tt.lang, tt.n, got, tt.want)
		}
	}
	if got := c.Plural("en", "no.such_key", 3, nil); got != "no.such_key" {
		t.Errorf("unknown key: %q", got)
	}
}

func TestHasAndLanguages(t *testing.T) {
	c := catalogs(t)
	if !c.Has("login.button") || c.Has("login.no_such_button") || c.Has("") {
		t.Error("Has does not tell keys from others")
	}
	got := c.Languages()
	if want := []string{"en", "de"}; !slices.Equal(got, want) {
		t.Errorf("Languages = %v, want %v", got, want)
	}
	got[0] = "xx"
	if c.Languages()[0] != "en" {
		t.Error("a caller can change the languages")
	}
}

func TestLanguageName(t *testing.T) {
	c := catalogs(t)
	for tag, want := range map[string]string{"en": "English", "de": "Deutsch", "fr": "fr", "": "", "language.name": "language.name"} {
		if got := c.LanguageName(tag); got != want {
			t.Errorf("%q is called %q, want %q", tag, got, want)
		}
	}
}

func TestMatch(t *testing.T) {
	c := catalogs(t)
	for _, tt := range []struct{ locales, preference, header, want string }{
		{"", "", "", "en"},
		{"", "", "de-AT,de;q=0.9,en;q=0.8", "de"},
		{"", "", "fr-FR,fr;q=0.9", "en"},
		{"", "", "fr,de;q=0.5", "de"},
		{"", "", "en-GB,de;q=0.9", "en"},
		{"", "", "*", "en"},
		{"", "de", "en", "de"},      // what the person chose goes before what the browser says
		{"en", "de", "de", "en"},    // and what the application asks for before both
		{"fr de", "en", "en", "de"}, // its second wish, where its first cannot be met
		{"fr", "de", "en", "de"},    // a wish that cannot be met does not count
		{"de-CH-1996", "", "", "de"},
		{"DE", "", "", "de"},
		{"not_a tag!! \x00", "", "de", "de"},
		{strings.Repeat("de ", 1000), "", "", "en"}, // too long to be honest
		{"", "", strings.Repeat("de,", 1000), "en"},
		{"", "", "de;q=x", "en"},
		{"und", "", "de", "de"},
	} {
		if got := c.Match(tt.locales, tt.preference, tt.header); got != tt.want {
			t.Errorf("Match(%.40q, %q, %.40q) = %q, want %q", tt.locales, tt.preference, tt.header, got, tt.want)
		}
	}
}

func FuzzMatch(f *testing.F) {
	c := catalogs(f)
	for _, seed := range []string{"", "de", "de-AT,de;q=0.9", "*", "x-i-default", "en-u-co-phonebk;q=1.0", strings.Repeat("a-", 200), "\xff", "de;q=0", "zh-Hant-TW fr"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, locales, header string) {
		if got := c.Match(locales, "", header); !slices.Contains(c.Languages(), got) {
			t.Errorf("Match(%q, %q) = %q, no language of ours", locales, header, got)
		}
	})
}

func BenchmarkText(b *testing.B) {
	c := catalogs(b)
	args := map[string]string{"provider": "ORCID"}
	for b.Loop() {
		c.Text("de", "login.with", args)
	}
}
