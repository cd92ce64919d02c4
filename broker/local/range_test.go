package local

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"testing"

	"idbroker/broker"
)

// TestRange: padding is no leak, the other Unicode form is asked about, too, and no
// more than five digits are told.
func TestRange(t *testing.T) {
	answers := map[string]string{}
	add := func(password string, count int) {
		sum := fmt.Sprintf("%X", sha1.Sum([]byte(password)))
		answers[sum[:5]] += sum[5:] + fmt.Sprintf(":%d\r\n", count)
	}
	add("seen", 3)
	add("padding", 0)
	add("caf\u00e9 noir", 1)
	asked := 0
	ask := func(_ context.Context, prefix string) ([]byte, error) {
		if asked++; len(prefix) != 5 {
			t.Errorf("told %q", prefix)
		}
		return []byte(answers[prefix]), nil
	}
	for password, want := range map[string]bool{"seen": true, "padding": false, "another": false, "caf\u00e9 noir": true, "cafe\u0301 noir": true} {
		if got, err := inRange(t.Context(), ask, broker.Secret(password)); got != want || err != nil {
			t.Errorf("%q: %v, %v", password, got, err)
		}
	}
	if asked != 6 { // one for each, and one for the other form
		t.Errorf("asked %d times", asked)
	}
	away := errors.New("away")
	a := judge(Options{BreachedRange: func(context.Context, string) ([]byte, error) { return nil, away }})
	if err := a.check(t.Context(), "correct horse battery", ada); err != nil {
		t.Errorf("kept out: %v", err)
	}
}
