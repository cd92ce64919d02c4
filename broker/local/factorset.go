package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	f, err := a.begun(ctx, s, broker.FactorTOTP, at)
	if err != nil {
		return nil, err
	}
	step, ok := stepOf(f.Secret, typed, at)
	if !ok {
		return nil, ErrFactorWrong
	}
	return a.count(ctx, s, f, step, at)
}

// begun is the factor of a kind that s is setting up.
func (a *Accounts) begun(ctx context.Context, s broker.Session, kind broker.FactorKind, at time.Time) (broker.Factor, error) {
	if err := a.mayChangeFactors(s, at); err != nil {
		return broker.Factor{}, err
	}
	f, err := a.store.Factor(ctx, s.UserID, kind)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return f, ErrFactorGone.Because(err)
	case err != nil:
		return f, fmt.Errorf("find factor: %w", err)
	case f.Confirmed():
		return f, ErrFactorHas
	case at.Sub(f.CreatedAt) > setUpFor, f.BegunBy != s.SID:
		return f, ErrFactorGone
	}
	return f, nil
}

// count makes a factor count, whose code was right. The first one brings recovery
// codes, and ends the sessions that began without it.
func (a *Accounts) count(ctx context.Context, s broker.Session, f broker.Factor, step int64, at time.Time) (codes []string, err error) {
	words := wordsOfKind[f.Kind]
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		user, err := a.store.LockUser(ctx, s.UserID)
		if err != nil {
			return fmt.Errorf("lock user: %w", err)
		}
		if err := stillIn(s, user); err != nil {
			return err
		}
		if user.HasSecondFactor() && s.ACR != broker.ACRSecond {
			return broker.ErrSignIn // the owner was faster, and nothing of theirs was shown here
		}
		if err := a.store.ConfirmFactor(ctx, f.ID, step, at); errors.Is(err, broker.ErrSpent) {
			return ErrFactorGone.Because(err)
		} else if err != nil {
			return err
		}
		data := map[string]string{}
		tell := func() error {
			if err := a.event(ctx, words.added, user.ID, at); err != nil {
				return err
			}
			return a.tellOfAddition(ctx, broker.MailFactorBack, user, f.ID, words.addedMail, data, at)
		}
		if user.HasSecondFactor() {
			return tell()
		}
		data["first"] = "1"
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
		return tell()
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// kindWords are the events and mails about factors of a kind.
type kindWords struct{ added, addedMail, removed, removedMail string }

var wordsOfKind = map[broker.FactorKind]kindWords{
	broker.FactorTOTP: {broker.EventFactorAdded, "factor-added", broker.EventFactorRemoved, "factor-removed"},
	broker.FactorSMS:  {broker.EventNumberAdded, "number-added", broker.EventNumberRemoved, "number-removed"},
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

// RemoveFactor takes all second factors of the user away, with the recovery codes. Who
// asks must have signed in a moment ago and show one once more: a code, or a
// recovery code. Errors: factor.off, sign_in_again, factor.gone, factor.wrong, and
// factor.needed where they need one and keep none.
func (a *Accounts) RemoveFactor(ctx context.Context, s broker.Session, typed string) error {
	return a.shown(ctx, s, typed, func(ctx context.Context, user broker.User, at time.Time) error {
		switch may, err := a.MayRemoveFactors(ctx, user.ID); {
		case err != nil:
			return err
		case !may:
			return ErrFactorNeeded
		}
		return a.dropFactors(ctx, user, broker.EventFactorRemoved, "factor-removed", at)
	})
}

// RemoveOne is RemoveFactor for the factor of a kind beside which there is another
// one, and returns new recovery codes: the ones before stop working. factor.only where
// there is no other.
func (a *Accounts) RemoveOne(ctx context.Context, s broker.Session, kind broker.FactorKind, typed string) (codes []string, err error) {
	err = a.shown(ctx, s, typed, func(ctx context.Context, user broker.User, at time.Time) error {
		all, err := a.counting(ctx, user.ID)
		if err != nil {
			return err
		}
		rest := slices.DeleteFunc(slices.Clone(all), func(f broker.Factor) bool { return f.Kind == kind })
		switch {
		case len(rest) == len(all):
			return ErrFactorGone
		case len(rest) == 0:
			return ErrFactorOnly
		}
		if err := a.store.DeleteFactor(ctx, user.ID, kind); err != nil {
			return err
		}
		if err := a.store.ForgetBrowsers(ctx, user.ID); err != nil {
			return fmt.Errorf("forget browsers: %w", err)
		}
		if codes, err = a.newRecoveryCodes(ctx, rest[0], at); err != nil {
			return err
		}
		words := wordsOfKind[kind]
		return a.factorChanged(ctx, user, words.removed, words.removedMail, at)
	})
	return codes, err
}

// shown does something about a user's factors, in a unit of work, after s has shown one
// of them once more.
func (a *Accounts) shown(ctx context.Context, s broker.Session, typed string, do func(ctx context.Context, user broker.User, at time.Time) error) error {
	at := time.Now()
	if err := a.mayChangeFactors(s, at); err != nil {
		return err
	}
	sent, err := a.showSMS(ctx, s, typed) // not in the unit: a wrong guess is counted
	if err != nil {
		return err
	}
	return a.store.InTx(ctx, func(ctx context.Context) error {
		user, err := a.store.LockUser(ctx, s.UserID)
		if err != nil {
			return fmt.Errorf("lock user: %w", err)
		}
		if !sent {
			if err := a.show(ctx, user.ID, typed, at); err != nil {
				return err
			}
		}
		return do(ctx, user, at)
	})
}

// showSMS spends a code that was sent to the user's number for this session, where
// that is what was typed: six digits that are none of an app. done is false for
// anything else, which show is for.
func (a *Accounts) showSMS(ctx context.Context, s broker.Session, typed string) (done bool, err error) {
	if _, ok := cleanTOTP(typed); !ok {
		return false, nil
	}
	f, err := a.factorOf(ctx, s.UserID, broker.FactorSMS)
	if errors.Is(err, ErrFactorGone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	app, err := a.factorOf(ctx, s.UserID, broker.FactorTOTP)
	switch {
	case errors.Is(err, ErrFactorGone):
	case err != nil:
		return false, err
	default:
		if _, ok := stepOf(app.Secret, typed, time.Now()); ok || f.CodeMAC == "" {
			return false, nil
		}
		if err := a.spendSMS(ctx, f, s.SID, typed); errors.Is(err, ErrFactorWrong) {
			return false, ErrFactorWrong.Because(err) // of the app, for all we know
		} else if err != nil {
			return false, err
		}
		return true, nil
	}
	err = a.spendSMS(ctx, f, s.SID, typed)
	return err == nil, err
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
