package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"idbroker/broker"
)

// Errors about another address.
var (
	ErrEmailSame     = &broker.Error{Kind: broker.KindInvalid, Message: "email.same", Field: "email"}
	ErrEmailTaken    = &broker.Error{Kind: broker.KindConflict, Message: "email.taken"}    // by somebody, since it was asked for
	ErrEmailOther    = &broker.Error{Kind: broker.KindForbidden, Message: "email.other"}   // the link is another account's
	ErrEmailOutdated = &broker.Error{Kind: broker.KindGone, Message: "email.outdated"}     // the account has changed since
	ErrBackUnknown   = &broker.Error{Kind: broker.KindGone, Message: "email.back_unknown"} // or used, or too old
	ErrBackTaken     = &broker.Error{Kind: broker.KindConflict, Message: "email.back_taken"}
)

// RequestEmail asks for a link that proves another address for the account of a
// recent session. It looks at no account: an entry in the outbox is all that it
// writes, for whatever address, so nobody learns from its time who has an account
// here. DeliverEmail decides. Errors: broker.ErrEmail, ErrEmailSame, ErrDomainBlocked,
// broker.ErrSignIn.
func (a *Accounts) RequestEmail(ctx context.Context, s broker.Session, email string) error {
	at, from := time.Now(), broker.RequestOf(ctx)
	if !s.Fresh(a.o.FreshFor, at) {
		return broker.ErrSignIn
	}
	email, err := broker.NormalizeEmail(email)
	if err != nil {
		return err
	}
	u, err := a.store.User(ctx, s.UserID)
	switch {
	case err != nil:
		return fmt.Errorf("find user: %w", err)
	case u.Email == email && u.EmailProven():
		return ErrEmailSame
	}
	if err := a.admit(ctx, email); err != nil {
		return err
	}
	return a.store.Enqueue(ctx, broker.EmailRequest{UserID: u.ID, Version: u.Version, Email: email, At: at, IP: from.IP, Browser: from.Browser}.Entry(at))
}

// DeliverEmail is the outbox handler of broker.OutboxEmail: it mails the link, or
// tells whoever has an account with the address. Links that were mailed before
// are void. A request that waited for longer than a link works is dropped, and one
// of an account that has changed: the person has asked again, or been thrown out.
func (a *Accounts) DeliverEmail(ctx context.Context, payload []byte) error {
	var r broker.EmailRequest
	if err := json.Unmarshal(payload, &r); err != nil {
		return broker.Permanent(fmt.Errorf("read request for another address: %w", err))
	}
	at := time.Now()
	if at.Sub(r.At) > broker.MailTokenLifetime {
		return nil
	}
	u, err := a.store.User(ctx, r.UserID)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("find user: %w", err)
	case u.Disabled() || u.Version != r.Version:
		return nil
	}
	owner, known, err := a.owner(ctx, r.Email)
	if err != nil {
		return err
	}
	ctx = broker.WithRequest(ctx, broker.Request{IP: r.IP, Browser: r.Browser})
	if known && owner.ID != u.ID {
		return a.store.Enqueue(ctx, mail(ctx, owner.Email, "email-known", owner.Locale, r.At, map[string]string{"name": owner.Called()}))
	}
	return a.store.InTx(ctx, func(ctx context.Context) error {
		token, err := a.onlyLink(ctx, broker.MailToken{Purpose: broker.MailEmail, Email: r.Email, UserID: u.ID, Version: r.Version}, at)
		if err != nil {
			return err
		}
		// Nobody has proven the address: who reads this may be a stranger, and
		// learns neither the name nor the address of the account.
		return a.store.Enqueue(ctx, mail(ctx, r.Email, "email", u.Locale, r.At, map[string]string{
			"link": a.o.Issuer + broker.EmailPath + "?token=" + token.Reveal(), "minutes": strconv.Itoa(int(broker.MailTokenLifetime.Minutes())),
		}))
	})
}

