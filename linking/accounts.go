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
	ThenByMail   bool // once it is removed, a mailed code is all that opens the account
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
	has, err := l.openers(ctx, user)
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
		left := l.waysIn(has, identities, i.ID)
		row.CanRemove, row.ThenByMail = !row.OpensAccount || left.Lasting() > 0, row.OpensAccount && left.OnlyCode()
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

// openers is what a user has that may open the account, but for identities.
func (l *Linker) openers(ctx context.Context, user broker.User) (o broker.Openers, err error) {
	o.User = user
	if l.ways.Passkeys {
		if o.Passkeys, err = l.store.CountPasskeys(ctx, user.ID); err != nil {
			return o, fmt.Errorf("count passkeys: %w", err)
		}
	}
	if l.ways.Of(o).Kept {
		admitted, err := l.admits(ctx, user.Email)
		if err != nil {
			return o, err
		}
		o.Barred = !admitted
	}
	return o, nil
}

// OpenIdentities counts the identities that open a user's account today.
func (l *Linker) OpenIdentities(ctx context.Context, id broker.UserID) (int, error) {
	identities, err := l.store.IdentitiesOf(ctx, id)
	if err != nil {
		return 0, fmt.Errorf("identities: %w", err)
	}
	return l.waysIn(broker.Openers{}, identities, "").Identities, nil
}

// waysIn are the ways in of who has something and identities, leaving out one of
// these. An identity is one whose provider is configured, visible and not link-only.
func (l *Linker) waysIn(has broker.Openers, identities []broker.UserIdentity, without string) broker.WaysIn {
	for _, i := range identities {
		if i.ID != without && l.usable(i.Provider) {
			has.Identities++
		}
	}
	return l.ways.Of(has)
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
