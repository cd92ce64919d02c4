package limits

import (
	"context"
	"strings"
	"time"

	"idbroker/broker"
)

// Mails to one address are of three kinds, which are counted apart, so that none keeps the others from being sent: those that
// a browser asks for which has signed in with the address, those of strangers, and those of strangers
// who have proven work for it, after others were used up. Each kind has a bound of its own within a day, so the
// address gets no more than the sum, whoever asks.

const (
	// mailDay is how many times Options.Mails a mailbox gets of strangers at once, over hours, and how many
	// times as long one takes to come back: by the default a dozen, then one every two hours, so at most 24 in any 24 hours.
	mailDay, mailDayEvery = 3, 8
	// hardAfter is how many proofs of work for one address are easy ones: who computes for themselves needs no more.
	hardAfter = 4
)

var (
	// provenMails are those for which work was proven: 24 in any 24 hours at most. That is the
	// bound that a person meets whom somebody really wants to keep from their mails in new browsers.
	provenMails = broker.Limit{Burst: 12, Every: 2 * time.Hour}
	// provenShare is how many of them one network (/24 of IPv4, /48 of IPv6) may ask for: else one that computes
	// all night would use them up. Four are needed for that.
	provenShare = broker.Limit{Burst: 3, Every: 8 * time.Hour}
	// ownMails are those of all browsers together that have signed in with the address: 24 in any 24 hours.
	ownMails = broker.Limit{Burst: 12, Every: 2 * time.Hour}
	// codeMails are codes, to strangers and to the account's own browsers: at most four within an hour. local refuses more than
	// five without a word (codesToAddress), since each can be guessed at; asked here first, the person gets a challenge instead.
	codeMails = broker.Limit{Burst: 3, Every: 30 * time.Minute}
)

// Mail is asked before a form has us mail an address; code tells that it would be a code to be typed. A browser that has signed in
// with the address takes from its own buckets (Verdict.Own). Where those of strangers are empty, a proof of work is the way
// past (Verdict.Proven); that tells who asks that others have, too, and nothing of an account: known and unknown addresses are the same here.
// address is normalised; "" what was typed is none.
// Verdict.Silent says that the address has had enough even so.
func (l *Limiter) Mail(ctx context.Context, at time.Time, v Visitor, address string, code bool) (Verdict, error) {
	if l.o.Off {
		return Verdict{}, nil
	}
	networks := l.networks("network", v.IP, 1)
	got, err := l.store.TakeTokens(ctx, at, networks...)
	if err != nil {
		return Verdict{}, err
	}
	var out Verdict
	held, last := false, false
	for _, g := range got {
		held, last = held || g.Refused, last || g.Last
	}
	mailbox := untagged(address)
	var taken []string
	if device := l.device(v.Devices, address); device != "" { // or a stranger who asks and asks would keep its owner from a way back in
		taken, out.Own, err = l.all(ctx, at, code, "mail, own code", mailbox,
			broker.Charge{Key: l.key("mail, device", device), Limit: l.o.Mails}, broker.Charge{Key: l.key("mail, own day", mailbox), Limit: ownMails})
	}
	free := out.Own || address == "" // which is none: nothing is mailed, and the form says so
	strangers := broker.Charge{Key: l.key("mail", mailbox), Limit: l.o.Mails}
	if err == nil && !free {
		day := broker.Limit{Burst: l.o.Mails.Burst * mailDay, Every: l.o.Mails.Every * mailDayEvery}
		taken, free, err = l.all(ctx, at, code, "mail, code", mailbox, strangers, broker.Charge{Key: l.key("mail, day", mailbox), Limit: day})
	}
	if err != nil {
		return Verdict{}, err
	}
	if free && !held {
		if last {
			out.Next = l.challenge(at, v.Browser, l.first())
		}
		return out, nil
	}
	var own, deep broker.Charge
	if !free {
		own, deep = strangers, broker.Charge{Key: l.key("mail, easy", mailbox), Limit: broker.Limit{Burst: hardAfter, Every: 6 * time.Hour}}
	}
	verdict, unused, err := l.proven(ctx, at, v, own, deep, out)
	if err != nil {
		return Verdict{}, err
	}
	if !verdict.Allowed() { // nothing is mailed
		return verdict, l.Right(ctx, Verdict{taken: append(unused, taken...)})
	}
	if free {
		return verdict, nil
	}
	return l.provenMail(ctx, at, v, mailbox, verdict)
}

// provenMail counts a mail for which work was proven.
func (l *Limiter) provenMail(ctx context.Context, at time.Time, v Visitor, mailbox string, verdict Verdict) (Verdict, error) {
	charges := []broker.Charge{{Key: l.key("mail, proven", mailbox), Limit: provenMails}}
	if networks := l.networks("mail, proven\x00"+mailbox, v.IP, 1); len(networks) > 0 {
		charges = append(charges, broker.Charge{Key: networks[len(networks)-1].Key, Limit: provenShare})
	}
	got, err := l.store.TakeTokens(ctx, at, charges...)
	if err != nil {
		return Verdict{}, err
	}
	var taken []string
	for i, g := range got {
		if !g.Refused {
			taken = append(taken, charges[i].Key)
		}
	}
	verdict.Proven = true
	switch {
	case len(taken) == len(charges):
		return verdict, nil
	case len(got) > 1 && got[1].Refused: // which is theirs to know
		return Verdict{Wait: max(got[1].Wait, time.Second)}, l.Right(ctx, Verdict{taken: taken})
	}
	verdict.Silent = true
	return verdict, l.Right(ctx, Verdict{taken: taken})
}

// all takes a token of each charge, or none, and, for a code, of the bucket of codes that kind and of name.
func (l *Limiter) all(ctx context.Context, at time.Time, code bool, kind, of string, charges ...broker.Charge) (taken []string, ok bool, err error) {
	if code {
		charges = append(charges, broker.Charge{Key: l.key(kind, of), Limit: codeMails})
	}
	got, err := l.store.TakeTokens(ctx, at, charges...)
	if err != nil {
		return nil, false, err
	}
	for i, g := range got {
		if !g.Refused {
			taken = append(taken, charges[i].Key)
		}
	}
	if len(taken) == len(charges) {
		return taken, true, nil
	}
	return nil, false, l.Right(ctx, Verdict{taken: taken})
}

// untagged is an address without what stands behind "+" in its local part (RFC 5233):
// most servers put all of these into one mailbox, which a stranger could fill.
func untagged(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	if name, _, tagged := strings.Cut(local, "+"); tagged && name != "" {
		return name + "@" + domain
	}
	return address
}
