package local_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

const (
	oldNumber = "+41791234567" // withNumber's
	newNumber = "+41227676111"
)

// afterAMinute lets another code be sent to the number that counts.
func afterAMinute(t *testing.T, db *store.DB, u broker.UserID) {
	t.Helper()
	f, err := db.Factor(t.Context(), u, broker.FactorSMS)
	must(t, err)
	must(t, db.DeleteFactor(t.Context(), u, broker.FactorSMS))
	f.CodeAt = f.CodeAt.Add(-time.Minute)
	must(t, db.CreateFactor(t.Context(), f))
}

// wrongCode is another code.
func wrongCode(code string) string {
	if code == "000000" {
		return "111111"
	}
	return "000000"
}

// numberThatCounts is the number of a user; "" none.
func numberThatCounts(t *testing.T, db *store.DB, u broker.UserID) string {
	t.Helper()
	f, err := db.Factor(t.Context(), u, broker.FactorSMS)
	if errors.Is(err, broker.ErrNotFound) || err == nil && !f.Confirmed() {
		return ""
	}
	must(t, err)
	return f.Number()
}

// withANumber is somebody whose second factor is oldNumber, in a session that has seen it. Their
// mails are read.
func withANumber(t *testing.T, db *store.DB) (*local.Accounts, broker.User, broker.Session) {
	t.Helper()
	a := texting(t, db)
	u := signUp(t, db, a, "ada@example.org")
	s := stay(t, db, u, "s")
	withNumber(t, db, a, s)
	mails(t, db)
	return a, u, s.WithFactor(broker.AMRSMS)
}

// swapped puts another number in the place of the one that counts, showing a code of that one.
func swapped(t *testing.T, db *store.DB, a *local.Accounts, s broker.Session, to string) []string {
	t.Helper()
	ctx := t.Context()
	must(t, a.StartNumberSwap(ctx, s, to))
	code := texted(t, db)
	afterAMinute(t, db, s.UserID)
	must(t, a.SendSMS(ctx, userOf(t, db, s.UserID), s.SID))
	codes, err := a.ConfirmNumberSwap(ctx, s, code, texted(t, db))
	must(t, err)
	return codes
}

