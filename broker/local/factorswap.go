package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// ErrFactorNeeded: it is the last second factor of somebody who needs one. Whoever
// knew their password could otherwise set up one of their own.
var ErrFactorNeeded = &broker.Error{Kind: broker.KindConflict, Message: "factor.needed"}

// MayRemoveFactors tells whether a user may do without apps and numbers: no second
// factor is needed here, or they have a passkey, which is one.
func (a *Accounts) MayRemoveFactors(ctx context.Context, user broker.UserID) (bool, error) {
	switch {
	case !a.NeedFactors():
		return true, nil
	case !a.Passkeys():
		return false, nil
	}
	all, err := a.PasskeysOf(ctx, user)
	return len(all) > 0, err
}

// StartSwap makes the secret of an app that shall take the place of the one that the
// user has. That one counts until ConfirmSwap. Errors: factor.off, factor.gone,
// sign_in_again.
func (a *Accounts) StartSwap(ctx context.Context, s broker.Session) error {
	at := time.Now()
	if err := a.mayChangeFactors(s, at); err != nil {
		return err
	}
	if _, err := a.factorOf(ctx, s.UserID, broker.FactorTOTP); err != nil {
		return err
	}
	return a.startApp(ctx, s, broker.FactorNextTOTP, at)
}

// NextApp is the app that s is putting in the place of the user's; the zero value none.
func (a *Accounts) NextApp(ctx context.Context, s broker.Session) (broker.Factor, error) {
	f, err := a.begun(ctx, s, broker.FactorNextTOTP, time.Now())
	if errors.Is(err, ErrFactorGone) || errors.Is(err, ErrNoFactors) || errors.Is(err, broker.ErrSignIn) {
		return broker.Factor{}, nil
	}
	return f, err
}

// ConfirmSwap puts the app that StartSwap began with in the place of the user's, where
// it shows the code that was typed, and the user shows what they had once more
// (current: a code of it, or a recovery code). It returns new recovery codes: those
// before may be where the old app is. Errors: those of ConfirmFactor and, about the
// field current, RemoveFactor.
func (a *Accounts) ConfirmSwap(ctx context.Context, s broker.Session, typed, current string) (codes []string, err error) {
	f, err := a.begun(ctx, s, broker.FactorNextTOTP, time.Now())
	if err != nil {
		return nil, err
	}
	step, ok := stepOf(f.Secret, typed, time.Now())
	if !ok {
		return nil, ErrFactorWrong
	}
	err = a.shown(ctx, s, current, func(ctx context.Context, user broker.User, at time.Time) error {
		if err := stillIn(s, user); err != nil {
			return err
		}
		// Begun anew, or confirmed in another tab, it is not f any more.
		if now, err := a.begun(ctx, s, broker.FactorNextTOTP, at); err != nil {
			return err
		} else if now.ID != f.ID {
			return ErrFactorGone
		}
		old, err := a.factorOf(ctx, user.ID, broker.FactorTOTP)
		if err != nil {
			return err
		}
		for _, kind := range []broker.FactorKind{broker.FactorNextTOTP, broker.FactorTOTP} {
			if err := a.store.DeleteFactor(ctx, user.ID, kind); errors.Is(err, broker.ErrNotFound) {
				return ErrFactorGone.Because(err)
			} else if err != nil {
				return err
			}
		}
		// It goes on as the one before: there was one all the time, and a mail that takes
		// that one back takes this one.
		f.ID, f.ConfirmedAt = old.ID, old.ConfirmedAt
		f.Kind, f.LastStep, f.LastUsedAt = broker.FactorTOTP, step, at
		if err := a.store.CreateFactor(ctx, f); err != nil {
			return err
		}
		if err := a.store.ForgetBrowsers(ctx, user.ID); err != nil {
			return fmt.Errorf("forget browsers: %w", err)
		}
		if codes, err = a.newRecoveryCodes(ctx, f, at); err != nil {
			return err
		}
		return a.factorChanged(ctx, user, broker.EventFactorSwapped, "factor-swapped", at)
	})
	if e, ok := errors.AsType[*broker.Error](err); ok && e.Kind == broker.KindInvalid && e.Field == "code" {
		return nil, e.At("current")
	}
	if err != nil {
		return nil, err
	}
	return codes, nil
}
