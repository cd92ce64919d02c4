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
	u, err := l.store.LockUser(ctx, u.ID)
	if err != nil {
		return fmt.Errorf("lock user: %w", err)
	}
	if told.Username != "" && told.Username != u.Username {
		name, err := l.username(ctx, u, told.Username, at)
		if err != nil {
			return fmt.Errorf("username: %w", err)
		}
		if name == u.Username {
			l.log.InfoContext(ctx, "username of the provider cannot be had", "provider", p.ID, "user", u.ID)
		}
		told.Username = name
	}
	told = told.Over(u.Name, u.Username, u.Locale)
	if told == (broker.Told{Name: u.Name, Username: u.Username, Locale: u.Locale}) {
		return nil // its name is somebody else's, and nothing more is new
	}
	u.Name, u.Username, u.Locale, u.UpdatedAt = told.Name, told.Username, told.Locale, at
	if err := l.store.UpdateUser(ctx, u); err != nil {
		return fmt.Errorf("update user: %w", err)
	}
	u.Version++
	res.User = u
	return nil
}

// firstCome gives a username to whoever asks for it first.
func (l *Linker) firstCome(ctx context.Context, u broker.User, wanted string, _ time.Time) (string, error) {
	switch owner, err := l.store.UserByUsername(ctx, wanted); {
	case err == nil && owner.ID != u.ID:
		return u.Username, nil
	case err != nil && !errors.Is(err, broker.ErrNotFound):
		return "", fmt.Errorf("find username: %w", err)
	}
	return wanted, nil
}
