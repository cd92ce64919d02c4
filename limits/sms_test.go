package limits_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/limits"
)

// text asks whether a code may be sent.
func (w *world) text(m limits.Message) limits.Verdict {
	w.Helper()
	v, err := w.SMS(context.Background(), w.at, m)
	if err != nil {
		w.Fatal(err)
	}
	return v
}

// pump asks for n messages as somebody who is paid for them does: each by an account of its own, from a network of
// its own, to a number of its own. It returns how many are let through, and the last verdict.
func (w *world) pump(n int, prefix string, proven bool) (let int, last limits.Verdict) {
	for range n {
		w.pumped++
		i := strconv.Itoa(w.pumped)
		last = w.text(limits.Message{
			To: limits.Holder{User: broker.UserID("sybil" + i)}, Number: prefix + "5550" + i, Prefix: prefix, Proven: proven,
			IP: "198." + strconv.Itoa(w.pumped%200) + "." + strconv.Itoa(w.pumped/200) + ".7",
		})
		if last.Allowed() {
			let++
		}
	}
	return let, last
}

// TestTollFraud: however many accounts, networks and numbers somebody has, all messages together have a bound, and those
// to one country; new numbers have half of each, so that people whose number is their factor come in.
func TestTollFraud(t *testing.T) {
	each(t, limits.Options{SMSPerHour: 60, SMSPerCountry: 40}, func(w *world) {
		n, v := w.pump(16, "+1876", false)
		if n != 10 || v.Bound != limits.SMSNew || v.Wait <= 0 || v.Wait > time.Hour || v.Challenge != "" {
			w.Errorf("%d messages to new numbers of one country: %+v", n, v)
		}
		if n, v := w.pump(16, "+1876", true); n != 10 || v.Bound != limits.SMSCountry {
			w.Errorf("%d more to people there: %+v", n, v)
		}
		if n, v := w.pump(16, "+252", false); n != 5 || v.Bound != limits.SMSNew { // fifteen new ones in all
			w.Errorf("%d to new numbers of another country: %+v", n, v)
		}
		if n, v := w.pump(16, "+41", true); n != 5 || v.Bound != limits.SMSSite {
			w.Errorf("%d more to everybody: %+v", n, v)
		}
		ada := limits.Message{To: limits.Holder{User: "ada"}, Number: "+41227676111", Prefix: "+41", Proven: true, IP: "192.0.2.1"}
		v = w.text(ada)
		if v.Allowed() || v.Bound != limits.SMSSite {
			w.Errorf("ada: %+v", v)
		}
		if w.at = w.at.Add(v.Wait); !w.text(ada).Allowed() {
			w.Errorf("it does not fit after the wait of %v", v.Wait)
		}
	})
}

// TestMessagesInAnyHour: the bound holds for every hour, wherever it begins and however the asking is spread.
func TestMessagesInAnyHour(t *testing.T) {
	each(t, limits.Options{SMSPerHour: 20, SMSPerCountry: 1000}, func(w *world) {
		var sent []time.Time
		for i := range 40 {
			ask := 2
			if i == 0 {
				ask = 12
			}
			n, _ := w.pump(ask, "+41", true)
			for range n {
				sent = append(sent, w.at)
			}
			w.at = w.at.Add(3 * time.Minute)
		}
		if n := crowded(sent, time.Hour); n > 20 {
			w.Fatalf("%d messages within an hour", n)
		}
		if len(sent) < 25 {
			w.Errorf("%d in two hours: it hardly opens again", len(sent))
		}
	})
}

// TestPumpAtOnce: a hundred at the same moment are no more.
func TestPumpAtOnce(t *testing.T) {
	each(t, limits.Options{SMSPerHour: 20, SMSPerCountry: 20}, func(w *world) {
		var let, told atomic.Int32
		var all sync.WaitGroup
		for i := range 60 {
			all.Go(func() {
				user := strconv.Itoa(i)
				v, err := w.SMS(context.Background(), w.at, limits.Message{To: limits.Holder{User: broker.UserID(user)}, Number: "+4122767" + user, Prefix: "+41", Proven: true})
				if err != nil {
					w.Error(err)
				}
				if v.Allowed() {
					let.Add(1)
				}
				if v.Tell {
					told.Add(1)
				}
			})
		}
		all.Wait()
		if n := let.Load(); n != 10 {
			w.Errorf("%d at once", n)
		}
		if n := told.Load(); n < 1 || n > 2 { // of each bound once
			w.Errorf("told %d times", n)
		}
	})
}

// TestRefusedTakeNothingFromEverybody: who has had enough, or whose message is not sent after all, leaves the others theirs.
// Nor does who is refused for one country take from the rest of the world.
func TestRefusedTakeNothingFromEverybody(t *testing.T) {
	each(t, limits.Options{SMSPerHour: 40, SMSPerCountry: 20}, func(w *world) {
		eve := limits.Message{To: limits.Holder{User: "eve"}, Number: "+41227676112", Prefix: "+41", Proven: true, IP: "198.51.100.7"}
		for range 20 {
			if v := w.text(eve); v.Bound != "" {
				w.Fatalf("she reaches the bound of all: %+v", v)
			}
		}
		for i := range 25 { // sent to nobody
			m := limits.Message{To: limits.Holder{User: broker.UserID("user" + strconv.Itoa(i))}, Number: "+4122767" + strconv.Itoa(2000+i), Prefix: "+41", Proven: i%2 == 0}
			if v := w.text(m); !v.Allowed() || w.Right(context.Background(), v) != nil {
				w.Fatalf("message %d: %+v", i, v)
			}
		}
		w.pump(15, "+1876", true)
		if n, _ := w.pump(10, "+41", true); n != 5 { // ten of one country, five of eve's
			w.Errorf("%d are left", n)
		}
	})
}

