package tokens

import (
	"slices"
	"testing"

	"idbroker/broker"
)

// TestOfferIsWhatTheEngineServes: what can be registered is what is there.
func TestOfferIsWhatTheEngineServes(t *testing.T) {
	w := newWorld(t)
	if got := Offer().GrantTypes; !slices.Equal(got, append(slices.Clone(w.s.grants), broker.GrantImplicit)) {
		t.Errorf("%v can be registered, %v is served", got, w.s.grants)
	}
}
