package store

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestMicros(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := time.Unix(rapid.Int64Range(-1e11, 1e11).Draw(t, "s"), rapid.Int64Range(0, 1e9-1).Draw(t, "ns"))
		out := micro(in).time()
		if d := in.Sub(out); (d < 0 || d >= time.Microsecond) && micro(in) != 0 {
			t.Fatalf("%s comes back as %s", in, out)
		}
	})
	if !micro(time.Time{}).time().IsZero() {
		t.Error("the zero time is not zero")
	}
	var m micros
	if err := m.Scan("1"); err == nil {
		t.Error("a text is a time")
	}
}

func TestDocument(t *testing.T) {
	for want, v := range map[string][]string{"": nil, `["a"]`: {"a"}, `[""]`: {""}} {
		got, err := doc(v).Value()
		if err != nil || got != want {
			t.Errorf("%q is kept as %q, %v", v, got, err)
		}
		var back document[[]string]
		if err := back.Scan(got); err != nil || len(back.v) != len(v) {
			t.Errorf("%q comes back as %q, %v", v, back.v, err)
		}
	}
	if got, err := doc([]string{}).Value(); err != nil || got != "" {
		t.Errorf("an empty list is kept as %q, %v", got, err)
	}
	var d document[[]string]
	if err := d.Scan("{secret"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("broken JSON: %v", err)
	}
	if err := d.Scan(7); err == nil {
		t.Error("a number is a document")
	}
	if _, err := doc(math.NaN()).Value(); err == nil {
		t.Error("NaN is a document")
	}
}

func FuzzDocument(f *testing.F) {
	for _, s := range []string{"", "[]", `["a","b"]`, "null", "{", "[1]", `["\u0000"]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var d document[[]string]
		if d.Scan(s) != nil {
			return
		}
		text, err := d.Value()
		if err != nil {
			t.Fatal(err)
		}
		var again document[[]string]
		if err := again.Scan(text); err != nil || len(again.v) != len(d.v) {
			t.Errorf("%q does not survive: %v", s, err)
		}
	})
}

func TestPlaceholders(t *testing.T) {
	const q = "UPDATE t SET a = ?, b = ? WHERE c = ?"
	if got := flavourSQLite.placeholders(q); got != q {
		t.Error(got)
	}
	if got := flavourPostgres.placeholders(q); got != "UPDATE t SET a = $1, b = $2 WHERE c = $3" {
		t.Error(got)
	}
}

func TestClip(t *testing.T) {
	for in, want := range map[string]string{
		"short": "short", "a\x00b": "a\uFFFDb", "a\xffb": "a\uFFFDb",
		strings.Repeat("x", 600):       strings.Repeat("x", maxLastError),
		"x" + strings.Repeat("é", 300): "x" + strings.Repeat("é", 249),
	} {
		if got := clip(in); got != want {
			t.Errorf("clip(%.20q) = %.20q (%d bytes)", in, got, len(got))
		}
	}
}