// TestBoundIsToldOnce in ten minutes, of each bound and country.
func TestBoundIsToldOnce(t *testing.T) {
	each(t, limits.Options{SMSPerHour: 1000, SMSPerCountry: 20}, func(w *world) {
		told := func(prefix string) (n int) {
			for range 14 {
				if _, v := w.pump(1, prefix, true); v.Tell {
					n++
				}
			}
			return n
		}
		if a, b, c := told("+1876"), told("+1876"), told("+252"); a != 1 || b != 0 || c != 1 {
			w.Errorf("told %d, %d and %d times", a, b, c)
		}
		if w.at = w.at.Add(10 * time.Minute); told("+1876") != 1 {
			w.Error("it is never told again")
		}
	})
}

// TestMessagesOfADisabledLimiter: what before the broker counts tries knows of no messages.
func TestMessagesOfADisabledLimiter(t *testing.T) {
	each(t, limits.Options{Off: true, SMSPerHour: 24, SMSPerCountry: 12}, func(w *world) {
		if n, v := w.pump(10, "+41", false); n != 3 || v.Bound != limits.SMSNew {
			w.Errorf("%d messages: %+v", n, v)
		}
		n, _ := w.pump(10, "+49", true)
		m, _ := w.pump(10, "+43", true)
		if n != 6 || m != 3 { // a dozen at once in all
			w.Errorf("%d and %d messages to people", n, m)
		}
		if v, err := w.Factor(context.Background(), w.at, limits.Holder{}, true); err != nil || !v.Allowed() {
			w.Errorf("%+v, %v", v, err)
		}
	})
}

// TestThiefOfAPasswordUsesUpNoCodes: who knows a password has codes sent until the person has had enough. The
// browser in which the owner has shown the factor has its own, to that number alone.
func TestThiefOfAPasswordUsesUpNoCodes(t *testing.T) {
	each(t, limits.Options{}, func(w *world) {
		ask := func(h limits.Holder, number string, proven bool) bool {
			return w.text(limits.Message{To: h, Number: number, Prefix: "+41", Proven: proven}).Allowed()
		}
		const number = "+41227676111"
		stranger := limits.Holder{User: "ada", Stamp: "1", Devices: w.Known("", "ada@example.org")}
		sent := 0
		for range 20 {
			if ask(stranger, number, true) {
				sent++
			}
		}
		ada := limits.Holder{User: "ada", Stamp: "1", Devices: w.Shown(limits.Holder{User: "ada", Stamp: "1"})}
		for i := range 5 {
			if !ask(ada, number, true) {
				w.Fatalf("she is kept from code %d", i)
			}
		}
		if sent != 5 || ask(ada, number, true) {
			w.Errorf("%d for the thief, or hers has no bound", sent)
		}
		// A member's own browser gives no more messages to somebody else's number.
		eve := limits.Holder{User: "eve", Stamp: "1", Devices: w.Shown(limits.Holder{User: "eve", Stamp: "1"})}
		sent = 0
		for range 20 {
			if ask(eve, "+41227676115", false) {
				sent++
			}
		}
		if mallory := (limits.Holder{User: "mallory", Stamp: "1", Devices: w.Shown(limits.Holder{User: "mallory", Stamp: "1"})}); sent != 5 || ask(mallory, "+41227676115", false) {
			w.Errorf("%d messages by a member to somebody else's number, or more by another", sent)
		}
	})
}

// TestMessagesOfANetwork: a thief of many passwords, with a number for each, soon gets no
// more messages sent from one address; nobody elsewhere notices.
func TestMessagesOfANetwork(t *testing.T) {
	each(t, limits.Options{}, func(w *world) {
		sms := func(i int, ip string) limits.Verdict {
			return w.text(limits.Message{To: limits.Holder{User: broker.UserID("user" + strconv.Itoa(i))}, Number: "+4122767" + strconv.Itoa(1000+i), Proven: i%2 == 0, IP: ip})
		}
		for i := range 20 {
			if !sms(i, "198.51.100.7").Allowed() {
				w.Fatalf("message %d is refused", i)
			}
		}
		if v := sms(20, "198.51.100.7"); v.Allowed() || v.Wait > 3*time.Minute {
			w.Errorf("one more: %+v", v)
		}
		if !sms(21, "203.0.113.9").Allowed() {
			w.Error("another network is held up")
		}
		if w.at = w.at.Add(3 * time.Minute); !sms(22, "198.51.100.7").Allowed() {
			w.Error("it never ends")
		}
	})
}

// TestNumberOfSomebodyElse: who says that somebody's number is theirs, from wherever,
// keeps nobody from the codes that are sent to it, and gets few messages sent there.
func TestNumberOfSomebodyElse(t *testing.T) {
	const number = "+41227676111"
	each(t, limits.Options{}, func(w *world) {
		sms := func(user, ip string, proven bool) bool {
			return w.text(limits.Message{To: limits.Holder{User: broker.UserID(user)}, Number: number, Proven: proven, IP: ip}).Allowed()
		}
		sent := 0
		for i := range 20 {
			if sms("eve"+strconv.Itoa(i), "198.51."+strconv.Itoa(i)+".7", false) {
				sent++
			}
		}
		if sent != 5 {
			w.Errorf("%d messages to somebody else's number", sent)
		}
		for i := range 5 {
			if !sms("ada", "192.0.2.1", true) {
				w.Errorf("ada is kept from code %d", i)
			}
		}
		if sms("ada", "192.0.2.1", true) || sms("bob", "192.0.2.1", true) {
			w.Error("her own number has no bound")
		}
	})
}
