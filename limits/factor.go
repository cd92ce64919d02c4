package limits

import (
	"context"
	"time"

	"idbroker/broker"
)

// How often wrong codes of a second factor may be typed for one account, from
// anywhere. Whoever gets to type one has passed the first factor, so nobody else
// can empty these buckets; and one does not empty the other. No proof of work
// buys more tries: of a million codes three count at a time, and somebody who
// knows the password and tries day and night for a year is in with a
// probability of one in forty.
var (
	appCodes      = broker.Limit{Burst: 10, Every: time.Hour}
	recoveryCodes = broker.Limit{Burst: 10, Every: 10 * time.Minute}
)

// Factor is asked before a code of a user's app, or one of their recovery codes,
// is looked at. Verdict.Wait says how long there is none.
func (l *Limiter) Factor(ctx context.Context, at time.Time, user broker.UserID, recovery bool) (Verdict, error) {
	if l.o.Off {
		return Verdict{}, nil
	}
	charge := broker.Charge{Key: l.key("factor", string(user)), Limit: appCodes}
	if recovery {
		charge = broker.Charge{Key: l.key("recovery", string(user)), Limit: recoveryCodes}
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

// How often a code is sent to a telephone number: to a person, who needs a few; to a
// number, whoever says that it is theirs, since each message costs the operator
// money and its owner their peace, and apart from that by those whose it is, whom
// nobody shall keep out by typing it; and from a network, from which a thief of many
// passwords might make numbers of their own earn money ("toll fraud").
var (
	smsPerson  = broker.Limit{Burst: 5, Every: 12 * time.Minute}
	smsNumber  = broker.Limit{Burst: 5, Every: 12 * time.Minute}
	smsNetwork = broker.Limit{Burst: 20, Every: 3 * time.Minute}
)

// SMS is asked before a code is sent to a telephone number of a user, from an address.
// proven tells that the number is a factor of theirs, which they once had a code of.
// Verdict.Wait says how long there is none.
func (l *Limiter) SMS(ctx context.Context, at time.Time, user broker.UserID, number string, proven bool, ip string) (Verdict, error) {
	if l.o.Off {
		return Verdict{}, nil
	}
	kind := "sms, number"
	if proven {
		kind = "sms, proven number"
	}
	charges := []broker.Charge{{Key: l.key("sms, person", string(user)), Limit: smsPerson}, {Key: l.key(kind, number), Limit: smsNumber}}
	for _, c := range l.networks("sms, network", ip, 1) {
		c.Limit = times(smsNetwork, c.Limit.Burst/l.o.Network.Burst) // the network around may send as many times more as it may try
		charges = append(charges, c)
	}
	got, err := l.store.TakeTokens(ctx, at, charges...)
	if err != nil {
		return Verdict{}, err
	}
	var v Verdict
	for _, c := range got {
		if c.Refused {
			v.Wait = max(v.Wait, c.Wait, time.Second)
		}
	}
	return v, nil
}
