package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// tellOldAddress mails the address that an account no longer has. Where a mail
// had proven it, its reader can take the change back; where a provider's word
// alone stood for it, its reader may be somebody else, and is only told.
func (a *Accounts) tellOldAddress(ctx context.Context, old broker.User, email string, at time.Time) error {
	if !old.EmailVerified() {
		return nil
	}
	data := map[string]string{"name": old.Called(), "new": broker.MaskEmail(email)}
	if old.EmailProven() {
		token, until := broker.NewSecret(), at.Add(a.o.UndoWithin)
		err := a.store.CreateMailToken(ctx, broker.MailToken{
			Hash: token.Hash(), Purpose: broker.MailEmailBack, Email: old.Email, UserID: old.ID, About: aboutUsername + old.Username, CreatedAt: at, ExpiresAt: until,
		})
		if err != nil {
			return fmt.Errorf("create mail token: %w", err)
		}
		data["link"] = a.o.Issuer + broker.EmailBackPath + "?token=" + token.Reveal()
		data["until"] = until.UTC().Format(time.RFC3339)
	}
	return a.store.Enqueue(ctx, mail(ctx, old.Email, "email-changed", old.Locale, at, data))
}

// EmailBackFor tells which address a link gives back. It spends nothing: mail
// scanners follow links. Errors: ErrBackUnknown, ErrBackTaken, broker.ErrDisabled.
func (a *Accounts) EmailBackFor(ctx context.Context, token broker.Secret) (email string, err error) {
	t, _, err := a.emailBack(ctx, token, time.Now(), a.store.User)
	return t.Email, err
}

func (a *Accounts) emailBack(ctx context.Context, token broker.Secret, at time.Time, read func(context.Context, broker.UserID) (broker.User, error)) (broker.MailToken, broker.User, error) {
	t, err := a.live(ctx, token, broker.MailEmailBack, at)
	if broker.KindOf(err) == broker.KindGone {
		return t, broker.User{}, ErrBackUnknown.Because(err)
	}
	if err != nil {
		return t, broker.User{}, err
	}
	u, err := read(ctx, t.UserID)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return t, u, ErrBackUnknown
	case err != nil:
		return t, u, fmt.Errorf("find user: %w", err)
	case u.Disabled() && !u.Closed():
		return t, u, u.Refusal()
	}
	if err := a.free(ctx, t.Email, u.ID); err != nil {
		if errors.Is(err, ErrEmailTaken) {
			err = ErrBackTaken
		}
		return t, u, err
	}
	return t, u, nil
}

// TakeEmailBack spends a link: its account has the address back that it had, is as it
// was then (returnTo), and everybody is signed out, who made the change first of all.
// Links of later changes are void: a thief's second address must not undo this.
// Those of earlier ones stay, for the same reason. A closed account is open again. It
// returns the user, with the address. Errors as EmailBackFor.
func (a *Accounts) TakeEmailBack(ctx context.Context, token broker.Secret) (broker.User, error) {
	at := time.Now()
	var user broker.User
	err := a.store.InTx(ctx, func(ctx context.Context) error {
		t, u, err := a.emailBack(ctx, token, at, a.store.LockUser)
		if err != nil {
			return err
		}
		switch err := a.spend(ctx, t, at); {
		case errors.Is(err, ErrMailUsed):
			return ErrBackUnknown.Because(err)
		case err != nil:
			return err
		}
		if err := a.store.VoidMailTokensSince(ctx, u.ID, broker.MailEmailBack, t.CreatedAt, at); err != nil {
			return fmt.Errorf("void mail tokens: %w", err)
		}
		if err := a.returnTo(ctx, &u, t, at); err != nil {
			return err
		}
		user = u
		user.Email = t.Email
		if u.Closed() { // by whoever had made the change
			u.DisabledAt, u.EraseAt = time.Time{}, time.Time{}
		}
		// They had the address before, so a domain that was blocked since does not
		// keep it from them: the thief of the account would.
		_, d, err := a.standing(ctx, t.Email)
		if err != nil {
			return err
		}
		if err := a.vouchFor(ctx, &u, d, at); err != nil {
			return err
		}
		return a.readdress(ctx, u, t.Email, "", broker.EventEmailRestored, at)
	})
	switch {
	case errors.Is(err, ErrEmailTaken): // between our read and our write
		return broker.User{}, ErrBackTaken.Because(err)
	case err != nil:
		return broker.User{}, err
	}
	a.log.InfoContext(ctx, "change of address undone", "user", user.ID)
	return user, nil
}
