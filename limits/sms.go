package limits

import (
	"context"
	"time"

	"idbroker/broker"
)

// How often a code is sent to a telephone number: to a person, who needs a few; to a
// number, whoever says that it is theirs, since each message costs the operator
// money and its owner their peace, and apart from that by those whose it is, whom
// nobody shall keep out by typing it; and from a network, from which a thief of many
// passwords might make numbers of their own earn money ("toll fraud"). A browser that has shown the
// factor before has as many to its number of its own.
var (
	smsPerson  = broker.Limit{Burst: 5, Every: 12 * time.Minute}
	smsNumber  = broker.Limit{Burst: 5, Every: 12 * time.Minute}
	smsNetwork = broker.Limit{Burst: 20, Every: 3 * time.Minute}
)

const (
	// smsPerHour is how many messages there may be within any hour, all together: what a community of some
	// thousands sends when they begin work, few of whom have a number. At a dime each, a night of fraud costs hundreds.
	smsPerHour = 200
	// smsPerCountry is how many of them may go to one country: whoever earns by messages has numbers in
	// one or two, where they are dear, and the others need not wait for it.
	smsPerCountry = 100
	// smsNewShare is which part of both new numbers may take at most: one in two. Anybody who signs up
	// types new ones; who has a number as their factor has to get in meanwhile.
	smsNewShare = 2
	// smsTold is how long the log is not told again of a bound that is still reached.
	smsTold = 10 * time.Minute
)

// Message is a code that is to be sent to a telephone.
type Message struct {
	To     Holder
	Number string // as broker.NormalizePhone writes it
	Prefix string // of the number, as broker.PhonePrefix says it
	Proven bool   // it is a factor of theirs, which they once had a code of
	IP     string // of who asks; "" unknown
}

// SMSBound is a bound on all messages together.
type SMSBound string

const (
	SMSSite    SMSBound = "site"    // all within an hour
	SMSCountry SMSBound = "country" // those to one prefix
	SMSNew     SMSBound = "new"     // those to numbers that are nobody's factor yet, everywhere or to one prefix
)

// SMS is asked before a code is sent to a telephone number. Verdict.Wait says how long there
// is none. Where all messages together have had enough, Verdict.Bound says which bound it was, also
// where nothing is limited (Options.Off): it is the operator's money. Right gives back what was taken of these
// bounds where no message is sent after all; the tries of a person and a network count.
func (l *Limiter) SMS(ctx context.Context, at time.Time, m Message) (Verdict, error) {
	if !l.o.Off {
		// First, and alone: whoever has had enough takes nothing from the others.
		if v, err := l.smsTry(ctx, at, m); err != nil || v.Wait > 0 {
			return v, err
		}
	}
	return l.smsAll(ctx, at, m)
}

// smsTry counts what one person, number and network may have sent.
func (l *Limiter) smsTry(ctx context.Context, at time.Time, m Message) (v Verdict, err error) {
	person, number := l.key("sms, person", string(m.To.User)), l.key("sms, number", m.Number)
	if m.Proven {
		number = l.key("sms, proven number", m.Number)
		if device := l.device(m.To.Devices, m.To.name()); device != "" {
			person, number = l.key("sms, device", device), l.key("sms, number of device", device+m.Number)
		}
	}
	charges := []broker.Charge{{Key: person, Limit: smsPerson}, {Key: number, Limit: smsNumber}}
	for _, c := range l.networks("sms, network", m.IP, 1) {
		c.Limit = times(smsNetwork, c.Limit.Burst/l.o.Network.Burst) // the network around may send as many times more as it may try
		charges = append(charges, c)
	}
	got, err := l.store.TakeTokens(ctx, at, charges...)
	if err != nil {
		return Verdict{}, err
	}
	for _, c := range got {
		if c.Refused {
			v.Wait = max(v.Wait, c.Wait, time.Second)
		}
	}
	return v, nil
}

// smsAll counts a message among all of the site.
func (l *Limiter) smsAll(ctx context.Context, at time.Time, m Message) (v Verdict, err error) {
	charges := []broker.Charge{
		{Key: l.key("sms, site", ""), Limit: inAnyHour(l.o.SMSPerHour)},
		{Key: l.key("sms, country", m.Prefix), Limit: inAnyHour(l.o.SMSPerCountry)},
	}
	bounds := []SMSBound{SMSSite, SMSCountry}
	if !m.Proven {
		charges = append(charges,
			broker.Charge{Key: l.key("sms, site, new", ""), Limit: inAnyHour(l.o.SMSPerHour / smsNewShare)},
			broker.Charge{Key: l.key("sms, country, new", m.Prefix), Limit: inAnyHour(l.o.SMSPerCountry / smsNewShare)},
		)
		bounds = append(bounds, SMSNew, SMSNew)
	}
	got, err := l.store.TakeTokens(ctx, at, charges...)
	if err != nil {
		return Verdict{}, err
	}
	var taken []string
	for i, c := range got {
		if !c.Refused {
			taken = append(taken, charges[i].Key)
			continue
		}
		if wait := max(c.Wait, time.Second); wait > v.Wait {
			v.Wait, v.Bound = wait, bounds[i]
		}
	}
	if v.Wait == 0 {
		return Verdict{taken: taken}, nil
	}
	if err := l.Right(ctx, Verdict{taken: taken}); err != nil { // no message is sent
		return Verdict{}, err
	}
	told, err := l.store.TakeTokens(ctx, at, broker.Charge{Key: l.key("sms, told", string(v.Bound)+m.Prefix), Limit: broker.Limit{Burst: 1, Every: smsTold}})
	if err != nil {
		return Verdict{}, err
	}
	v.Tell = !told[0].Refused
	return v, nil
}

// inAnyHour is a limit of n things within any hour, wherever that begins: half at once, the rest as they come. At
// least one.
func inAnyHour(n int) broker.Limit {
	burst := max(n/2, 1)
	return broker.Limit{Burst: burst, Every: time.Hour / time.Duration(max(n-burst, 1))}
}
