package limits_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/limits"
)

// mail asks whether a mail may be sent.
func (w *world) mail(v limits.Visitor, address string, code bool) limits.Verdict {
	w.Helper()
	got, err := w.Mail(context.Background(), w.at, v, address, code)
	if err != nil {
		w.Fatal(err)
	}
	return got
}

// from is a browser in a network of its own.
func from(i int) limits.Visitor {
	return limits.Visitor{IP: "192." + strconv.Itoa(i/200) + "." + strconv.Itoa(i%200) + ".9", Browser: "browser " + strconv.Itoa(i)}
}

// patient asks, and waits instead of computing where that is asked for.
func (w *world) patient(v limits.Visitor, address string, code bool) limits.Verdict {
	w.Helper()
	got := w.mail(v, address, code)
	if got.Challenge != "" {
		w.at = w.at.Add(limits.Patience())
		v.Proof.Challenge = got.Challenge
		got = w.mail(v, address, code)
	}
	return got
}

var fewMails = limits.Options{Mails: broker.Limit{Burst: 2, Every: time.Hour}, Network: small.Network}

// TestMails: strangers have an address mailed so often; who asks for more proves work for each, once. Another address,
// and what is none, is not concerned.
func TestMails(t *testing.T) {
	each(t, fewMails, func(w *world) {
		for i := range 2 {
			if v := w.mail(from(i), "ada@example.org", false); !v.Allowed() || v.Silent || v.Own || v.Proven {
				w.Errorf("mail %d: %+v", i, v)
			}
		}
		for i, spelled := range []string{"ada@example.org", "ada+more@example.org"} { // one mailbox
			v := from(10 + i)
			got := w.mail(v, spelled, false)
			if got.Challenge == "" || got.Wait != 0 {
				w.Fatalf("%s: %+v", spelled, got)
			}
			v.Proof = limits.Proof{Challenge: got.Challenge, Solution: "1"}
			if got := w.mail(v, spelled, false); got.Allowed() {
				w.Errorf("%s: anything solves it", spelled)
			}
			v.Proof = solve(got.Challenge)
			if got := w.mail(v, spelled, false); !got.Allowed() || got.Silent || !got.Proven || got.Own {
				w.Errorf("%s, proven: %+v", spelled, got)
			}
			if got := w.mail(v, spelled, false); got.Allowed() {
				w.Errorf("%s: a proof counts twice", spelled)
			}
		}
		for i := range 10 {
			if v := w.mail(from(20+i), "bob"+strconv.Itoa(i)+"@example.org", false); !v.Allowed() || v.Silent {
				w.Errorf("bob gets none: %+v", v)
			}
			if v := w.mail(from(20+i), "", true); !v.Allowed() || v.Silent {
				w.Errorf("no address: %+v", v)
			}
		}
	})
}

// TestMailsWithinADay: however many networks somebody has, however long they wait or compute, and however the asking is
// spread, an address gets no more mails in any 24 hours than the bounds say.
func TestMailsWithinADay(t *testing.T) {
	each(t, fewMails, func(w *world) {
		var free, proven []time.Time
		silent := 0
		for i := range 100 {
			code := i%2 == 0
			switch v := w.patient(from(i), "ada@example.org", code); {
			case !v.Allowed():
				w.Fatalf("ask %d: %+v", i, v)
			case v.Silent:
				silent++
			case v.Proven:
				proven = append(proven, w.at)
			default:
				free = append(free, w.at)
			}
			if i > 30 {
				w.at = w.at.Add(20 * time.Minute)
			}
		}
		for name, all := range map[string][]time.Time{"free": free, "proven": proven} {
			most := map[string]int{"free": 12, "proven": 24}[name]
			if n := crowded(all, 24*time.Hour); n > most {
				w.Fatalf("%s: %d mails within 24 hours", name, n)
			}
		}
		if silent == 0 || len(proven) < 18 || len(free) < 6 {
			w.Errorf("%d silent, %d proven, %d free", silent, len(proven), len(free))
		}
	})
}

// TestOneNetworkHoldsNoMailsBack: who computes day and night in one network soon waits. The owner, in a
// browser that is new, elsewhere, computes once and is mailed.
func TestOneNetworkHoldsNoMailsBack(t *testing.T) {
	each(t, fewMails, func(w *world) {
		mailed, waits := 0, time.Duration(0)
		for i := range 12 {
			v := limits.Visitor{IP: "198.51.100." + strconv.Itoa(i), Browser: "b" + strconv.Itoa(i)}
			got := w.patient(v, "ada@example.org", false)
			if got.Allowed() && !got.Silent {
				mailed++
			}
			waits = max(waits, got.Wait)
			w.at = w.at.Add(time.Minute)
		}
		if mailed != 5 || waits == 0 || waits > 8*time.Hour {
			w.Errorf("%d mails, wait %v", mailed, waits)
		}
		ada := from(1)
		got := w.mail(ada, "ada@example.org", true)
		for range 2 { // the second one is hard
			if ada.Proof = solve(got.Challenge); got.Challenge != "" {
				got = w.mail(ada, "ada@example.org", true)
			}
		}
		if !got.Allowed() || got.Silent || !got.Proven {
			w.Errorf("ada: %+v", got)
		}
	})
}

