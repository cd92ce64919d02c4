package local

import (
	"slices"
	"time"

	"idbroker/broker"
)

// ErrFactorYoung: what was shown came lately, beside something older, and vouches for
// nothing yet.
var ErrFactorYoung = &broker.Error{Kind: broker.KindInvalid, Message: "factor.young", Field: "code"}

// vouches tells whether one of a user's second factors, shown once more, may have factors
// changed: it stood for so long that no mail takes it away any more, or none is
// older. Whoever found a browser open could otherwise add a number of theirs,
// which takes no code of what is there, and remove their owner's app by it. A recovery
// code vouches at once: it was made by what did.
func (a *Accounts) vouches(all []broker.Factor, kind broker.FactorKind, at time.Time) bool {
	i := slices.IndexFunc(all, func(f broker.Factor) bool { return f.Kind == kind })
	if i < 0 || a.elder(all[i].ConfirmedAt, at) {
		return true
	}
	return !slices.ContainsFunc(all, func(f broker.Factor) bool { return f.ConfirmedAt.Before(all[i].ConfirmedAt) })
}
