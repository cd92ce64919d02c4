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
