package linking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// ErrLast: the account could not be opened any more.
var ErrLast = &broker.Error{Kind: broker.KindConflict, Message: "link.last"}

// Attach makes the identity of a profile open the user's account: identity,
// remote account, tokens, event. It joins the caller's unit of work; a taken
// identity is ErrTaken.
func (l *Linker) Attach(ctx context.Context, user broker.User, p broker.Profile, at time.Time) error {
	err := l.store.CreateIdentity(ctx, broker.UserIdentity{
		ID: broker.NewID(), UserID: user.ID, Provider: p.Provider, Issuer: p.Issuer, Subject: p.Subject,
		CreatedAt: at, LastUsedAt: at,
	})
	if errors.Is(err, broker.ErrConflict) {
		return ErrTaken.Because(err)
	}
	if err != nil {
		return fmt.Errorf("create identity: %w", err)
	}
	if err := l.keep(ctx, user.ID, p, at); err != nil {
		return err
	}
	e := broker.NewEvent(ctx, broker.EventIdentityLinked, at)
	e.UserID, e.Provider = user.ID, p.Provider
	return l.store.AddEvent(ctx, e)
}

// keep stores what a profile tells of the remote account.
func (l *Linker) keep(ctx context.Context, user broker.UserID, p broker.Profile, at time.Time) error {
	account, err := l.store.SaveRemoteAccount(ctx, p.Account(broker.NewID(), user, at))
	if err != nil {
		return fmt.Errorf("save remote account: %w", err)
	}
	if len(p.Tokens) == 0 {
		return nil
	}
	if err := l.store.SaveRemoteTokens(ctx, account.ID, p.Tokens); err != nil {
		return fmt.Errorf("save remote tokens: %w", err)
	}
	return nil
}

// link is Attach for a person who has an account already: they are told by mail.
func (l *Linker) link(ctx context.Context, user broker.User, p broker.Profile, title string, at time.Time) error {
	if err := l.Attach(ctx, user, p, at); err != nil {
		return err
	}
	return l.tell(ctx, user, "linked", title, at)
}

// refresh records that an identity was used, and what it tells today.
func (l *Linker) refresh(ctx context.Context, id broker.UserIdentity, p broker.Profile, at time.Time) error {
	if err := l.store.TouchIdentity(ctx, id.ID, at); err != nil {
		return fmt.Errorf("touch identity: %w", err)
	}
	return l.keep(ctx, id.UserID, p, at)
}

// tell mails the person that their links have changed.
func (l *Linker) tell(ctx context.Context, user broker.User, template, provider string, at time.Time) error {
	if !user.EmailVerified() {
		return nil
	}
	r := broker.RequestOf(ctx)
	m := broker.Mail{To: user.Email, Template: template, Locale: user.Locale, Data: map[string]string{
		"name": user.Called(), "provider": provider, "ip": r.IP, "browser": r.Browser, "when": at.UTC().Format(time.RFC3339),
	}}
	return l.store.Enqueue(ctx, m.Entry(at))
}

// LinkPending links the identity that a login has proven to the user whom the
// same login has authenticated. The session must be that user's and recent.
func (l *Linker) LinkPending(ctx context.Context, s broker.Session, login broker.Login) error {
	at := time.Now()
	if login.Remote == nil || login.UserID == "" {
		return broker.ErrSpent
	}
	p, err := l.provider(login.Remote.Provider)
	if err != nil {
		return err
	}
	err = l.store.InTx(ctx, func(ctx context.Context) error {
		res := Result{Attempt: broker.Attempt{Purpose: broker.PurposeLink, UserID: login.UserID}, Profile: *login.Remote}
		f, identity, err := l.facts(ctx, p, s, &res, at)
		if err != nil {
			return err
		}
		outcome, err := Decide(f)
		if err != nil {
			return err
		}
		if outcome == Linked {
			err = l.link(ctx, res.User, res.Profile, p.Title, at)
		} else {
			err = l.refresh(ctx, identity, res.Profile, at)
		}
		if err != nil {
			return err
		}
		return l.DropPending(ctx, login)
	})
	return named(err, p)
}

