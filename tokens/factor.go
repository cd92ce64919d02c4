package tokens

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"idbroker/broker"
)

// factorWish is how much an application wants of a second factor.
type factorWish int

const (
	// factorAny: one factor will do.
	factorAny factorWish = iota
	// factorPreferred: two are better (acr_values in order of preference, OpenID
	// Connect Core 1.0, section 3.1.2.1). Who has a second one is asked for it.
	factorPreferred
	// factorNeeded: nothing else will do. Who has none sets one up.
	factorNeeded
)

// checkFactor finds out what the request and the registration want of a second
// factor. acr_values are a wish, and a wish for nothing but two factors is granted
// (RFC 9470, section 5): the application, or what it calls, would turn the answer
// down.
func (s *Service) checkFactor(_ context.Context, a *Authorization, _ url.Values) error {
	switch wished := a.wishedACR; {
	case a.Client.Metadata.SecondFactor:
		a.factor = factorNeeded
	case a.essentialACR != nil && !a.essentialACR.accepts(broker.ACRSingle):
		a.factor = factorNeeded
	default:
		if wished == nil {
			wished = strings.Fields(a.ACRValues)
		}
		second, first := slices.Index(wished, broker.ACRSecond), slices.Index(wished, broker.ACRSingle)
		switch {
		case second < 0:
		case first < 0:
			a.factor = factorNeeded
		case second < first:
			a.factor = factorPreferred
		}
	}
	if s.o.SecondFactor {
		return nil
	}
	if a.Client.Metadata.SecondFactor { // an essential acr was refused before
		return ErrUnmet
	}
	a.factor = factorAny
	return nil
}

// wantsFactor tells whether a second factor is asked for now. has tells whether
// the person has one; none, that nothing may be shown to them: a wish that can
// be done without is then.
func (a *Authorization) wantsFactor(acr string, has, none bool) bool {
	switch {
	case acr == broker.ACRSecond:
		return false
	case a.factor == factorPreferred:
		return has && !none
	}
	return a.factor == factorNeeded
}