// TestNumberSwap: another number takes the place of the one there is when its code came
// back and the person has shown what they had; until then the old one counts, and
// after that the new one alone.
func TestNumberSwap(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := texting(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := stay(t, db, u, "s1")
		wantErr(t, "nothing to swap", a.StartNumberSwap(ctx, s, newNumber), local.ErrFactorGone)
		recovery := withNumber(t, db, a, s)
		s = s.WithFactor(broker.AMRSMS)
		wantErr(t, "the same number", a.StartNumberSwap(ctx, s, "+41 79 123 45 67"), local.ErrNumberSame)
		wantErr(t, "no number", a.StartNumberSwap(ctx, s, ""), broker.ErrPhone)
		stale := s
		stale.AuthTime = stale.AuthTime.Add(-time.Hour)
		wantErr(t, "an old sign-in", a.StartNumberSwap(ctx, stale, newNumber), broker.ErrSignIn)
		_, err := a.ConfirmNumberSwap(ctx, s, "123456", recovery[0])
		wantErr(t, "not begun", err, local.ErrFactorGone)

		must(t, a.StartNumberSwap(ctx, s, newNumber))
		code := texted(t, db)
		if n, err := a.NextNumber(ctx, s); err != nil || n != newNumber {
			t.Errorf("%q, %v", n, err)
		}
		other := stay(t, db, u, "s2").WithFactor(broker.AMRSMS)
		if n, err := a.NextNumber(ctx, other); err != nil || n != "" {
			t.Errorf("another session sees %q, %v", n, err)
		}
		_, err = a.ConfirmNumberSwap(ctx, other, code, recovery[0])
		wantErr(t, "in another session", err, local.ErrFactorGone)
		_, err = a.ConfirmNumberSwap(ctx, stale, code, recovery[0])
		wantErr(t, "after a while", err, broker.ErrSignIn)
		wantErr(t, "the new one before it counts", a.UseSMS(ctx, u.ID, s.SID, code), local.ErrSMSGone)
		if numberThatCounts(t, db, u.ID) != oldNumber {
			t.Fatal("the old number has stopped counting")
		}
		for what, current := range map[string]string{"nothing": "", "the new number's own code": code, "no code at all": "BCDF"} {
			_, err = a.ConfirmNumberSwap(ctx, s, code, current)
			if e, ok := errors.AsType[*broker.Error](err); !ok || e.Field != "current" {
				t.Errorf("showing %s: %v", what, err)
			}
		}
		_, err = a.ConfirmNumberSwap(ctx, s, wrongCode(code), recovery[0])
		wantErr(t, "another code", err, local.ErrSMSWrong)
		if _, left, err := a.FactorOf(ctx, u.ID); err != nil || left != 10 {
			t.Errorf("a refused step used a recovery code up: %d left, %v", left, err)
		}
		for range 5 {
			_, err = a.ConfirmNumberSwap(ctx, s, wrongCode(code), recovery[0])
		}
		wantErr(t, "after five guesses", err, local.ErrSMSGone)

		must(t, a.StartNumberSwap(ctx, s, newNumber))
		fresh := texted(t, db)
		_, err = a.ConfirmNumberSwap(ctx, s, code, recovery[0])
		if err == nil {
			t.Fatal("the code that was sent first counts")
		}
		mails(t, db)
		codes, err := a.ConfirmNumberSwap(ctx, s, fresh, recovery[0])
		must(t, err)
		if len(codes) != 10 || numberThatCounts(t, db, u.ID) != newNumber || !userOf(t, db, u.ID).HasSecondFactor() {
			t.Errorf("%d codes, %s", len(codes), numberThatCounts(t, db, u.ID))
		}
		if events, err := db.Events(ctx, u.ID, 1); err != nil || events[0].Name != broker.EventNumberSwapped {
			t.Errorf("events %+v %v", events, err)
		}
		// Who shows a recovery code has lost the old number: nothing brings it back.
		if m := mailed(t, db, "number-swapped"); m.Data["link"] != "" || m.Data["until"] != "" {
			t.Errorf("the mail has a way back: %+v", m)
		}
		if all, err := db.Factors(ctx, u.ID); err != nil || len(all) != 1 {
			t.Errorf("%d rows are kept, %v", len(all), err)
		}
		wantErr(t, "an old recovery code", a.UseRecovery(ctx, u.ID, recovery[1]), local.ErrRecoveryWrong)
		must(t, a.UseRecovery(ctx, u.ID, codes[0]))
		wantErr(t, "the code that swapped", a.UseSMS(ctx, u.ID, s.SID, fresh), local.ErrSMSGone)
		_, err = a.ConfirmNumberSwap(ctx, s, fresh, codes[1])
		wantErr(t, "once more", err, local.ErrFactorGone)
		afterAMinute(t, db, u.ID)
		must(t, a.SendSMS(ctx, u, s.SID))
		must(t, a.UseSMS(ctx, u.ID, s.SID, texted(t, db)))
	})
}

// swapping is somebody with an app and oldNumber, whose other number has got its code: the
// secret of the app, recovery codes, and that code.
func swapping(t *testing.T, db *store.DB) (a *local.Accounts, s broker.Session, secret broker.Secret, recovery []string, code string) {
	t.Helper()
	a = texting(t, db)
	s = stay(t, db, signUp(t, db, a, "ada@example.org"), "s").WithFactor(broker.AMROTP)
	secret, recovery = withApp(t, a, s)
	withNumber(t, db, a, s)
	must(t, a.StartNumberSwap(t.Context(), s, newNumber))
	return a, s, secret, recovery, texted(t, db)
}

