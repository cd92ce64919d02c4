package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"idbroker/broker"
)

// Errors about closing an account.
var (
	ErrLastAdmin     = &broker.Error{Kind: broker.KindConflict, Message: "close.last_admin"}
	ErrReopenUnknown = &broker.Error{Kind: broker.KindGone, Message: "close.reopen_unknown"} // or used, or too late
)

const (
	// closeAfter is the default of Options.CloseAfter: who was on holiday still
	// finds a mail about what they did not do.
	closeAfter = 14 * 24 * time.Hour
	// erasedAtOnce bounds what one run of the job erases. The next one goes on.
	erasedAtOnce = 100
)

// CloseAfter is how long a closed account is kept.
func (a *Accounts) CloseAfter() time.Duration { return a.o.CloseAfter }

// Close closes the account of a recent session, by its person. Sessions and grants
// end at once and applications are told; nobody comes in any more. When the time
// that it returns has come, EraseClosed erases the account; until then a mailed
// link or a proven credential reopens it. Errors: broker.ErrSignIn, ErrLastAdmin.
func (a *Accounts) Close(ctx context.Context, s broker.Session) (eraseAt time.Time, err error) {
	at := time.Now()
	if !s.Fresh(a.o.FreshFor, at) {
		return time.Time{}, broker.ErrSignIn
	}
	eraseAt = at.Add(a.o.CloseAfter)
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		admins, err := a.store.LockAdmins(ctx) // two cannot each see the other stay
		if err != nil {
			return err
		}
		u, err := a.store.LockUser(ctx, s.UserID)
		switch {
		case err != nil:
			return fmt.Errorf("lock user: %w", err)
		case u.Disabled():
			return u.Refusal()
		case slices.Equal(admins, []broker.UserID{u.ID}):
			return ErrLastAdmin
		}
		if _, err := a.store.EndSessions(ctx, u.ID, ""); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		if _, err := a.o.EndGrants(ctx, broker.GrantFilter{UserID: u.ID}, "closed", at); err != nil {
			return fmt.Errorf("end grants: %w", err)
		}
		u.DisabledAt, u.EraseAt, u.SignedOutAt, u.UpdatedAt = at, eraseAt, at, at
		if err := a.store.UpdateUser(ctx, u); err != nil {
			return fmt.Errorf("update user: %w", err)
		}
		if err := a.event(ctx, broker.EventUserClosed, u.ID, at); err != nil {
			return err
		}
		if !u.EmailVerified() {
			return nil
		}
		token, err := a.wayBack(ctx, u, eraseAt, at)
		if err != nil {
			return err
		}
		return a.store.Enqueue(ctx, mail(ctx, u.Email, "closed", u.Locale, at, map[string]string{
			"name": u.Called(), "link": a.o.Issuer + broker.ReopenPath + "?token=" + token.Reveal(), "until": eraseAt.UTC().Format(time.RFC3339),
		}))
	})
	if err != nil {
		return time.Time{}, err
	}
	a.log.InfoContext(ctx, "account closed by its person", "user", s.UserID)
	return eraseAt, nil
}

// wayBack makes a secret that reopens a closed account until a time.
func (a *Accounts) wayBack(ctx context.Context, u broker.User, until, at time.Time) (broker.Secret, error) {
	token := broker.NewSecret()
	err := a.store.CreateMailToken(ctx, broker.MailToken{
		Hash: token.Hash(), Purpose: broker.MailReopen, Email: u.Email, UserID: u.ID, CreatedAt: at, ExpiresAt: until,
	})
	if err != nil {
		return "", fmt.Errorf("create mail token: %w", err)
	}
	return token, nil
}

// mailWayBack mails the person of a closed account what reopens it, who asked at a time for
// something that an open account would have mailed. Their earlier links stay good. Nothing is
// mailed where the account is not closed any more, or nobody has proven the address.
func (a *Accounts) mailWayBack(ctx context.Context, id broker.UserID, asked, at time.Time) error {
	return a.store.InTx(ctx, func(ctx context.Context) error {
		u, err := a.store.LockUser(ctx, id)
		if errors.Is(err, broker.ErrNotFound) || err == nil && (!u.Closed() || !u.EmailVerified() || !at.Before(u.EraseAt)) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("lock user: %w", err)
		}
		token, err := a.wayBack(ctx, u, u.EraseAt, at)
		if err != nil {
			return err
		}
		return a.store.Enqueue(ctx, mail(ctx, u.Email, "closed-known", u.Locale, asked, map[string]string{
			"name": u.Called(), "link": a.o.Issuer + broker.ReopenPath + "?token=" + token.Reveal(), "until": u.EraseAt.UTC().Format(time.RFC3339),
		}))
	})
}

