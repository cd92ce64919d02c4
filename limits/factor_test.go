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

// code asks whether a code of a user may be tried.
func (w *world) code(user broker.UserID, recovery bool) limits.Verdict {
	v, err := w.Factor(context.Background(), w.at, user, recovery)
	if err != nil {
		w.Error(err)
	}
	return v
}

// TestCodesOfAFactor: an account has few wrong ones, also all at once. Those of an
// app, recovery codes, passwords and other people are counted apart.
func TestCodesOfAFactor(t *testing.T) {
	each(t, limits.Options{}, func(w *world) {
		var let atomic.Int32
		var all sync.WaitGroup
		for range 30 {
			all.Go(func() {
				if w.code("ada", false).Allowed() {
					let.Add(1)
				}
			})
		}
		all.Wait()
		if n := let.Load(); n != 10 {
			w.Errorf("%d tries at once", n)
		}
		if v := w.code("ada", false); v.Allowed() || v.Wait > time.Hour || v.Wait < 59*time.Minute || v.Challenge != "" {
			w.Errorf("the next: %+v", v)
		}
		if !w.code("ada", true).Allowed() || !w.code("bob", false).Allowed() || !w.try(limits.Visitor{IP: "192.0.2.1"}, "ada").Allowed() {
			w.Error("something else is held up, too")
		}
		w.at = w.at.Add(time.Hour)
		v := w.code("ada", false)
		if !v.Allowed() || w.code("ada", false).Allowed() {
			w.Error("not one an hour")
		}
		if err := w.Right(context.Background(), v); err != nil || !w.code("ada", false).Allowed() {
			w.Errorf("a right one counts: %v", err)
		}
	})
}

// TestMessagesOfANetwork: a thief of many passwords, with a number for each, soon gets no
// more messages sent from one address; nobody elsewhere notices.
func TestMessagesOfANetwork(t *testing.T) {
	each(t, limits.Options{}, func(w *world) {
		sms := func(i int, ip string) limits.Verdict {
			v, err := w.SMS(context.Background(), w.at, broker.UserID("user"+strconv.Itoa(i)), "+4122767"+strconv.Itoa(1000+i), i%2 == 0, ip)
			if err != nil {
				w.Fatal(err)
			}
			return v
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
			v, err := w.SMS(context.Background(), w.at, broker.UserID(user), number, proven, ip)
			if err != nil {
				w.Fatal(err)
			}
			return v.Allowed()
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
