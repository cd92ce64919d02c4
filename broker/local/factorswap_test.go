package local_test

import (
	"errors"
	"testing"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/store"
	"idbroker/store/storetest"
)

// accountsWith are accounts with other rules.
func accountsWith(t *testing.T, db *store.DB, o local.Options) *local.Accounts {
	t.Helper()
	reg, err := providers.New(providers.Options{BaseURL: issuer})
	must(t, err)
	o.Issuer, o.Hashing = issuer, cheap
	return local.New(db, linking.New(db, reg, linking.Options{}), o)
}

// TestNeededFactorStays: where everybody needs a second factor the last one is not
// removed, whoever shows it: the next sign-in would let a thief of the password set
// up one of theirs.
func TestNeededFactorStays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accountsWith(t, db, local.Options{NeedFactors: true}), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := stay(t, db, u, "s1")
		secret, recovery := withApp(t, a, s)
		wantErr(t, "with a code", a.RemoveFactor(ctx, s, shown(t, secret, 1)), local.ErrFactorNeeded)
		wantErr(t, "with a recovery code", a.RemoveFactor(ctx, s, recovery[0]), local.ErrFactorNeeded)
		_, err := a.RemoveOne(ctx, s, broker.FactorTOTP, recovery[0])
		wantErr(t, "the one", err, local.ErrFactorOnly)
		if now, err := db.User(ctx, u.ID); err != nil || !now.HasSecondFactor() {
			t.Errorf("it is gone: %v", err)
		}
		if _, left, err := a.FactorOf(ctx, u.ID); err != nil || left != 10 {
			t.Errorf("a refused step used codes up: %d left, %v", left, err)
		}
		must(t, a.ResetFactors(ctx, u.ID)) // an operator may: they have seen the person
	})
}

// TestSwap: another app takes the place of the one there is when it has shown its
// code and the person what they had; until then the old one counts, and after
// that the new one alone.
func TestSwap(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accountsWith(t, db, local.Options{NeedFactors: true}), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := stay(t, db, u, "s1")
		wantErr(t, "nothing to swap", a.StartSwap(ctx, s), local.ErrFactorGone)
		old, recovery, used := withAppBy(t, a, s)
		_, err := a.ConfirmSwap(ctx, s, "123456", recovery[0])
		wantErr(t, "not begun", err, local.ErrFactorGone)
		must(t, a.StartSwap(ctx, s))
		next, err := a.NextApp(ctx, s)
		must(t, err)
		other := stay(t, db, u, "s2")
		if f, err := a.NextApp(ctx, other); err != nil || f.ID != "" {
			t.Errorf("another session sees it: %v", err)
		}
		_, err = a.ConfirmSwap(ctx, other, shown(t, next.Secret, 0), recovery[0])
		wantErr(t, "in another session", err, local.ErrFactorGone)
		wantErr(t, "the new one before it counts", a.UseFactor(ctx, u.ID, shown(t, next.Secret, 0)), local.ErrFactorWrong)
		for what, current := range map[string]string{"nothing": "", "the new one itself": shown(t, next.Secret, 0), "a wrong code": wrong(t, old), "a used code": used} {
			_, err = a.ConfirmSwap(ctx, s, shown(t, next.Secret, 0), current)
			var e *broker.Error
			if !errors.As(err, &e) || e.Field != "current" {
				t.Errorf("showing %s: %v", what, err)
			}
		}
		_, err = a.ConfirmSwap(ctx, s, wrong(t, next.Secret), recovery[0])
		wantErr(t, "the new app shows another code", err, local.ErrFactorWrong)
		mails(t, db)
		swapped := shown(t, next.Secret, 0)
		codes, err := a.ConfirmSwap(ctx, s, swapped, shown(t, old, 1))
		must(t, err)
		if len(codes) != 10 {
			t.Errorf("%d recovery codes", len(codes))
		}
		if sent := mails(t, db); len(sent) != 1 || sent[0].Template != "factor-swapped" {
			t.Errorf("mails %+v", sent)
		}
		if events, err := db.Events(ctx, u.ID, 1); err != nil || events[0].Name != broker.EventFactorSwapped {
			t.Errorf("events %+v %v", events, err)
		}
		wantErr(t, "the old app", a.UseFactor(ctx, u.ID, shown(t, old, 1)), local.ErrFactorWrong)
		wantErr(t, "an old recovery code", a.UseRecovery(ctx, u.ID, recovery[1]), local.ErrRecoveryWrong)
		wantErr(t, "the code that swapped", a.UseFactor(ctx, u.ID, swapped), local.ErrFactorWrong)
		must(t, a.UseFactor(ctx, u.ID, shown(t, next.Secret, 1)))
		must(t, a.UseRecovery(ctx, u.ID, codes[0]))
		_, err = a.ConfirmSwap(ctx, s, shown(t, next.Secret, 1), codes[1])
		wantErr(t, "once more", err, local.ErrFactorGone)
		if now, err := db.User(ctx, u.ID); err != nil || !now.HasSecondFactor() {
			t.Errorf("there was a moment without: %v", err)
		}
	})
}