// OfferReopen makes a secret for the page of somebody who has just proven a
// credential of a closed account; the caller saw to that (broker.Closed).
func (a *Accounts) OfferReopen(ctx context.Context, id broker.UserID) (broker.Secret, error) {
	at := time.Now()
	u, err := a.store.User(ctx, id)
	if err != nil {
		return "", fmt.Errorf("find user: %w", err)
	}
	return a.wayBack(ctx, u, at.Add(broker.MailTokenLifetime), at)
}

// ReopenFor tells which account a link reopens. It spends nothing.
func (a *Accounts) ReopenFor(ctx context.Context, token broker.Secret) (broker.User, error) {
	_, u, err := a.reopenable(ctx, token, time.Now(), a.store.User)
	return u, err
}

func (a *Accounts) reopenable(ctx context.Context, token broker.Secret, at time.Time, read func(context.Context, broker.UserID) (broker.User, error)) (broker.MailToken, broker.User, error) {
	t, err := a.live(ctx, token, broker.MailReopen, at)
	if broker.KindOf(err) == broker.KindGone {
		return t, broker.User{}, ErrReopenUnknown.Because(err)
	}
	if err != nil {
		return t, broker.User{}, err
	}
	u, err := read(ctx, t.UserID)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return t, u, ErrReopenUnknown
	case err != nil:
		return t, u, fmt.Errorf("find user: %w", err)
	case !u.Closed() && u.Disabled(): // by the operators, since
		return t, u, u.Refusal()
	case !u.Closed() || u.Email != t.Email || !at.Before(u.EraseAt):
		return t, u, ErrReopenUnknown
	}
	return t, u, nil
}

// Reopen spends a link: its account is open again, as it was but for sessions and
// tokens. It signs nobody in. Errors: ErrReopenUnknown, broker.ErrDisabled.
func (a *Accounts) Reopen(ctx context.Context, token broker.Secret) (broker.User, error) {
	at := time.Now()
	var user broker.User
	err := a.store.InTx(ctx, func(ctx context.Context) error {
		t, u, err := a.reopenable(ctx, token, at, a.store.LockUser)
		if err != nil {
			return err
		}
		if err := a.spend(ctx, t, at); err != nil {
			return ErrReopenUnknown.Because(err)
		}
		if err := a.store.VoidMailTokens(ctx, u.ID, broker.MailReopen, at); err != nil {
			return fmt.Errorf("void mail tokens: %w", err)
		}
		u.DisabledAt, u.EraseAt, u.UpdatedAt = time.Time{}, time.Time{}, at
		if err := a.store.UpdateUser(ctx, u); err != nil {
			return fmt.Errorf("update user: %w", err)
		}
		user = u
		return a.event(ctx, broker.EventUserReopened, u.ID, at)
	})
	if err != nil {
		return broker.User{}, err
	}
	a.log.InfoContext(ctx, "account reopened", "user", user.ID)
	return user, nil
}

// EraseClosed erases the accounts whose time after closing is over, some at a
// time, and tells how many. What cannot be erased now keeps no other from going.
func (a *Accounts) EraseClosed(ctx context.Context) (n int, err error) {
	at := time.Now()
	due, err := a.store.UsersToErase(ctx, at, erasedAtOnce)
	if err != nil {
		return 0, err
	}
	for _, id := range due {
		switch e := a.erase(ctx, id, broker.EventUserErased, "erased", func(u broker.User) bool { return u.Closed() && !at.Before(u.EraseAt) }); {
		case e == nil:
			n++
			a.log.InfoContext(ctx, "closed account erased", "user", id)
		case !errors.Is(e, broker.ErrNotFound): // another replica was faster, or it was reopened
			err = errors.Join(err, fmt.Errorf("erase %s: %w", id, e))
		}
	}
	return n, err
}
