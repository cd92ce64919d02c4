package linking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// setProfile writes what the provider decides about its person's account, where
// that has changed. A username that somebody else has stays theirs. The address
// is not among it, whatever the provider tells.
func (l *Linker) setProfile(ctx context.Context, p broker.Provider, res *Result, at time.Time) error {
	u := res.User
	told := p.Profile.Always(res.Profile)
	if told.Over(u.Name, u.Username, u.Locale) == (broker.Told{Name: u.Name, Username: u.Username, Locale: u.Locale}) {
		return nil
	}
	switch owner, err := l.store.UserByUsername(ctx, told.Username); {
	case err == nil && owner.ID != u.ID:
		l.log.InfoContext(ctx, "username of the provider is taken", "provider", p.ID, "user", u.ID)
		told.Username = ""
	case err != nil && !errors.Is(err, broker.ErrNotFound):
		return fmt.Errorf("find username: %w", err)
	}
	u, err := l.store.LockUser(ctx, u.ID)
	if err != nil {
		return fmt.Errorf("lock user: %w", err)
	}
	told = told.Over(u.Name, u.Username, u.Locale)
	u.Name, u.Username, u.Locale, u.UpdatedAt = told.Name, told.Username, told.Locale, at
	if err := l.store.UpdateUser(ctx, u); err != nil {
		return fmt.Errorf("update user: %w", err)
	}
	u.Version++
	res.User = u
	return nil
}