// TestOneProofForBoth: whose network and whose address have had enough solves one challenge, not one for each in turn.
func TestOneProofForBoth(t *testing.T) {
	each(t, limits.Options{Mails: fewMails.Mails, Network: broker.Limit{Burst: 2, Every: 100 * time.Hour}}, func(w *world) {
		for range 2 {
			w.mail(mallory, "ada@example.org", false)
		}
		got := w.mail(mallory, "ada@example.org", false)
		v := mallory
		v.Proof = solve(got.Challenge)
		if got = w.mail(v, "ada@example.org", false); !got.Allowed() || !got.Proven {
			w.Errorf("%+v", got)
		}
		// Held up for the network alone, the mail is none of those with a proof, and what is refused takes nothing.
		for range 5 {
			got = w.mail(mallory, "bob@example.org", false)
		}
		v.Proof = solve(got.Challenge)
		if got = w.mail(v, "bob@example.org", false); !got.Allowed() || got.Proven {
			w.Errorf("bob: %+v", got)
		}
		if got := w.mail(from(3), "bob@example.org", false); !got.Allowed() || got.Silent || got.Proven {
			w.Errorf("bob's second: %+v", got)
		}
	})
}

// TestMailsOfTheOwner: a stranger who uses up what an address gets does not keep its
// owner from a new password: a browser that has signed in with it has mails of its
// own, and then those of a stranger. A cookie that is made up, or another account's, has not.
func TestMailsOfTheOwner(t *testing.T) {
	each(t, fewMails, func(w *world) {
		for i := range 40 {
			w.patient(from(i), "ada@example.org", i%2 == 0)
		}
		for name, devices := range map[string]broker.Secret{
			"none": "", "another account's": w.Known("", "eve@example.org"), "of another key": limits.New(nil, limits.Options{Key: [32]byte{1}}).Known("", "ada@example.org"),
			"of a factor": w.Shown(limits.Holder{User: "ada@example.org"}),
		} {
			v := from(99)
			if v.Devices = devices; w.mail(v, "ada@example.org", false).Allowed() {
				w.Errorf("%s: mailed", name)
			}
		}
		ada := from(98)
		ada.Devices = w.Known("", "ada@example.org")
		for i, want := range []bool{true, true, false} {
			got := w.mail(ada, "ada@example.org", i == 0)
			if want != (got.Allowed() && got.Own && !got.Silent && !got.Proven) || !want && got.Challenge == "" {
				w.Errorf("her own browser, mail %d: %+v", i, got)
			}
		}
		// All of her browsers together have a bound, too: a right password makes as many as a thief likes.
		own := 0
		for i := range 30 {
			v := from(100 + i)
			v.Devices = w.Known("", "ada@example.org")
			if got := w.mail(v, "ada@example.org", false); got.Own {
				own++
			}
		}
		if own != 10 {
			w.Errorf("%d more mails for browsers that know the address", own)
		}
	})
}

// TestCodesAreHeldUpHere: of codes there are fewer in any hour than local refuses without a word, for strangers and for the
// owner's browsers, whatever else is mailed and however the asking is spread.
func TestCodesAreHeldUpHere(t *testing.T) {
	each(t, limits.Options{Mails: broker.Limit{Burst: 1000, Every: time.Second}, Network: small.Network}, func(w *world) {
		for name, known := range map[string]bool{"strangers": false, "her own": true} {
			var sent []time.Time
			address := strconv.FormatBool(known) + "@example.org"
			for i := range 40 {
				v := from(i)
				if known {
					v.Devices = w.Known("", address)
				}
				if got := w.mail(v, address, true); got.Own == known && got.Allowed() {
					sent = append(sent, w.at)
				}
				if !known && !w.mail(v, address, false).Allowed() {
					w.Error("another mail is held up")
				}
				w.at = w.at.Add(7 * time.Minute)
			}
			if n := crowded(sent, time.Hour); n > 4 {
				w.Fatalf("%s: %d codes within an hour", name, n)
			}
			if len(sent) != 12 {
				w.Errorf("%s: %d codes", name, len(sent))
			}
		}
	})
}

// crowded is how many of these moments, which are in order, fall into any one stretch of time at most.
func crowded(all []time.Time, stretch time.Duration) int {
	most := 0
	for i, from := range all {
		n := 0
		for _, at := range all[i:] {
			if at.Sub(from) < stretch {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}