// TestNumberSwapAndRemoval: who removes the second step in another tab while a number takes the
// place of another removes the new one, too. If they did not wait for one another the new number
// would stand for an account that is said to have no second step, and nobody would be asked for it.
func TestNumberSwapAndRemoval(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, s, secret, recovery, code := swapping(t, db)
		answer := make(chan error)
		must(t, db.InTx(t.Context(), func(ctx context.Context) error {
			if _, err := a.ConfirmNumberSwap(ctx, s, code, recovery[0]); err != nil {
				return err
			}
			go func() { answer <- a.RemoveFactor(t.Context(), s, shown(t, secret, 1)) }()
			select {
			case err := <-answer:
				t.Errorf("answered before it was known what there is: %v", err)
			case <-time.After(200 * time.Millisecond): // it waits for the swap by now, or begins later and sees it
			}
			return nil
		}))
		must(t, <-answer)
		if all, err := db.Factors(t.Context(), s.UserID); err != nil || len(all) != 0 || userOf(t, db, s.UserID).HasSecondFactor() {
			t.Errorf("%+v, %v, second step %v", all, err, userOf(t, db, s.UserID).HasSecondFactor())
		}
	})
}

// TestNumberSwapAtOnce: of two tabs that confirm at once, each showing something else, one is
// refused, also where both have guessed right before the other is done.
func TestNumberSwapAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, s, secret, recovery, code := swapping(t, db)
		var wg sync.WaitGroup
		var done atomic.Int32
		must(t, db.InTx(t.Context(), func(ctx context.Context) error {
			if _, err := db.LockUser(ctx, s.UserID); err != nil {
				return err
			}
			for _, current := range []string{recovery[0], shown(t, secret, 1)} {
				wg.Go(func() {
					if _, err := a.ConfirmNumberSwap(t.Context(), s, code, current); err == nil {
						done.Add(1)
					}
				})
			}
			for range 20 { // until both have guessed; on SQLite they do so afterwards, one by one
				f, err := db.Factor(t.Context(), s.UserID, broker.FactorNextSMS)
				if err != nil || f.CodeTries == 2 {
					return err
				}
				time.Sleep(10 * time.Millisecond)
			}
			return nil
		}))
		wg.Wait()
		all, err := db.Factors(t.Context(), s.UserID)
		if done.Load() != 1 || err != nil || len(all) != 2 || numberThatCounts(t, db, s.UserID) != newNumber {
			t.Errorf("%d swaps, %d rows, %v", done.Load(), len(all), err)
		}
	})
}

// TestNumberPutBack is the attack of somebody at an open browser, with the owner's telephone
// beside it, who puts a number of theirs in the place of the owner's, and then another one: the
// mail about the first puts the owner's back and throws everybody out, and no mail leaves the account bare.
func TestNumberPutBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, last := range []bool{false, true} {
			a, ctx := texting(t, db), t.Context()
			mails(t, db)
			name := map[bool]string{false: "ada", true: "bob"}[last]
			u := signUp(t, db, a, name+"@example.org")
			s := stay(t, db, u, name)
			withNumber(t, db, a, s)
			s = s.WithFactor(broker.AMRSMS)
			mails(t, db)
			swapped(t, db, a, s, newNumber)
			first := tokenOf(t, mailed(t, db, "number-swapped"))
			theirs := swapped(t, db, a, s, "+41446681800")
			second := tokenOf(t, mailed(t, db, "number-swapped"))
			export, err := a.Export(ctx, s)
			must(t, err)
			if len(export.Factors) != 3 {
				t.Errorf("the export has %+v", export.Factors)
			}
			token, want := first, oldNumber
			if last {
				token, want = second, newNumber
			}
			b, err := a.TakeBackFor(ctx, broker.MailFactorBack, token)
			if err != nil || b.Before != broker.MaskPhone(want) || numberThatCounts(t, db, u.ID) != "+41446681800" {
				t.Fatalf("looking: %+v, %v", b, err)
			}
			_, err = a.TakeBack(ctx, broker.Session{}, broker.MailFactorBack, token)
			must(t, err)
			if numberThatCounts(t, db, u.ID) != want || !userOf(t, db, u.ID).HasSecondFactor() || !gone(t, db, s) {
				t.Errorf("%s counts", numberThatCounts(t, db, u.ID))
			}
			wantErr(t, "a recovery code that the thief has seen", a.UseRecovery(ctx, u.ID, theirs[0]), local.ErrRecoveryWrong)
			_, err = a.TakeBack(ctx, broker.Session{}, broker.MailFactorBack, token)
			wantErr(t, "once more", err, local.ErrTakeBackUnknown)
			if last { // and then what came before
				_, err = a.TakeBack(ctx, broker.Session{}, broker.MailFactorBack, first)
				must(t, err)
			} else if b, err := a.TakeBackFor(ctx, broker.MailFactorBack, second); err != nil || b.Factor != "" || b.Before != "" {
				t.Errorf("the later change is still there: %+v, %v", b, err)
			}
			if all, err := db.Factors(ctx, u.ID); err != nil || len(all) != 1 || all[0].Number() != oldNumber {
				t.Errorf("%d rows, %v", len(all), err)
			}
			again := stay(t, db, u, name+"2")
			must(t, a.SendSMS(ctx, u, again.SID))
			must(t, a.UseSMS(ctx, u.ID, again.SID, texted(t, db)))
		}
	})
}

