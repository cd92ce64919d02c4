package linking

import (
	"context"
	"fmt"
	"slices"
	"time"

	"idbroker/broker"
)

// LinkedAccount is a row of the settings page.
type LinkedAccount struct {
	Identity     broker.UserIdentity
	Account      broker.RemoteAccount // zero where nothing is known
	Provider     broker.Provider      // ID and Title alone where it is not configured any more
	Configured   bool
	OpensAccount bool // signs in today
	CanRemove    bool // false: it is the only way in
	Lost         bool // what lets us act there has ended, and only the person can bring it back
}

// Accounts returns the user's identities, oldest first, those of providers
// that are not configured any more included.
func (l *Linker) Accounts(ctx context.Context, id broker.UserID) ([]LinkedAccount, error) {
	user, err := l.store.User(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("user: %w", err)
	}
	identities, err := l.store.IdentitiesOf(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("identities: %w", err)
	}
	accounts, err := l.store.RemoteAccountsOf(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("remote accounts: %w", err)
	}
	lost, err := l.store.LostTokensOf(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("lost tokens: %w", err)
	}
	passkeys, err := l.passkeys(ctx, id)
	if err != nil {
		return nil, err
	}
	out := make([]LinkedAccount, 0, len(identities))
	for _, i := range identities {
		p, ok := l.apps.Provider(i.Provider)
		if !ok {
			p = broker.Provider{ID: i.Provider, Title: i.Provider}
		}
		row := LinkedAccount{Identity: i, Provider: p, Configured: ok && !p.Hidden, OpensAccount: l.usable(i.Provider)}
		row.CanRemove = !row.OpensAccount || l.waysIn(user, identities, passkeys, i.ID) > 0
		for _, a := range accounts {
			if a.Provider == i.Provider && a.Issuer == i.Issuer && a.Subject == i.Subject {
				row.Account = a
				row.Lost = slices.ContainsFunc(lost, func(t broker.TokenPlace) bool { return t.AccountID == a.ID })
			}
		}
		out = append(out, row)
	}
	return out, nil
}

// passkeys counts the passkeys that open an account today.
func (l *Linker) passkeys(ctx context.Context, id broker.UserID) (int, error) {
	if !l.keys {
		return 0, nil
	}
	n, err := l.store.CountPasskeys(ctx, id)
	if err != nil {
		return 0, fmt.Errorf("count passkeys: %w", err)
	}
	return n, nil
}

// OpenIdentities counts the identities that open a user's account today.
func (l *Linker) OpenIdentities(ctx context.Context, id broker.UserID) (int, error) {
	identities, err := l.store.IdentitiesOf(ctx, id)
	if err != nil {
		return 0, fmt.Errorf("identities: %w", err)
	}
	return l.waysIn(broker.User{}, identities, 0, ""), nil
}

// waysIn counts what opens the account today, leaving out one identity: a
// password, where passwords do, its passkeys, and every identity whose provider is
// configured, visible and not link-only.
func (l *Linker) waysIn(user broker.User, identities []broker.UserIdentity, passkeys int, without string) int {
	n := passkeys
	if user.HasPassword() && !l.noPwd {
		n++
	}
	for _, i := range identities {
		if i.ID != without && l.usable(i.Provider) {
			n++
		}
	}
	return n
}

// maxChanges is how many changes the settings page shows.
const maxChanges = 20

// Changes returns what was changed of a user's links and can still be taken
// back, the last first.
func (l *Linker) Changes(ctx context.Context, id broker.UserID) ([]broker.LinkChange, error) {
	all, err := l.store.LinkChangesOf(ctx, id, maxChanges)
	if err != nil {
		return nil, fmt.Errorf("link changes: %w", err)
	}
	at, open := time.Now(), all[:0]
	for _, c := range all {
		if at.Before(c.ExpiresAt) {
			open = append(open, c)
		}
	}
	return open, nil
}
