package local_test

import (
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// rememberedHere remembers a browser that stands in for u's second factor, and looks that it does.
func rememberedHere(t *testing.T, db *store.DB, a *local.Accounts, id broker.UserID, before broker.Secret) broker.Secret {
	t.Helper()
	cookie, err := a.Remember(t.Context(), userOf(t, db, id), before)
	must(t, err)
	if by, err := a.Remembered(t.Context(), userOf(t, db, id), cookie); err != nil || by == "" {
		t.Errorf("not remembered: %v", err)
	}
	return cookie
}

// TestRememberedBrowserEndsWithTheFactor is the attack of whoever has the cookie of a lost
// laptop, which was remembered when the app on the lost phone was shown: it stands in for
// no app that takes that one's place, and for no number that is left of two.
func TestRememberedBrowserEndsWithTheFactor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := texting(t, db, func(o *local.Options) { o.RememberFactor = 24 * time.Hour })
		ctx, u := t.Context(), signUp(t, db, accounts(t, db), "ada@example.org")
		s := stay(t, db, u, "s1")
		s.ACR = broker.ACRSecond
		_, recovery := withApp(t, a, s)
		over := func(what string, cookie broker.Secret) {
			t.Helper()
			if by, err := a.Remembered(ctx, userOf(t, db, u.ID), cookie); err != nil || by != "" {
				t.Errorf("%s: it still stands in: %q, %v", what, by, err)
			}
			if rows, err := db.RememberedOf(ctx, u.ID); err != nil || len(rows) != 0 {
				t.Errorf("%s: %d rows are left, %v", what, len(rows), err)
			}
		}
		cookie := rememberedHere(t, db, a, u.ID, "")
		must(t, a.StartSwap(ctx, s))
		next, err := a.NextApp(ctx, s)
		must(t, err)
		_, err = a.ConfirmSwap(ctx, s, shown(t, next.Secret, 0), recovery[0])
		must(t, err)
		over("another app", cookie)

		withNumber(t, db, a, s)
		cookie = rememberedHere(t, db, a, u.ID, "")
		_, err = a.RemoveOne(ctx, s, broker.FactorNextTOTP, shown(t, next.Secret, 1))
		wantErr(t, "one that they don't have", err, local.ErrFactorGone)
		codes, err := a.RenewRecovery(ctx, s, shown(t, next.Secret, 1))
		must(t, err)
		if _, err = a.RemoveOne(ctx, s, broker.FactorTOTP, codes[0]); err != nil {
			t.Fatal(err)
		}
		over("one of two", cookie)

		cookie = rememberedHere(t, db, a, u.ID, "")
		must(t, a.ResetFactors(ctx, u.ID))
		over("none", cookie)
		if _, left, err := a.FactorOf(ctx, u.ID); err != nil || left != 0 {
			t.Errorf("%d recovery codes are left, %v", left, err)
		}
	})
}

// TestRememberedBrowsersAreFew: a browser has one row, however often it is remembered; the
// one used longest ago makes place; who forgets the others keeps their own.
func TestRememberedBrowsersAreFew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := texting(t, db, func(o *local.Options) { o.RememberFactor = 24 * time.Hour })
		ctx, u := t.Context(), signUp(t, db, accounts(t, db), "ada@example.org")
		withApp(t, a, stay(t, db, u, "s1"))
		rows := func() int {
			t.Helper()
			all, err := db.RememberedOf(ctx, u.ID)
			must(t, err)
			return len(all)
		}
		first := rememberedHere(t, db, a, u.ID, "")
		mine := rememberedHere(t, db, a, u.ID, first)
		if n := rows(); n != 1 {
			t.Errorf("%d rows for one browser", n)
		}
		if by, err := a.Remembered(ctx, userOf(t, db, u.ID), first); err != nil || by != "" {
			t.Errorf("the cookie before still counts: %v", err)
		}
		for range 25 {
			mine = rememberedHere(t, db, a, u.ID, "")
		}
		if n := rows(); n != 20 {
			t.Errorf("%d browsers are remembered", n)
		}
		if n, err := a.ForgetBrowsers(ctx, u.ID, mine); err != nil || n != 19 {
			t.Errorf("forgot %d, %v", n, err)
		}
		if by, err := a.Remembered(ctx, userOf(t, db, u.ID), mine); err != nil || by == "" {
			t.Errorf("their own is forgotten, too: %v", err)
		}
	})
}