// EmailFor tells which address a link gives the account of a session. It spends
// nothing. The mail proves the address and the session the account: a link that
// went to a mistyped address gives its reader nothing. Errors: those of the mail,
// ErrEmailOther, ErrEmailOutdated, ErrEmailTaken, ErrDomainBlocked.
func (a *Accounts) EmailFor(ctx context.Context, s broker.Session, token broker.Secret) (email string, err error) {
	t, u, err := a.emailToken(ctx, s, token, time.Now(), a.store.User)
	if err == nil {
		err = a.free(ctx, t.Email, u.ID)
	}
	if err == nil {
		err = a.admit(ctx, t.Email)
	}
	return t.Email, err
}

// emailToken returns a live link and its account, as read has it.
func (a *Accounts) emailToken(ctx context.Context, s broker.Session, token broker.Secret, at time.Time, read func(context.Context, broker.UserID) (broker.User, error)) (broker.MailToken, broker.User, error) {
	t, err := a.live(ctx, token, broker.MailEmail, at)
	if err != nil {
		return t, broker.User{}, err
	}
	if s.UserID == "" || s.UserID != t.UserID {
		return t, broker.User{}, ErrEmailOther
	}
	u, err := read(ctx, t.UserID)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return t, u, ErrMailUnknown
	case err != nil:
		return t, u, fmt.Errorf("find user: %w", err)
	case u.Disabled():
		return t, u, u.Refusal()
	case u.Version != t.Version:
		return t, u, ErrEmailOutdated
	}
	return t, u, nil
}

// free tells that nobody but an account has an address, or ErrEmailTaken.
func (a *Accounts) free(ctx context.Context, email string, but broker.UserID) error {
	owner, known, err := a.owner(ctx, email)
	if err == nil && known && owner.ID != but {
		return ErrEmailTaken
	}
	return err
}

// ConfirmEmail spends a link: the account has the address from now on. The other
// sessions end with what hangs on them, since who reads the mail of an account
// opens it, and whoever could read the old one shall not stay. What was mailed to
// the old address to get in is void. That address is told, with a way back where
// it was proven. Ways to take changes of links back stay: a thief who links must
// not end them by a change of the address. Errors as EmailFor, but ErrDomainRefused.
func (a *Accounts) ConfirmEmail(ctx context.Context, s broker.Session, token broker.Secret) (email string, err error) {
	at := time.Now()
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		t, u, err := a.emailToken(ctx, s, token, at, a.store.LockUser)
		if err != nil {
			return err
		}
		if err := a.free(ctx, t.Email, u.ID); err != nil {
			return err
		}
		if err := a.spend(ctx, t, at); err != nil {
			return err
		}
		old := u
		email, u.Email = t.Email, t.Email
		if _, err := a.confirm(ctx, &u, at); err != nil {
			return err
		}
		if err := a.readdress(ctx, u, email, s.SID, broker.EventEmailReplaced, at); err != nil {
			return err
		}
		if old.Email == email { // it was not proven, and is now
			return nil
		}
		return a.tellOldAddress(ctx, old, email, at)
	})
	if err != nil {
		return "", err
	}
	a.log.InfoContext(ctx, "address changed", "user", s.UserID)
	return email, nil
}

// readdress gives an account an address whose mail was read, and signs people out.
// Links and codes that were mailed are void by the account's new version.
func (a *Accounts) readdress(ctx context.Context, u broker.User, email, keepSID, event string, at time.Time) error {
	if err := a.signOut(ctx, u.ID, keepSID, "address changed", at); err != nil {
		return err
	}
	u.Email, u.EmailVerifiedAt, u.EmailVouchedBy, u.SignedOutAt, u.UpdatedAt = email, at, "", at, at
	switch err := a.store.UpdateUser(ctx, u); {
	case errors.Is(err, broker.ErrConflict): // somebody was faster: they commit, we wait, they win
		return ErrEmailTaken.Because(err)
	case err != nil:
		return fmt.Errorf("update user: %w", err)
	}
	return a.event(ctx, event, u.ID, at)
}