// TestSwapHidesNoAddition is the attack of a thief at an open browser who sets a number up
// and another one in its place, so that the mail about the first finds nothing.
func TestSwapHidesNoAddition(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, swap := range map[string]func(a *local.Accounts, s broker.Session, codes []string){
			"code": func(a *local.Accounts, s broker.Session, _ []string) {
				swapped(t, db, a, s, newNumber)
				swapped(t, db, a, s, "+41446681800")
			},
			"recovery": func(a *local.Accounts, s broker.Session, codes []string) {
				must(t, a.StartNumberSwap(t.Context(), s, newNumber))
				_, err := a.ConfirmNumberSwap(t.Context(), s, texted(t, db), codes[0])
				must(t, err)
			},
		} {
			a, ctx := texting(t, db), t.Context()
			mails(t, db)
			u := signUp(t, db, a, name+"@example.org")
			thief := stay(t, db, u, name)
			codes := withNumber(t, db, a, thief)
			token := tokenOf(t, mailed(t, db, "number-added"))
			swap(a, thief.WithFactor(broker.AMRSMS), codes)
			_, err := a.TakeBack(ctx, broker.Session{}, broker.MailFactorBack, token)
			must(t, err)
			if userOf(t, db, u.ID).HasSecondFactor() || numberThatCounts(t, db, u.ID) != "" {
				t.Errorf("%s: the thief's number locks the owner out", name)
			}
		}
	})
}

// TestNumberIsForgotten: what a number was replaced by is not to be told for ever, and a
// number that was set up anew is not what came in its place.
func TestNumberIsForgotten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		a, u, s := withANumber(t, db)
		swapped(t, db, a, s, newNumber)
		token := tokenOf(t, mailed(t, db, "number-swapped"))
		rows := func() int {
			all, err := db.Factors(ctx, u.ID)
			must(t, err)
			return len(all)
		}
		before := rows()
		_, err := db.Prune(ctx, time.Now().Add(6*24*time.Hour))
		must(t, err)
		if rows() != before {
			t.Error("it was forgotten while it could be put back")
		}
		_, err = db.Prune(ctx, time.Now().Add(7*24*time.Hour+time.Minute))
		must(t, err)
		if rows() != before-1 {
			t.Error("it is kept")
		}
		// It is gone, and so is the way back to it: nothing else is taken.
		if b, err := a.TakeBackFor(ctx, broker.MailFactorBack, token); err == nil && b.Before != "" {
			t.Errorf("%+v", b)
		}
	})
}

// TestNumberPutBackWithAddress: a thief who has moved the address first gets the mails
// about the number; who takes the address back has the number back, too.
func TestNumberPutBackWithAddress(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, u, s := withANumber(t, db)
		back := moved(t, db, a, s, "thief@example.org")
		swapped(t, db, a, s, newNumber)
		swapped(t, db, a, s, "+41446681800")
		must(t, second(a.TakeEmailBack(t.Context(), back)))
		if got := numberThatCounts(t, db, u.ID); got != oldNumber || !userOf(t, db, u.ID).HasSecondFactor() {
			t.Errorf("%q counts", got)
		}
	})
}
