package local

import (
	"context"
	"fmt"
	"time"

	"idbroker/broker"
)

// Errors about a password that is to go.
var (
	// ErrPasswordLast: nothing else would open the account.
	ErrPasswordLast = &broker.Error{Kind: broker.KindConflict, Message: "password.last"}
	// ErrPasswordNone: there is none, or passwords open nothing here.
	ErrPasswordNone = &broker.Error{Kind: broker.KindGone, Message: "password.none"}
)

// RemovePassword takes the password away from the session's user, who must have signed in
// a moment ago, types it once more and keeps a way in. Their other sessions end, with what
// hangs on them, and so does what was begun with it and has no session yet. The mail about it leads
// to a new one. Errors: sign_in_again, password.none, password.wrong, password.last.
func (a *Accounts) RemovePassword(ctx context.Context, s broker.Session, current broker.Secret) error {
	if !s.Fresh(a.o.FreshFor, time.Now()) {
		return broker.ErrSignIn
	}
	user, err := a.store.User(ctx, s.UserID)
	if err != nil {
		return fmt.Errorf("remove password: %w", err)
	}
	if a.o.NoPasswords || !user.HasPassword() {
		return ErrPasswordNone
	}
	switch ok, _, err := a.verify(ctx, user, current); {
	case err != nil:
		return err
	case !ok:
		return ErrPasswordWrong
	}
	at := time.Now()
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		locked, err := a.store.LockUser(ctx, user.ID) // two tabs cannot each remove the last but one
		switch {
		case err != nil:
			return fmt.Errorf("lock user: %w", err)
		case locked.Disabled():
			return locked.Refusal()
		case locked.PasswordHash != user.PasswordHash:
			return ErrPasswordWrong // another one by now
		}
		locked.PasswordHash, locked.PasswordSetAt, locked.SignedOutAt, locked.UpdatedAt = "", time.Time{}, at, at
		switch left, err := a.WaysIn(ctx, locked, 0); {
		case err != nil:
			return err
		case left.Lasting() == 0:
			return ErrPasswordLast
		}
		if err := a.store.UpdateUser(ctx, locked); err != nil {
			return fmt.Errorf("update user: %w", err)
		}
		if err := a.signOut(ctx, user.ID, s.SID, "password removed", at); err != nil {
			return err
		}
		if err := a.store.VoidMailTokens(ctx, user.ID, broker.MailReset, at); err != nil {
			return fmt.Errorf("void mail tokens: %w", err)
		}
		return a.factorChanged(ctx, locked, broker.EventPasswordRemoved, "password-removed", at)
	})
	if err != nil {
		return err
	}
	a.log.InfoContext(ctx, "password removed", "user", s.UserID)
	return nil
}
