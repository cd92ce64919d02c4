package providers

import (
	"slices"
	"strings"

	"idbroker/broker"
)

// SecondFactor is what counts as two factors at a provider: one of the methods
// (RFC 8176), or one of the contexts. The zero value is nothing.
type SecondFactor struct {
	AMR []string
	ACR []string
}

// maxFactorWords and maxFactorWord bound what is compared at each sign-in, and let
// all contexts together stand in an acr_values parameter.
const (
	maxFactorWords = 20
	maxFactorWord  = 200
)

func (f SecondFactor) none() bool { return len(f.AMR) == 0 && len(f.ACR) == 0 }

// check reports what can stand in no ID token.
func (f SecondFactor) check(bad func(field, format string, args ...any)) {
	for field, words := range map[string][]string{"second_factor.amr": f.AMR, "second_factor.acr": f.ACR} {
		if len(words) > maxFactorWords {
			bad(field, "%d values; use at most %d", len(words), maxFactorWords)
		}
		for _, w := range words {
			if w == "" || len(w) > maxFactorWord || strings.ContainsFunc(w, func(r rune) bool { return r <= ' ' || r > '~' }) {
				bad(field, "%.100q: write one value a list entry, of printable ASCII without spaces", w)
			}
			if w == broker.ACRSingle {
				bad(field, "%q is one factor, wherever it is told", w)
			}
		}
	}
}

// proven tells whether an ID token says that its person has shown two factors.
func (f SecondFactor) proven(amr []string, acr string) bool {
	return acr != "" && slices.Contains(f.ACR, acr) || slices.ContainsFunc(amr, func(m string) bool { return slices.Contains(f.AMR, m) })
}

// words puts acr_values into the provider's words: ours mean nothing there. Those
// that are not ours stay as they are.
func (f SecondFactor) words(values string) string {
	var told []string
	add := func(words ...string) {
		for _, w := range words {
			if !slices.Contains(told, w) {
				told = append(told, w)
			}
		}
	}
	for _, v := range strings.Fields(values) {
		switch v {
		case broker.ACRSecond:
			add(f.ACR...)
		case broker.ACRSingle:
		default:
			add(v)
		}
	}
	return strings.Join(told, " ")
}
