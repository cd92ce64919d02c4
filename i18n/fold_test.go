package i18n

import (
	"testing"
	"unicode/utf8"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "GitHub": "github", "Universität": "universitat", "ÉCOLE Polytechnique": "ecole polytechnique",
		"Univerzita Karlova": "univerzita karlova", "ＣＥＲＮ": "cern", "Ⅳ": "iv", "ﬁeld": "field", "جامعة القاهرة": "جامعة القاهرة",
		"האוניברסיטה": "האוניברסיטה", "מִלּוֹן": "מלון", "東京大学": "東京大学", "i\u0307": "i",
	} {
		if got := Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, seed := range []string{"Universität", "\xff", "İ", "ﷺ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Fold(s)
		if utf8.ValidString(s) && !utf8.ValidString(got) || utf8.ValidString(s) && Fold(got) != got {
			t.Errorf("Fold(%q) = %q, again %q", s, got, Fold(got))
		}
	})
}
