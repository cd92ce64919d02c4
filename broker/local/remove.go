package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// Delete ends an account for good, by an operator: sessions and grants end and the
// applications are told, the tokens at providers are revoked, and everything that
// names the person goes. The address is free for a new account, which has another
// id: ids are random and never given twice. The username is not: applications may
// know somebody by it. What stays is its MAC, and the audit trail, which
// knows the id alone, until it is pruned. broker.ErrNotFound.
func (a *Accounts) Delete(ctx context.Context, id broker.UserID) error {
	return a.erase(ctx, id, broker.EventUserDeleted, "deleted-for-you", func(broker.User) bool { return true })
}

// erase is Delete for an account that still is due, which it asks under its lock:
// broker.ErrNotFound where it is not.
func (a *Accounts) erase(ctx context.Context, id broker.UserID, event, template string, due func(broker.User) bool) error {
	at := time.Now()
	return a.store.InTx(ctx, func(ctx context.Context) error {
		u, err := a.store.LockUser(ctx, id)
		if err != nil {
			return err
		}
		if !due(u) {
			return broker.ErrNotFound
		}
		if _, err := a.store.EndSessions(ctx, id, ""); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		if _, err := a.o.EndGrants(ctx, broker.GrantFilter{UserID: id}, "deleted", at); err != nil {
			return fmt.Errorf("end grants: %w", err)
		}
		if err := a.links.DetachAll(ctx, id, at); err != nil {
			return err
		}
		if err := a.giveUp(ctx, id, u.Username, at); err != nil {
			return err
		}
		for _, step := range []struct {
			what string
			do   func(context.Context, broker.UserID) error
		}{
			{"grants", a.store.DeleteGrantsOf}, // their applications have been told above
			{"mail tokens", a.store.DeleteMailTokensOf},
			{"mail codes", func(ctx context.Context, _ broker.UserID) error {
				return a.store.DeleteMailCodesTo(ctx, broker.FoldEmail(u.Email))
			}},
			{"logins", a.store.DeleteLoginsOf}, // who is half-way in does not come in
			{"user", a.store.DeleteUser},
		} {
			if err := step.do(ctx, id); err != nil {
				return fmt.Errorf("delete %s: %w", step.what, err)
			}
		}
		if err := a.event(ctx, event, id, at); err != nil {
			return err
		}
		return a.tellOwner(ctx, u, template, at)
	})
}

// ChangeEmail gives an account another address, by an operator. Nobody has proven
// it: until somebody reads a mail there, no mail about links goes to it. Links
// that were mailed to the old address do nothing any more, those that take a
// change of links back included: somebody else may read it by now. An account that
// only a provider vouched for can be re-claimed at the new address, too. Errors:
// broker.ErrEmail, ErrDomainBlocked, ErrSignUpKnown, broker.ErrNotFound.
func (a *Accounts) ChangeEmail(ctx context.Context, id broker.UserID, email string) (broker.User, error) {
	email, err := broker.NormalizeEmail(email)
	if err != nil {
		return broker.User{}, err
	}
	at := time.Now()
	var u broker.User
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		if u, err = a.store.LockUser(ctx, id); err != nil {
			return err
		}
		if u.Email == email {
			return nil
		}
		if err := a.admit(ctx, email); err != nil {
			return err
		}
		switch owner, known, err := a.owner(ctx, email); {
		case err != nil:
			return err
		case known && owner.ID != id: // or it is another spelling of theirs
			return ErrSignUpKnown
		}
		if err := a.store.DeleteMailTokensOf(ctx, id); err != nil {
			return fmt.Errorf("delete mail tokens: %w", err)
		}
		if err := a.store.VoidLinkChanges(ctx, id, time.Time{}); err != nil {
			return fmt.Errorf("void link changes: %w", err)
		}
		old := u
		// EmailVouchedBy stays: what hangs on the account is still there by a
		// provider's word alone, and whoever proves the new address re-claims it.
		u.Email, u.EmailVerifiedAt, u.UpdatedAt = email, time.Time{}, at
		if u.VerifiedBy != "" { // the old domain's word is not the new one's
			u.VerifiedAt, u.VerifiedBy = time.Time{}, ""
		}
		switch err := a.store.UpdateUser(ctx, u); {
		case errors.Is(err, broker.ErrConflict): // somebody was faster
			return ErrSignUpKnown.Because(err)
		case err != nil:
			return fmt.Errorf("update user: %w", err)
		}
		u.Version++
		if err := a.event(ctx, broker.EventEmailChanged, id, at); err != nil {
			return err
		}
		return a.tellOwner(ctx, old, "email-changed-for-you", at)
	})
	if err != nil {
		return broker.User{}, err
	}
	return u, nil
}

// tellOwner mails what was done to an account, where the address was proven.
func (a *Accounts) tellOwner(ctx context.Context, u broker.User, template string, at time.Time) error {
	if !u.EmailVerified() {
		return nil
	}
	return a.store.Enqueue(ctx, mail(ctx, u.Email, template, u.Locale, at, map[string]string{"name": u.Called()}))
}
