package local

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"idbroker/broker"
)

// RequestReset mails a link to choose a new password, where the address belongs
// to an active account. It answers the same everywhere; an unknown address
// costs the same writes, in a row that can never be spent.
func (a *Accounts) RequestReset(ctx context.Context, email, locale string) error {
	at := time.Now()
	email, err := broker.NormalizeEmail(email)
	if err != nil {
		return err
	}
	user, _, err := a.owner(ctx, email)
	if err != nil {
		return err
	}
	token := broker.NewSecret()
	return a.store.InTx(ctx, func(ctx context.Context) error {
		if user.ID != "" {
			if err := a.store.VoidMailTokens(ctx, user.ID, broker.MailReset, at); err != nil {
				return fmt.Errorf("void mail tokens: %w", err)
			}
		}
		err := a.store.CreateMailToken(ctx, broker.MailToken{
			Hash: token.Hash(), Purpose: broker.MailReset, Email: email, UserID: user.ID, Version: user.Version,
			CreatedAt: at, ExpiresAt: at.Add(broker.MailTokenLifetime),
		})
		if err != nil {
			return fmt.Errorf("create mail token: %w", err)
		}
		if user.ID == "" || user.Disabled() {
			return nil
		}
		return a.store.Enqueue(ctx, mail(ctx, email, "reset", user.Locale, at, map[string]string{
			"name": user.Called(), "link": a.o.Issuer + "/reset-password/?token=" + token.Reveal(),
			"minutes": strconv.Itoa(int(broker.MailTokenLifetime.Minutes())),
		}))
	})
}

// resettable returns the user whom a live reset link is about. Any change of
// the account since voids it.
func (a *Accounts) resettable(ctx context.Context, token broker.Secret, at time.Time) (broker.MailToken, broker.User, error) {
	t, err := a.live(ctx, token, broker.MailReset, at)
	if err != nil {
		return t, broker.User{}, err
	}
	user, err := a.store.User(ctx, t.UserID)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return t, user, ErrMailUnknown
	case err != nil:
		return t, user, fmt.Errorf("find user: %w", err)
	case user.Version != t.Version || user.Email != t.Email:
		return t, user, ErrMailUsed
	case user.Disabled():
		return t, user, broker.ErrDisabled
	}
	return t, user, nil
}

// ResetFor tells whose password a link changes. It spends nothing.
func (a *Accounts) ResetFor(ctx context.Context, token broker.Secret) (email string, err error) {
	t, _, err := a.resettable(ctx, token, time.Now())
	return t.Email, err
}

// Reset spends a link and gives its user a new password. It ends all sessions
// and grants: whoever had the old password is out. Reading the mail proves the
// address.
func (a *Accounts) Reset(ctx context.Context, token, password broker.Secret) (broker.User, error) {
	at := time.Now()
	_, user, err := a.resettable(ctx, token, at)
	if err != nil {
		return broker.User{}, err
	}
	if err := a.check(password, user.Email, user.Username); err != nil {
		return broker.User{}, err
	}
	hash, err := a.hash.make(ctx, password) // outside the unit of work: it takes long
	if err != nil {
		return broker.User{}, err
	}
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		t, u, err := a.resettable(ctx, token, at)
		if err != nil {
			return err
		}
		if err := a.spend(ctx, t, at); err != nil {
			return err
		}
		if user = u; !user.EmailVerified() {
			user.EmailVerifiedAt = at
		}
		if _, err := a.store.RevokeGrants(ctx, broker.GrantFilter{UserID: user.ID}, "password reset", at); err != nil {
			return fmt.Errorf("revoke grants: %w", err)
		}
		return a.setPassword(ctx, user, hash, "", broker.EventPasswordReset, at)
	})
	if err != nil {
		return broker.User{}, err
	}
	return user, nil
}
