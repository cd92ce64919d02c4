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

// RequestReset asks for a link to choose a new password. It looks at no account:
// an entry in the outbox is all that it writes, for whatever address, so nobody
// learns from its time who has an account here. DeliverReset decides.
func (a *Accounts) RequestReset(ctx context.Context, email string) error {
	email, err := broker.NormalizeEmail(email)
	if err != nil {
		return err
	}
	at, from := time.Now(), broker.RequestOf(ctx)
	return a.store.Enqueue(ctx, broker.ResetRequest{Email: email, At: at, IP: from.IP, Browser: from.Browser}.Entry(at))
}

// DeliverReset is the outbox handler of broker.OutboxReset: it mails the link,
// where the address belongs to an active account. Who has closed theirs gets what
// reopens it: without the password nothing else would. Links that were mailed before
// are void. A request that waited for longer than a link works is dropped: the
// person has asked again, or gone.
func (a *Accounts) DeliverReset(ctx context.Context, payload []byte) error {
	var r broker.ResetRequest
	if err := json.Unmarshal(payload, &r); err != nil {
		return broker.Permanent(fmt.Errorf("read reset request: %w", err))
	}
	at := time.Now()
	if at.Sub(r.At) > broker.MailTokenLifetime {
		return nil
	}
	user, known, err := a.owner(ctx, r.Email)
	if err != nil || !known || user.Disabled() && !user.Closed() {
		return err
	}
	ctx = broker.WithRequest(ctx, broker.Request{IP: r.IP, Browser: r.Browser})
	if user.Closed() {
		return a.mailWayBack(ctx, user.ID, r.At, at)
	}
	return a.store.InTx(ctx, func(ctx context.Context) error {
		token, err := a.onlyLink(ctx, broker.MailToken{Purpose: broker.MailReset, Email: user.Email, UserID: user.ID, Version: user.Version}, at)
		if err != nil {
			return err
		}
		data := map[string]string{
			"name": user.Called(), "link": a.o.Issuer + "/reset-password/?token=" + token.Reveal(),
			"minutes": strconv.Itoa(int(broker.MailTokenLifetime.Minutes())), "when": r.At.UTC().Format(time.RFC3339),
		}
		if !a.o.Usernames.NoSignIn {
			data["username"] = user.Username // whoever needs it to sign in may have forgotten that, too
		}
		return a.store.Enqueue(ctx, mail(ctx, user.Email, "reset", user.Locale, at, data))
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
		return t, user, user.Refusal()
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
// address; where only a provider had vouched for it, what is linked goes too. An
// address that is proven now must not be of a blocked domain: ErrDomainRefused.
func (a *Accounts) Reset(ctx context.Context, token, password broker.Secret) (broker.User, error) {
	at := time.Now()
	_, user, err := a.resettable(ctx, token, at)
	if err != nil {
		return broker.User{}, err
	}
	if err := a.check(ctx, password, personOf(user)); err != nil {
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
			if user.EmailVouchedBy == "" { // or else reclaim asks
				if _, err := a.confirm(ctx, &user, at); err != nil {
					return err
				}
			}
		}
		if err := a.reclaim(ctx, &user, at); err != nil {
			return err
		}
		return a.setPassword(ctx, user, hash, "", broker.EventPasswordReset, at)
	})
	if err != nil {
		return broker.User{}, err
	}
	return user, nil
}
