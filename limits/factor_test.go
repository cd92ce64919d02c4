package limits_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/limits"
)

// code asks whether a code of a user may be tried, in a browser that is not known.
func (w *world) code(user broker.UserID, recovery bool) limits.Verdict {
	return w.codeIn(limits.Holder{User: user}, recovery)
}

func (w *world) codeIn(h limits.Holder, recovery bool) limits.Verdict {
	v, err := w.Factor(context.Background(), w.at, h, recovery)
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

// TestThiefOfAPasswordEmptiesNoOwnersTries: who knows a password guesses at the second step from wherever, until
// there are no tries left. The browsers that have shown the factor before have theirs, each.
func TestThiefOfAPasswordEmptiesNoOwnersTries(t *testing.T) {
	each(t, limits.Options{}, func(w *world) {
		ada := limits.Holder{User: "ada", Stamp: "1"}
		ada.Devices = w.Shown(ada)
		for _, recovery := range []bool{false, true} {
			guesses := 0
			for i := range 40 {
				thief := limits.Holder{User: "ada", Stamp: "1"}
				thief.Devices = w.Known("", "ada@example.org") // the password was right, again and again
				for _, name := range []string{"ada", "factor", "factor\x001\x00ada"} {
					thief.Devices = w.Known(thief.Devices, name)
				}
				switch i % 4 { // and of what he makes up, or has of his own account, nothing is hers
				case 1:
					thief.Devices = w.Shown(limits.Holder{User: "mallory", Stamp: "1", Devices: thief.Devices})
				case 2:
					thief.Devices = w.Shown(limits.Holder{User: "ada", Stamp: "0", Devices: thief.Devices}) // of before the password was changed
				case 3:
					thief.Devices = limits.New(nil, limits.Options{Key: [32]byte{1}}).Shown(limits.Holder{User: "ada", Stamp: "1"})
				}
				if w.codeIn(thief, recovery).Allowed() {
					guesses++
				}
			}
			if guesses != 10 {
				w.Errorf("recovery %v: %d guesses", recovery, guesses)
			}
			for i := range 10 {
				if !w.codeIn(ada, recovery).Allowed() {
					w.Fatalf("recovery %v: the owner is kept out at try %d", recovery, i)
				}
			}
			if v := w.codeIn(ada, recovery); v.Allowed() || v.Wait > time.Hour {
				w.Errorf("recovery %v: a stolen cookie gives endless tries: %+v", recovery, v)
			}
			if other := (limits.Holder{User: "ada", Stamp: "1", Devices: w.Shown(limits.Holder{User: "ada", Stamp: "1"})}); !w.codeIn(other, recovery).Allowed() {
				w.Errorf("recovery %v: one of her browsers empties the other's", recovery)
			}
		}
		if v := w.codeIn(ada, false); w.Right(context.Background(), v) != nil || v.Allowed() {
			w.Error("what was refused is given back")
		}
		w.at = w.at.Add(time.Hour)
		if v := w.codeIn(ada, false); !v.Allowed() || w.codeIn(ada, false).Allowed() || w.Right(context.Background(), v) != nil || !w.codeIn(ada, false).Allowed() {
			w.Error("a right one counts, or not one an hour")
		}
	})
}
