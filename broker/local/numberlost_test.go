package local_test

import (
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestLostNumberStaysAway is the attack of whoever stole a telephone with its mailbox: its
// owner shows the app and puts another number in its place, and no mail may bring the stolen one back.
func TestLostNumberStaysAway(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := texting(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := stay(t, db, u, "s")
		secret, _ := withApp(t, a, s)
		s = s.WithFactor(broker.AMROTP)
		withNumber(t, db, a, s)
		mails(t, db)
		must(t, a.StartNumberSwap(ctx, s, newNumber))
		_, err := a.ConfirmNumberSwap(ctx, s, texted(t, db), shown(t, secret, 1))
		must(t, err)
		if m := mailed(t, db, "number-swapped"); m.Data["link"] != "" {
			t.Errorf("the mail has a way back: %+v", m)
		}
		if got := numberThatCounts(t, db, u.ID); got != newNumber {
			t.Errorf("%q counts", got)
		}
	})
}

// TestSwappedNumberIsAsOld is the attack of whoever reads the mailbox that an account had: its
// owner has moved the address and then put another number in the place of one that had stood for
// long. Taking the address back gets past neither, whatever was shown at the change.
func TestSwappedNumberIsAsOld(t *testing.T) {
	for _, by := range []string{"recovery code", "code by telephone"} {
		t.Run(by, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				a, ctx := texting(t, db), t.Context()
				u := signUp(t, db, a, "ada@example.org")
				s := stay(t, db, u, "s")
				recovery := withNumber(t, db, a, s)
				s = s.WithFactor(broker.AMRSMS)
				f, err := db.Factor(ctx, u.ID, broker.FactorSMS)
				must(t, err)
				must(t, db.DeleteFactor(ctx, u.ID, broker.FactorSMS))
				f.ConfirmedAt = f.ConfirmedAt.Add(-90 * 24 * time.Hour)
				must(t, db.CreateFactor(ctx, f))
				back := moved(t, db, a, s, "new@example.org")
				if by == "recovery code" {
					must(t, a.StartNumberSwap(ctx, s, newNumber))
					_, err = a.ConfirmNumberSwap(ctx, s, texted(t, db), recovery[0])
					must(t, err)
				} else {
					swapped(t, db, a, s, newNumber)
				}
				_, err = a.TakeEmailBack(ctx, back)
				must(t, err)
				if !userOf(t, db, u.ID).HasSecondFactor() || numberThatCounts(t, db, u.ID) == "" {
					t.Error("the second factor is gone")
				}
			})
		})
	}
}
