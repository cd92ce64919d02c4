package local

import (
	"math"
	"regexp"
	"testing"

	zxcvbn "github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/match"
	"github.com/ccojocar/zxcvbn-go/matching"
	"pgregory.net/rapid"
)

// theirs is the library's own estimate.
func theirs(password string, hints []string) float64 {
	return zxcvbn.PasswordStrength(password, hints, matching.FilterL33tMatcher).Entropy
}

var (
	digits = regexp.MustCompile(`\d{4}|\d\D\d+\D\d`)
	// downToNone goes backwards to the first sign of an alphabet, and on.
	downToNone = regexp.MustCompile(`ba[^a-z]|BA[^A-Z]|10\D`)
)

// TestEstimateIsTheLibrarys: what we search for ourselves comes to the same.
func TestEstimateIsTheLibrarys(t *testing.T) {
	hints := []string{"countess", "lovelace"}
	for _, password := range []string{
		"", "a", "password", "PassWord", "PASSWORD1!", "monkey123", "correct horse battery", "wx7Kp2mQ", "blumenwiese im april", "zwolf boxkampfer",
		"smithjessica", "Countess99", "xlovelaceX", "qwertyuiop", "asdfgh", "QwErTy", "okjhgfdx", "7894561", "aoeuidhtns", "zaq12wsx", "!QAZ2wsx#EDC",
		"aaaaaaaa", "xxAAAaaaBBB", "abcdefgh", "hgfedcb", "ABCDxyz", "87654", "abcdcba", "aaabcdef", "thequickbrownfox", "tr0ub4dor&3", "  spaces  ", "~~~~~",
	} {
		got, want := estimate(password, hints).Entropy, theirs(password, hints)
		if math.Abs(got-want) > 0.0015 { // they round to three digits
			t.Errorf("%q: %g bits, the library says %g: %+v", password, got, want, guesses(password, hints))
		}
	}
	words := commonWords()
	rapid.Check(t, func(t *rapid.T) {
		password := ""
		for range rapid.IntRange(1, 3).Draw(t, "pieces") {
			password += words.word(rapid.IntRange(0, words.len()-1).Draw(t, "word")) + rapid.StringMatching(`[ -.A-Z]{0,2}`).Draw(t, "between")
		}
		if digits.MatchString(password) {
			t.Skip("its dates end one sign too late, and never at the end")
		}
		if downToNone.MatchString(password) {
			t.Skip("what is in no alphabet comes before its first sign: it goes on to \"ba \"")
		}
		if got, want := estimate(password, nil).Entropy, theirs(password, nil); math.Abs(got-want) > 0.0015 {
			t.Errorf("%q: %g bits, the library says %g", password, got, want)
		}
	})
}

// TestDates: days are found as people write them, and what is none is not.
func TestDates(t *testing.T) {
	for text, want := range map[string]match.DateMatch{
		"31.12.1999": {Day: 31, Month: 12, Year: 1999, Separator: "."},
		"12/31/99":   {Day: 31, Month: 12, Year: 99, Separator: "/"},
		"1999-12-31": {Day: 31, Month: 12, Year: 1999, Separator: "-"},
		"1 2 07":     {Day: 1, Month: 2, Year: 7, Separator: " "},
		"311299":     {Day: 31, Month: 12, Year: 99},
		"31121999":   {Day: 31, Month: 12, Year: 1999},
		"19991231":   {Day: 31, Month: 12, Year: 1999},
	} {
		if got, ok := date(text); !ok || got != want {
			t.Errorf("%s: %+v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "1.1", "32.12.1999", "13.13.1999", "0.1.2000", "1.0.2000", "1.1.1899", "1.1.2050", "1.1.199", "1-1.99", "1x1x99", "+1.+1.99", "3112199", "1.1.1.1", "..", "331399"} {
		if got, ok := date(text); ok {
			t.Errorf("%s: %+v", text, got)
		}
	}
	with, without := estimate("anna 12.03.1990", nil).Entropy, estimate("anna 42.73.1490", nil).Entropy
	if with > 30 || without < with+10 {
		t.Errorf("a day is worth %g bits, any number %g", with, without)
	}
}

func BenchmarkEstimate(b *testing.B) {
	commonWords()
	b.ReportAllocs()
	for b.Loop() {
		estimate("blumenwiese im april 12.03.1990", []string{"countess"})
	}
}

func BenchmarkEstimateOfTheLibrary(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		theirs("blumenwiese im april 12.03.1990", []string{"countess"})
	}
}
