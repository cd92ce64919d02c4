package local

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"idbroker/broker"
)

// ConfirmFactor makes the app that is being set up count, where it shows the code
// that was typed, and returns the recovery codes: nobody sees them again. The
// other sessions of the user end with what hangs on them, since they began
// without it. s is the session that began the setting up, or stands for the login
// that did, on the way to one: its IDHash is "". Errors: factor.off, sign_in_again,
// factor.gone, factor.has, factor.wrong.
func (a *Accounts) ConfirmFactor(ctx context.Context, s broker.Session, typed string) ([]string, error) {
	at := time.Now()
	if err := a.mayChangeFactors(s, at); err != nil {
		return nil, err
	}
	f, err := a.store.Factor(ctx, s.UserID, broker.FactorTOTP)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return nil, ErrFactorGone.Because(err)
	case err != nil:
		return nil, fmt.Errorf("find factor: %w", err)
	case f.Confirmed():
		return nil, ErrFactorHas
	case at.Sub(f.CreatedAt) > setUpFor, f.BegunBy != s.SID:
		return nil, ErrFactorGone
	}
	step, ok := stepOf(f.Secret, typed, at)
	if !ok {
		return nil, ErrFactorWrong
	}
	var codes []string
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		user, err := a.store.LockUser(ctx, s.UserID)
		if err != nil {
			return fmt.Errorf("lock user: %w", err)
		}
		if err := stillIn(s, user); err != nil {
			return err
		}
		if err := a.store.ConfirmFactor(ctx, f.ID, step, at); errors.Is(err, broker.ErrSpent) {
			return ErrFactorGone.Because(err)
		} else if err != nil {
			return err
		}
		user.SecondFactorAt, user.UpdatedAt = at, at
		if err := a.store.UpdateUser(ctx, user); err != nil {
			return fmt.Errorf("update user: %w", err)
		}
		if codes, err = a.newRecoveryCodes(ctx, f, at); err != nil {
			return err
		}
		if err := a.endOthers(ctx, user.ID, s.SID, "second factor added", at); err != nil {
			return err
		}
		return a.factorChanged(ctx, user, broker.EventFactorAdded, "factor-added", at)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// stillIn refuses who signed in before everybody who had was thrown out, and has no
// session that tells: the session that stands is looked at with each request.
func stillIn(s broker.Session, u broker.User) error {
	switch {
	case u.Disabled():
		return u.Refusal()
	case s.IDHash == "" && (s.AuthTime.Before(u.SignedOutAt) || s.AuthTime.Before(u.PasswordSetAt)):
		return broker.ErrSignIn
	}
	return nil
}

// endOthers ends a user's sessions but one, with what hangs on them.
func (a *Accounts) endOthers(ctx context.Context, user broker.UserID, keepSID, reason string, at time.Time) error {
	ended, err := a.store.EndSessions(ctx, user, keepSID)
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	for _, sid := range ended {
		if _, err := a.o.EndGrants(ctx, broker.GrantFilter{UserID: user, SID: sid}, reason, at); err != nil {
			return fmt.Errorf("end grants: %w", err)
		}
	}
	return nil
}

// factorChanged writes the event and tells the owner.
func (a *Accounts) factorChanged(ctx context.Context, u broker.User, event, template string, at time.Time) error {
	if err := a.event(ctx, event, u.ID, at); err != nil {
		return err
	}
	return a.tellOwner(ctx, u, template, at)
}

// RemoveFactor takes the user's app away, with the recovery codes. Who asks must
// have signed in a moment ago and show the factor once more: a code of the app, or
// a recovery code. Errors: factor.off, sign_in_again, factor.gone, factor.wrong.
func (a *Accounts) RemoveFactor(ctx context.Context, s broker.Session, typed string) error {
	at := time.Now()
	if err := a.mayChangeFactors(s, at); err != nil {
		return err
	}
	return a.store.InTx(ctx, func(ctx context.Context) error {
		user, err := a.store.LockUser(ctx, s.UserID)
		if err != nil {
			return fmt.Errorf("lock user: %w", err)
		}
		if err := a.show(ctx, user.ID, typed, at); err != nil {
			return err
		}
		return a.dropFactors(ctx, user, broker.EventFactorRemoved, "factor-removed", at)
	})
}

// show spends a code of the app or a recovery code, inside a unit of work.
func (a *Accounts) show(ctx context.Context, user broker.UserID, typed string, at time.Time) error {
	if _, ok := cleanTOTP(typed); ok {
		return a.UseFactor(ctx, user, typed)
	}
	return a.spendRecovery(ctx, user, typed, at)
}

// ResetFactors takes a user's second factor away, by an operator, whom the person
// must have convinced: whoever has the password is in again. Their sessions stay.
// factor.gone where there is none.
func (a *Accounts) ResetFactors(ctx context.Context, id broker.UserID) error {
	at := time.Now()
	return a.store.InTx(ctx, func(ctx context.Context) error {
		user, err := a.store.LockUser(ctx, id)
		if err != nil {
			return err
		}
		if !user.HasSecondFactor() {
			return ErrFactorGone
		}
		return a.dropFactors(ctx, user, broker.EventFactorReset, "factor-removed-for-you", at)
	})
}

// dropFactors removes what is asked for beside the first thing, and says so.
func (a *Accounts) dropFactors(ctx context.Context, u broker.User, event, template string, at time.Time) error {
	if err := a.forgetFactors(ctx, u.ID); err != nil {
		return err
	}
	u.SecondFactorAt, u.UpdatedAt = time.Time{}, at
	if err := a.store.UpdateUser(ctx, u); err != nil {
		return fmt.Errorf("update user: %w", err)
	}
	return a.factorChanged(ctx, u, event, template, at)
}

// forgetFactors deletes a user's factors and recovery codes. The caller writes
// the user.
func (a *Accounts) forgetFactors(ctx context.Context, id broker.UserID) error {
	if err := a.store.DeleteFactors(ctx, id); err != nil {
		return fmt.Errorf("delete factors: %w", err)
	}
	if err := a.store.DeleteRecoveryCodes(ctx, id); err != nil {
		return fmt.Errorf("delete recovery codes: %w", err)
	}
	if err := a.store.ForgetBrowsers(ctx, id); err != nil {
		return fmt.Errorf("forget browsers: %w", err)
	}
	return nil
}

// codesLeft is what a mail says of how many recovery codes there are.
func codesLeft(n int) map[string]string { return map[string]string{"left": strconv.Itoa(n)} }