// DropPending forgets the identity that a login has proven.
func (l *Linker) DropPending(ctx context.Context, login broker.Login) error {
	login.Remote = nil
	return l.store.SaveLogin(ctx, login)
}

// LinkedAccount is a row of the settings page.
type LinkedAccount struct {
	Identity     broker.UserIdentity
	Account      broker.RemoteAccount // zero where nothing is known
	Provider     broker.Provider      // ID and Title alone where it is not configured any more
	Configured   bool
	OpensAccount bool // signs in today
	CanRemove    bool // false: it is the only way in
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
	out := make([]LinkedAccount, 0, len(identities))
	for _, i := range identities {
		p, ok := l.apps.Provider(i.Provider)
		if !ok {
			p = broker.Provider{ID: i.Provider, Title: i.Provider}
		}
		row := LinkedAccount{Identity: i, Provider: p, Configured: ok && !p.Hidden, OpensAccount: l.usable(i.Provider)}
		row.CanRemove = !row.OpensAccount || l.waysIn(user, identities, i.ID) > 0
		for _, a := range accounts {
			if a.Provider == i.Provider && a.Issuer == i.Issuer && a.Subject == i.Subject {
				row.Account = a
			}
		}
		out = append(out, row)
	}
	return out, nil
}

// waysIn counts what opens the account, leaving out one identity.
func (l *Linker) waysIn(user broker.User, identities []broker.UserIdentity, without string) int {
	n := 0
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

// Unlink removes an identity of the session's user, with what we know of it and
// its tokens. It needs a recent sign-in (link.stale) and keeps the last way in
// (link.last). Providers that are hidden or no longer configured can be unlinked.
func (l *Linker) Unlink(ctx context.Context, s broker.Session, provider, identityID string) error {
	at := time.Now()
	title := l.Title(provider)
	if s.UserID == "" {
		return broker.ErrSignIn
	}
	if !s.Fresh(l.fresh, at) {
		return ErrStale.With("provider", title)
	}
	return l.store.InTx(ctx, func(ctx context.Context) error {
		user, err := l.store.LockUser(ctx, s.UserID) // two tabs cannot each remove the last but one
		if err != nil {
			return fmt.Errorf("lock user: %w", err)
		}
		identities, err := l.store.IdentitiesOf(ctx, s.UserID)
		if err != nil {
			return fmt.Errorf("identities: %w", err)
		}
		for _, i := range identities {
			if i.Provider != provider || i.ID != identityID {
				continue
			}
			if l.usable(provider) && l.waysIn(user, identities, i.ID) == 0 {
				return ErrLast.With("provider", title)
			}
			return l.remove(ctx, user, i, title, at)
		}
		return broker.ErrNotFound.Becausef("user has no identity %s at %s", identityID, provider)
	})
}

func (l *Linker) remove(ctx context.Context, user broker.User, i broker.UserIdentity, title string, at time.Time) error {
	if err := l.store.DeleteIdentity(ctx, i.ID); err != nil {
		return fmt.Errorf("delete identity: %w", err)
	}
	account, err := l.store.RemoteAccount(ctx, i.Provider, i.Issuer, i.Subject)
	if err == nil {
		err = l.store.DeleteRemoteAccount(ctx, account.ID)
	}
	if err != nil && !errors.Is(err, broker.ErrNotFound) {
		return fmt.Errorf("delete remote account: %w", err)
	}
	e := broker.NewEvent(ctx, broker.EventIdentityUnlinked, at)
	e.UserID, e.Provider = user.ID, i.Provider
	if err := l.store.AddEvent(ctx, e); err != nil {
		return err
	}
	return l.tell(ctx, user, "unlinked", title, at)
}
