package limits

import (
	"context"
	"time"

	"idbroker/broker"
)

// How often wrong codes of a second factor may be typed for one account, from
// anywhere. Whoever gets to type one has passed the first factor; and one kind does not empty
// the bucket of the other. No proof of work
// buys more tries: of a million codes three count at a time, and somebody who
// knows the password and tries day and night for a year is in with a
// probability of one in forty. A browser that has shown the factor before has as many of its own,
// or who knows the password could keep its owner out.
var (
	appCodes      = broker.Limit{Burst: 10, Every: time.Hour}
	recoveryCodes = broker.Limit{Burst: 10, Every: 10 * time.Minute}
)

// Holder is whose second factor it is, and in which browser.
type Holder struct {
	User    broker.UserID
	Stamp   string        // broker.User.FactorStamp: a browser that has shown the factor under another one is known no longer
	Devices broker.Secret // as in Visitor
}

// name is what a device cookie knows the holder by. A right password makes a browser known to the
// account, not to its factor: nobody types an account so.
func (h Holder) name() string { return "\x00factor\x00" + h.Stamp + "\x00" + string(h.User) }

// Shown returns the cookie of a browser in which the holder has shown a second factor. It
// opens nothing; it says from which bucket Factor and SMS take.
func (l *Limiter) Shown(h Holder) broker.Secret { return l.Known(h.Devices, h.name()) }

// Factor is asked before a code of a user's app, or one of their recovery codes,
// is looked at. Verdict.Wait says how long there is none.
func (l *Limiter) Factor(ctx context.Context, at time.Time, h Holder, recovery bool) (Verdict, error) {
	if l.o.Off {
		return Verdict{}, nil
	}
	kind, limit := "factor", appCodes
	if recovery {
		kind, limit = "recovery", recoveryCodes
	}
	charge := broker.Charge{Key: l.key(kind, string(h.User)), Limit: limit}
	if device := l.device(h.Devices, h.name()); device != "" {
		charge.Key = l.key(kind+", device", device)
	}
	got, err := l.store.TakeTokens(ctx, at, charge)
	if err != nil {
		return Verdict{}, err
	}
	if got[0].Refused {
		return Verdict{Wait: max(got[0].Wait, time.Second)}, nil
	}
	return Verdict{taken: []string{charge.Key}}, nil
}
