package broker_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"idbroker/broker"
)

// TestFoldCase: two names fold to one text exactly where strings.EqualFold says
// that they are equal.
func TestFoldCase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.String().Draw(t, "a")
		b := rapid.SampledFrom([]string{strings.ToUpper(a), strings.ToLower(a), strings.ToTitle(a), a, rapid.String().Draw(t, "b")}).Draw(t, "other")
		if got, want := broker.FoldCase(a) == broker.FoldCase(b), strings.EqualFold(a, b); got != want {
			t.Fatalf("FoldCase of %q and %q: same %t, EqualFold %t", a, b, got, want)
		}
		if broker.FoldCase(broker.FoldCase(a)) != broker.FoldCase(a) {
			t.Fatalf("FoldCase of %q changes when folded again", a)
		}
	})
}
