package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// maxRemembered is how many browsers of somebody are remembered: more than anybody
// uses. The one that was used longest ago goes first.
const maxRemembered = 20

// RememberFor is how long a browser may be remembered in which somebody has shown
// their second factor; 0 none is.
func (a *Accounts) RememberFor() time.Duration {
	if !a.Factors() {
		return 0
	}
	return a.o.RememberFactor
}

// Remember remembers the browser in which u has shown a second factor, u as read before
// that was looked at, and returns its new cookie; "" where none is remembered. before
// is the cookie that the browser has ("" none): it is never taken over, since
// somebody else may have planted it, but who shares the browser keeps what they have there.
func (a *Accounts) Remember(ctx context.Context, u broker.User, before broker.Secret) (broker.Secret, error) {
	if a.RememberFor() == 0 || !u.HasSecondFactor() {
		return "", nil
	}
	at, now := time.Now(), broker.NewSecret()
	r := broker.RequestOf(ctx)
	b := broker.RememberedBrowser{
		ID: broker.NewID(), UserID: u.ID, Hash: now.Hash(), Stamp: u.FactorStamp(), Browser: r.Browser, IP: r.IP,
		CreatedAt: at, LastUsedAt: at, ExpiresAt: at.Add(a.RememberFor()),
	}
	err := a.store.InTx(ctx, func(ctx context.Context) error {
		all, err := a.store.RememberedOf(ctx, u.ID)
		if err != nil {
			return fmt.Errorf("remembered browsers: %w", err)
		}
		for i, old := range all { // the one used last comes first
			if before != "" && before.Matches(old.Hash) || i >= maxRemembered-1 {
				if err := a.store.DeleteRemembered(ctx, u.ID, old.ID); err != nil && !errors.Is(err, broker.ErrNotFound) {
					return err
				}
			}
		}
		if before != "" {
			if err := a.store.RehashRemembered(ctx, before.Hash(), b.Hash); err != nil {
				return err
			}
		}
		if err := a.store.CreateRemembered(ctx, b); err != nil {
			return err
		}
		return a.event(ctx, broker.EventBrowserRemembered, u.ID, at)
	})
	if err != nil {
		return "", err
	}
	return now, nil
}

// Remembered returns the id of the browser that stands in for u's second factor in
// the request of ctx; "" where none does. cookie is what the browser has.
func (a *Accounts) Remembered(ctx context.Context, u broker.User, cookie broker.Secret) (string, error) {
	if cookie == "" || a.RememberFor() == 0 || !u.HasSecondFactor() {
		return "", nil
	}
	b, err := a.store.Remembered(ctx, u.ID, cookie.Hash())
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("remembered browser: %w", err)
	}
	at := time.Now()
	if !b.Counts(u, broker.RequestOf(ctx).Browser, at) || at.Sub(b.CreatedAt) >= a.RememberFor() { // the operator may want less than then
		return "", nil
	}
	return b.ID, nil
}

// RememberedOf returns the browsers that stand in for u's second factor, the one
// used last first.
func (a *Accounts) RememberedOf(ctx context.Context, u broker.User) ([]broker.RememberedBrowser, error) {
	all, err := a.store.RememberedOf(ctx, u.ID)
	if err != nil {
		return nil, fmt.Errorf("remembered browsers: %w", err)
	}
	at := time.Now()
	var live []broker.RememberedBrowser
	for _, b := range all {
		if b.Counts(u, b.Browser, at) && at.Sub(b.CreatedAt) < a.RememberFor() {
			live = append(live, b)
		}
	}
	return live, nil
}

// ForgetBrowser ends a remembered browser of a user, with the sessions that it began
// without the second factor. Errors: not_found.
func (a *Accounts) ForgetBrowser(ctx context.Context, user broker.UserID, id string) error {
	at := time.Now()
	return a.store.InTx(ctx, func(ctx context.Context) error {
		if err := a.store.DeleteRemembered(ctx, user, id); err != nil {
			return err
		}
		return a.browserForgotten(ctx, user, id, at)
	})
}

// ForgetBrowsers ends every remembered browser of a user but the one that has the cookie
// keep ("" none), as ForgetBrowser does, and tells how many there were.
func (a *Accounts) ForgetBrowsers(ctx context.Context, user broker.UserID, keep broker.Secret) (n int, err error) {
	at := time.Now()
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		all, err := a.store.RememberedOf(ctx, user)
		if err != nil {
			return fmt.Errorf("remembered browsers: %w", err)
		}
		n = 0
		for _, b := range all {
			if keep != "" && keep.Matches(b.Hash) {
				continue
			}
			switch err := a.store.DeleteRemembered(ctx, user, b.ID); {
			case errors.Is(err, broker.ErrNotFound):
				continue // this very moment
			case err != nil:
				return err
			}
			if err := a.browserForgotten(ctx, user, b.ID, at); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

// browserForgotten ends what a browser that is remembered no longer has begun, and
// writes the event.
func (a *Accounts) browserForgotten(ctx context.Context, user broker.UserID, id string, at time.Time) error {
	ended, err := a.store.EndRemembered(ctx, user, id)
	if err != nil {
		return fmt.Errorf("end remembered sessions: %w", err)
	}
	for _, sid := range ended {
		if _, err := a.o.EndGrants(ctx, broker.GrantFilter{UserID: user, SID: sid}, "browser forgotten", at); err != nil {
			return fmt.Errorf("end grants: %w", err)
		}
	}
	return a.event(ctx, broker.EventBrowserForgotten, user, at)
}
