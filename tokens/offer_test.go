package tokens

import (
	"slices"
	"testing"
)

// TestOfferIsWhatTheEngineServes: what can be registered is what is there.
func TestOfferIsWhatTheEngineServes(t *testing.T) {
	w := newWorld(t)
	if got := Offer().GrantTypes; !slices.Equal(got, w.s.grants) {
		t.Errorf("%v can be registered, %v is served", got, w.s.grants)
	}
}
