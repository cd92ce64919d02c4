package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"idbroker/broker"
)

// PasskeysOf returns a user's passkeys, oldest first, also where they are off.
func (a *Accounts) PasskeysOf(ctx context.Context, user broker.UserID) ([]broker.Passkey, error) {
	all, err := a.store.PasskeysOf(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	return all, nil
}

// RenamePasskey gives a passkey of the user another name. Errors: passkey.gone,
// passkey.name_invalid, passkey.name_taken.
func (a *Accounts) RenamePasskey(ctx context.Context, user broker.UserID, id, name string) error {
	name, err := cleanPasskeyName(name)
	if err != nil {
		return err
	}
	switch err := a.store.RenamePasskey(ctx, user, id, name); {
	case errors.Is(err, broker.ErrNotFound):
		return ErrPasskeyGone.Because(err)
	case errors.Is(err, broker.ErrConflict):
		return ErrPasskeyNameTaken.Because(err)
	default:
		return err
	}
}

// RemovePasskey takes a passkey away from the session's user, who must have signed
// in a moment ago, keeps a way in, and a second factor where they need one. Their other
// sessions end that may have been opened with it. Errors: sign_in_again, passkey.gone,
// passkey.last, factor.needed.
func (a *Accounts) RemovePasskey(ctx context.Context, s broker.Session, id string) error {
	at := time.Now()
	if !s.Fresh(a.o.FreshFor, at) {
		return broker.ErrSignIn
	}
	return a.dropPasskey(ctx, s.UserID, id, s.SID, broker.EventPasskeyRemoved, "passkey-removed", at, false)
}

// ResetPasskey is RemovePasskey by an operator: also the last way in. Who has only
// that gets another one by mail.
func (a *Accounts) ResetPasskey(ctx context.Context, user broker.UserID, id string) error {
	return a.dropPasskey(ctx, user, id, "", broker.EventPasskeyReset, "passkey-removed-for-you", time.Now(), true)
}

func (a *Accounts) dropPasskey(ctx context.Context, id broker.UserID, passkey, keepSID, event, template string, at time.Time, last bool) error {
	return a.store.InTx(ctx, func(ctx context.Context) error {
		user, err := a.store.LockUser(ctx, id) // two tabs cannot each remove the last but one
		if err != nil {
			return fmt.Errorf("lock user: %w", err)
		}
		all, err := a.store.PasskeysOf(ctx, id)
		if err != nil {
			return fmt.Errorf("passkeys: %w", err)
		}
		i := slices.IndexFunc(all, func(p broker.Passkey) bool { return p.ID == passkey })
		if i < 0 {
			return ErrPasskeyGone
		}
		if !last && a.Passkeys() && len(all) == 1 {
			if left, err := a.WaysIn(ctx, user, 1); err != nil {
				return err
			} else if left.Lasting() == 0 {
				return ErrPasskeyLast
			}
		}
		if !last && a.NeedFactors() && a.Passkeys() && len(all) == 1 && !user.HasSecondFactor() {
			return ErrFactorNeeded
		}
		if err := a.store.DeletePasskey(ctx, id, passkey); errors.Is(err, broker.ErrNotFound) {
			return ErrPasskeyGone.Because(err)
		} else if err != nil {
			return err
		}
		if !last {
			if err := a.retire(ctx, broker.Retired{ID: passkey, UserID: id, Kind: broker.RetiredPasskey, Since: all[i].CreatedAt, Passkey: &all[i]}, at); err != nil {
				return err
			}
		}
		if err := a.endOpenedBy(ctx, all[i], keepSID, at); err != nil {
			return err
		}
		if err := a.event(ctx, event, id, at); err != nil {
			return err
		}
		return a.tellOfPasskey(ctx, user, all[i].Name, template, at)
	})
}

// endOpenedBy ends the sessions, but one, that a passkey may have opened, with what hangs on
// them: whoever has the device is in them. Which passkey a session has seen is not kept; it
// was none that was used last before the session began.
func (a *Accounts) endOpenedBy(ctx context.Context, p broker.Passkey, keepSID string, at time.Time) error {
	sessions, err := a.store.SessionsOf(ctx, p.UserID)
	if err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	for _, s := range sessions {
		if s.SID == keepSID || !slices.Contains(s.AMR, broker.AMRKey) || s.AuthTime.After(p.LastUsedAt) {
			continue
		}
		if err := a.store.EndSession(ctx, p.UserID, s.SID); err != nil && !errors.Is(err, broker.ErrNotFound) {
			return fmt.Errorf("end session: %w", err)
		}
		if _, err := a.o.EndGrants(ctx, broker.GrantFilter{UserID: p.UserID, SID: s.SID}, "passkey removed", at); err != nil {
			return fmt.Errorf("end grants: %w", err)
		}
	}
	return nil
}

// tellOfPasskey mails what happened to a passkey, where the address was proven.
func (a *Accounts) tellOfPasskey(ctx context.Context, u broker.User, passkey, template string, at time.Time) error {
	if !u.EmailVerified() {
		return nil
	}
	return a.store.Enqueue(ctx, mail(ctx, u.Email, template, u.Locale, at, map[string]string{"name": u.Called(), "passkey": passkey}))
}
