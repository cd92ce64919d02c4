package local

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"idbroker/broker"
)

// ada is somebody who chooses passwords.
var ada = person{email: "a.lovelace@analytical.example", username: "countess", name: "Ada Löwenherz"}

// judge is Accounts that look at passwords and at no database.
func judge(o Options) *Accounts {
	o.EndGrants = func(context.Context, broker.GrantFilter, string, time.Time) (int, error) { return 0, nil }
	return New(nil, nil, o)
}

func judged(t *testing.T, least int, password string) string {
	t.Helper()
	err := judge(Options{MinStrength: least, Site: "Turing Archive"}).check(t.Context(), broker.Secret(password), ada)
	var e *broker.Error
	if err == nil {
		return ""
	} else if !errors.As(err, &e) || e.Kind != broker.KindInvalid || e.Field != "password" {
		t.Fatalf("%s: %v", password, err)
	}
	return e.Message
}

// TestWeakPasswords: each is refused with what the person can change about it.
func TestWeakPasswords(t *testing.T) {
	for password, want := range map[string]string{
		"password":        weakWord,
		"Password1!":      weakWordDigits,
		"monkey123":       weakWordDigits,
		"Sommer2024!":     weakWordDigits,
		"passwort":        weakWord,
		"P@ssw0rd":        weakLeet,
		"p4ssw0rd":        weakLeet,
		"dr4g0nfire":      weakLeet,
		"qwertyuiop":      weakWord, // so common that it is in the list of words
		"okjhgfdx":        weakKeys,
		"12345678":        weakDigits,
		"01.02.1990":      weakDigits,
		"abcdefgh":        weakSequence,
		"aaaaaaaaaaaa":    weakRepeat,
		"abcabcabcabc":    weakRepeat,
		"lovelyhorse":     weakWords,
		"dragonfire":      weakWords,
		"another purpose": weakWords,
		// What everybody knows of her is no secret, however it is written.
		"adalöwenherz":   weakName,
		"ADA.LOWENHERZ!": weakName,
		"L0w3nh3rz":      weakName,
		"countess99":     weakName,
		"a.lovelace1":    weakAddress,
		"analytical1":    weakAddress,
		"turingarchive":  weakSite,
	} {
		if got := judged(t, 0, password); got != want {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
	}
}

// TestStrongPasswords: nobody is kept from what takes long to guess, in whichever
// alphabet and without a single sign or digit; and as an operator likes.
func TestStrongPasswords(t *testing.T) {
	for _, password := range []string{
		"correct horse battery", "blumenwiese im april", "wx7Kp2mQ", "ada likes purple tigers", "zwölf Boxkämpfer", "пальто и самовар",
		"春眠不覚暁処処聞啼鳥", "تفاحة زرقاء في القمر", strings.Repeat("kolibri fenster ", 60), "🐘🌵🎻🧭🪐🧀🦔🎈🚲",
	} {
		if got := judged(t, 0, password); got != "" {
			t.Errorf("%q: %q", password, got)
		}
	}
	for least, want := range map[int]string{-1: "", 1: "", 2: "", 3: weakGuessable, 4: weakGuessable, 9: weakGuessable} {
		if got := judged(t, least, "kaffeetasse"); got != want {
			t.Errorf("strength %d: %q, want %q", least, got, want)
		}
	}
	if got := judged(t, -1, "password"); got != "" {
		t.Errorf("without a measure: %q", got)
	}
}

// costly are pieces of passwords that a guesser finds the most in.
var costly = []string{"1", "a", "20", "ab1!", "password", "4@8({[<369&!1|70$5+%2x", "ſ", "ä", "я"}

// maxJudging is how often judging a password may allocate, which goes with its steps: ten
// times what the worst of costly does.
const maxJudging = 5000

// TestStrengthIsBounded: the longest and worst password costs as many steps as a short one of its
// kind. BenchmarkStrength has the time.
func TestStrengthIsBounded(t *testing.T) {
	a := judge(Options{})
	for _, piece := range costly {
		password := strings.Repeat(piece, maxPassword/len(piece))
		n := testing.AllocsPerRun(1, func() { a.weakness(password, ada) })
		t.Logf("%q: %v", piece, n)
		if n > maxJudging {
			t.Errorf("%q: %v allocations", piece, n)
		}
	}
}

func BenchmarkStrength(b *testing.B) {
	a := judge(Options{})
	for _, piece := range costly {
		b.Run(piece, func(b *testing.B) {
			password := strings.Repeat(piece, maxPassword/len(piece))
			for b.Loop() {
				a.weakness(password, ada)
			}
		})
	}
}

// FuzzStrength: whatever is typed is judged, and the same every time.
func FuzzStrength(f *testing.F) {
	for _, s := range []string{"", "p4ssw0rd", "aaaa", "ÄÖÜ", "\x00\xff", "кошка", "e\u0301", "ﬁ", "🏳️‍🌈"} {
		f.Add(s, s)
	}
	a := judge(Options{Site: "Example"})
	f.Fuzz(func(t *testing.T, password, name string) {
		if !utf8.ValidString(password) {
			t.Skip() // refused before
		}
		p := person{email: "ada@example.org", name: name}
		if first, again := a.weakness(password, p), a.weakness(password, p); first != again {
			t.Errorf("%q, then %q", first, again)
		}
	})
}
