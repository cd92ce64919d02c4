package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"idbroker/broker"
)

// ErrNumberSame: the number that shall take the place of another is that very one.
var ErrNumberSame = &broker.Error{Kind: broker.KindInvalid, Message: "sms.same", Field: "phone"}

// StartNumberSwap sends a code to a number that shall take the place of the one that the
// user has. That one counts until ConfirmNumberSwap. Errors: those of StartSMS but
// factor.has, and factor.gone, sms.same.
func (a *Accounts) StartNumberSwap(ctx context.Context, s broker.Session, typed string) error {
	at := time.Now()
	number, err := a.wantedNumber(s, typed, at)
	if err != nil {
		return err
	}
	switch old, err := a.factorOf(ctx, s.UserID, broker.FactorSMS); {
	case err != nil:
		return err
	case old.Number() == number:
		return ErrNumberSame
	}
	return a.startNumber(ctx, s, broker.FactorNextSMS, number, at)
}

// ConfirmNumberSwap puts the number that StartNumberSwap began with in the place of the
// user's, where the code that was sent there was typed, and the user shows what they had
// once more (current: a code of the app, one that was sent to the old number, or a recovery
// code). It returns new recovery codes: those before were made with the old number. Guesses are
// counted; the new number's code is spent with the change and not before. Errors: those of
// ConfirmSMS and, about the field current, RemoveFactor.
func (a *Accounts) ConfirmNumberSwap(ctx context.Context, s broker.Session, typed, current string) (codes []string, err error) {
	if !a.SMS() {
		return nil, ErrNoSMS
	}
	next, err := a.begun(ctx, s, broker.FactorNextSMS, time.Now())
	if err != nil {
		return nil, err
	}
	if err := a.guessSMS(ctx, next, s.SID, typed); err != nil {
		return nil, err
	}
	_, lost := cleanLetters(current, recoveryLength)
	spent := errors.New("the code was spent meanwhile")
	err = a.shown(ctx, s, current, func(ctx context.Context, user broker.User, at time.Time) error {
		if err := stillIn(s, user); err != nil {
			return err
		}
		// Begun anew, or confirmed in another tab, it is not this one any more.
		if now, err := a.begun(ctx, s, broker.FactorNextSMS, at); err != nil {
			return err
		} else if now.ID != next.ID {
			return ErrFactorGone
		}
		if err := a.usedSMS(ctx, next, at); errors.Is(err, ErrSMSWrong) {
			return fmt.Errorf("%w: %w", spent, err)
		} else if err != nil {
			return err
		}
		// Who shows a recovery code, or has an app to show, has lost the old number, more often than
		// not: to put it back would help nobody but whoever has it now.
		if _, err := a.factorOf(ctx, user.ID, broker.FactorTOTP); err == nil {
			lost = true
		} else if !errors.Is(err, ErrFactorGone) {
			return err
		}
		codes, err = a.swapNumber(ctx, user, next, !lost, at)
		return err
	})
	if errors.Is(err, spent) {
		return nil, ErrSMSWrong
	}
	if e, ok := errors.AsType[*broker.Error](err); ok && e.Kind == broker.KindInvalid {
		return nil, e.At("current")
	}
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// swapNumber is ConfirmNumberSwap's unit of work, with the user locked. keep: the number
// before is kept, and the mail has a link that puts it back.
func (a *Accounts) swapNumber(ctx context.Context, user broker.User, next broker.Factor, keep bool, at time.Time) ([]string, error) {
	old, err := a.factorOf(ctx, user.ID, broker.FactorSMS)
	if err != nil {
		return nil, err
	}
	for _, kind := range []broker.FactorKind{broker.FactorNextSMS, broker.FactorSMS} {
		if err := a.store.DeleteFactor(ctx, user.ID, kind); errors.Is(err, broker.ErrNotFound) {
			return nil, ErrFactorGone.Because(err)
		} else if err != nil {
			return nil, err
		}
	}
	f := broker.Factor{
		ID: broker.NewID(), UserID: user.ID, Kind: broker.FactorSMS, Secret: next.Secret,
		CreatedAt: next.CreatedAt, LastUsedAt: at, BegunBy: next.BegunBy, CodeAt: next.CodeAt,
		ConfirmedAt: old.ConfirmedAt, // it is as old as the one before: there was one all the time
	}
	if keep = keep && user.EmailVerified(); !keep {
		f.ID = old.ID // the mail about that one, whoever added it, takes this one back
	}
	if err := a.store.CreateFactor(ctx, f); err != nil {
		return nil, err
	}
	if err := a.store.ForgetBrowsers(ctx, user.ID); err != nil {
		return nil, fmt.Errorf("forget browsers: %w", err)
	}
	codes, err := a.newRecoveryCodes(ctx, f, at)
	if err != nil {
		return nil, err
	}
	if err := a.event(ctx, broker.EventNumberSwapped, user.ID, at); err != nil {
		return nil, err
	}
	if !user.EmailVerified() {
		return codes, nil // nobody can be told
	}
	data := map[string]string{"name": user.Called()}
	if keep {
		former := broker.Factor{
			ID: broker.NewID(), UserID: user.ID, Kind: broker.FormerNumber(f.ID), Secret: old.Secret,
			CreatedAt: old.CreatedAt, LastUsedAt: old.LastUsedAt, BegunBy: old.ID, Until: at.Add(a.o.UndoWithin),
		}
		if err := a.store.CreateFactor(ctx, former); err != nil {
			return nil, err
		}
		if err := a.store.CreateMailToken(ctx, a.offerTakeBack(broker.MailFactorBack, user, f.ID, at, data)); err != nil {
			return nil, fmt.Errorf("create mail token: %w", err)
		}
	}
	return codes, a.store.Enqueue(ctx, mail(ctx, user.Email, "number-swapped", user.Locale, at, data))
}

// formerNumbers are the numbers that go back where the factor about, or what has come in
// its place since, gives way to the one before it: that one is the last. None where about is not what
// the user's number has come from, or nothing is kept that was before it; then stands is the factor that
// stands for about now, "" none.
func (a *Accounts) formerNumbers(ctx context.Context, user broker.UserID, about string) (chain []broker.Factor, stands string, err error) {
	all, err := a.store.Factors(ctx, user)
	if err != nil {
		return nil, "", fmt.Errorf("list factors: %w", err)
	}
	counts := countingNumber(all)
	for id := counts; id != ""; {
		i := slices.IndexFunc(all, func(f broker.Factor) bool { return f.Kind == broker.FormerNumber(id) })
		if i < 0 && id == about {
			return nil, counts, nil
		}
		if i < 0 {
			break
		}
		chain = append(chain, all[i])
		if id == about {
			return chain, "", nil
		}
		id = all[i].BegunBy
		all = slices.Delete(all, i, i+1) // whatever the rows say, this ends
	}
	return nil, "", nil
}

// countingNumber is the ID of the number among factors that counts; "" none.
func countingNumber(all []broker.Factor) string {
	for _, f := range all {
		if f.Kind == broker.FactorSMS && f.Confirmed() {
			return f.ID
		}
	}
	return ""
}

// putBack lets the last of some former numbers count again, in the place of the one
// that does. The recovery codes are the caller's.
func (a *Accounts) putBack(ctx context.Context, user broker.UserID, former []broker.Factor) error {
	now, err := a.factorOf(ctx, user, broker.FactorSMS)
	if err != nil {
		return err
	}
	kinds := []broker.FactorKind{broker.FactorSMS}
	for _, f := range former {
		kinds = append(kinds, f.Kind)
	}
	for _, kind := range kinds {
		if err := a.store.DeleteFactor(ctx, user, kind); err != nil {
			return fmt.Errorf("delete factor: %w", err)
		}
	}
	f := former[len(former)-1]
	f.ConfirmedAt = now.ConfirmedAt // a swap changes no age
	f.ID, f.Kind, f.BegunBy, f.Until = f.BegunBy, broker.FactorSMS, "", time.Time{}
	if err := a.store.CreateFactor(ctx, f); err != nil {
		return fmt.Errorf("put a number back: %w", err)
	}
	return nil
}

// putBackSince puts back the number that a user had at a time, where others took its place
// since and it is kept. The caller writes the user.
func (a *Accounts) putBackSince(ctx context.Context, u *broker.User, since time.Time) error {
	all, err := a.store.Factors(ctx, u.ID)
	if err != nil {
		return fmt.Errorf("list factors: %w", err)
	}
	about := ""
	for id := countingNumber(all); id != ""; {
		i := slices.IndexFunc(all, func(f broker.Factor) bool { return f.Kind == broker.FormerNumber(id) })
		if i < 0 || all[i].Until.Add(-a.o.UndoWithin).Before(since) {
			break
		}
		about, id = id, all[i].BegunBy
		all = slices.Delete(all, i, i+1)
	}
	if about == "" {
		return nil
	}
	former, _, err := a.formerNumbers(ctx, u.ID, about)
	if err != nil || former == nil {
		return err
	}
	if err := a.putBack(ctx, u.ID, former); err != nil {
		return err
	}
	return a.withoutFactor(ctx, u, since)
}
