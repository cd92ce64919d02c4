package linking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// Attach makes the identity of a profile open the user's account, which begins
// with it: identity, remote account, tokens, event. It joins the caller's unit of
// work; a taken identity is ErrTaken. The provider is asked about once more, since
// it may have been hidden while the mail was under way.
func (l *Linker) Attach(ctx context.Context, user broker.User, p broker.Profile, at time.Time) error {
	known, err := l.provider(p.Provider)
	if err != nil {
		return err
	}
	if _, err := Decide(Facts{Purpose: broker.PurposeSignIn, LinkOnly: known.LinkOnly, SignUp: known.SignUp}); err != nil {
		return named(err, known)
	}
	_, err = l.attach(ctx, user, p, at)
	return err
}

func (l *Linker) attach(ctx context.Context, user broker.User, p broker.Profile, at time.Time) (*broker.LinkSnapshot, error) {
	identity := broker.UserIdentity{
		ID: broker.NewID(), UserID: user.ID, Provider: p.Provider, Issuer: p.Issuer, Subject: p.Subject,
		CreatedAt: at, LastUsedAt: at,
	}
	err := l.store.CreateIdentity(ctx, identity)
	if errors.Is(err, broker.ErrConflict) {
		return nil, ErrTaken.Because(err)
	}
	if err != nil {
		return nil, fmt.Errorf("create identity: %w", err)
	}
	account, err := l.keep(ctx, user.ID, p, at)
	if err != nil {
		return nil, err
	}
	return &broker.LinkSnapshot{Identity: identity, Account: account}, l.event(ctx, broker.EventIdentityLinked, user.ID, p.Provider, at)
}

// keep stores what a profile tells of the remote account.
func (l *Linker) keep(ctx context.Context, user broker.UserID, p broker.Profile, at time.Time) (broker.RemoteAccount, error) {
	account, err := l.store.SaveRemoteAccount(ctx, p.Account(broker.NewID(), user, at))
	if err != nil {
		return account, fmt.Errorf("save remote account: %w", err)
	}
	return account, l.keepTokens(ctx, account.ID, p)
}

func (l *Linker) keepTokens(ctx context.Context, account string, p broker.Profile) error {
	if len(p.Tokens) == 0 {
		return nil
	}
	if err := l.store.SaveRemoteTokens(ctx, account, p.Tokens); err != nil {
		return fmt.Errorf("save remote tokens: %w", err)
	}
	return nil
}

// link is Attach for a person who has an account already: they are told by
// mail, and can take it back.
func (l *Linker) link(ctx context.Context, user broker.User, p broker.Profile, template, title string, at time.Time) error {
	added, err := l.attach(ctx, user, p, at)
	if err != nil {
		return err
	}
	return l.changed(ctx, user, broker.LinkChange{Provider: p.Provider, Added: added}, template, title, at)
}

// replace links an identity in the place of the user's other one at the same
// provider.
func (l *Linker) replace(ctx context.Context, user broker.User, p broker.Profile, title string, at time.Time) error {
	others, err := l.others(ctx, user.ID, p)
	if err != nil {
		return err
	}
	if len(others) != 1 {
		return fmt.Errorf("replace: %d identities at %s", len(others), p.Provider)
	}
	removed, err := l.detach(ctx, others[0], at)
	if err != nil {
		return err
	}
	added, err := l.attach(ctx, user, p, at)
	if err != nil {
		return err
	}
	return l.changed(ctx, user, broker.LinkChange{Provider: p.Provider, Added: added, Removed: removed}, "replaced", title, at)
}

// refresh records that an identity was used, and what it tells today where that
// is something new.
func (l *Linker) refresh(ctx context.Context, id broker.KnownIdentity, p broker.Profile, at time.Time) error {
	if err := l.store.TouchIdentity(ctx, id.ID, at); err != nil {
		return fmt.Errorf("touch identity: %w", err)
	}
	if id.Account.ID == "" || !id.Account.Tells(p.Account("", id.UserID, at)) {
		_, err := l.keep(ctx, id.UserID, p, at)
		return err
	}
	return l.keepTokens(ctx, id.Account.ID, p)
}

// detach removes a link: identity, remote account and tokens, which the outbox
// revokes at the provider. It joins the caller's unit of work.
func (l *Linker) detach(ctx context.Context, i broker.UserIdentity, at time.Time) (*broker.LinkSnapshot, error) {
	removed := &broker.LinkSnapshot{Identity: i}
	if err := l.store.DeleteIdentity(ctx, i.ID); err != nil {
		return nil, fmt.Errorf("delete identity: %w", err)
	}
	account, err := l.store.RemoteAccount(ctx, i.Provider, i.Issuer, i.Subject)
	switch {
	case errors.Is(err, broker.ErrNotFound):
	case err != nil:
		return nil, fmt.Errorf("find remote account: %w", err)
	default:
		removed.Account = account
		if err := l.revokeLater(ctx, account, at); err != nil {
			return nil, err
		}
		if err := l.store.DeleteRemoteAccount(ctx, account.ID); err != nil {
			return nil, fmt.Errorf("delete remote account: %w", err)
		}
	}
	return removed, l.event(ctx, broker.EventIdentityUnlinked, i.UserID, i.Provider, at)
}

// DetachAll removes every link of an account that ends, or that is re-claimed, as
// detach does. It joins the caller's unit of work. Nobody can take it back.
func (l *Linker) DetachAll(ctx context.Context, user broker.UserID, at time.Time) error {
	return l.DetachSince(ctx, user, time.Time{}, at)
}

// DetachSince is DetachAll for the links that were made at a time or after it.
func (l *Linker) DetachSince(ctx context.Context, user broker.UserID, since, at time.Time) error {
	identities, err := l.store.IdentitiesOf(ctx, user)
	if err != nil {
		return fmt.Errorf("identities: %w", err)
	}
	for _, i := range identities {
		if i.CreatedAt.Before(since) {
			continue
		}
		if _, err := l.detach(ctx, i, at); err != nil {
			return err
		}
	}
	return nil
}

// RestoreSince links again what stood at a time and was unlinked since by who was signed in, unless
// it opens an account by now. It joins the caller's unit of work.
func (l *Linker) RestoreSince(ctx context.Context, user broker.UserID, since, at time.Time) error {
	changes, err := l.store.LinkChangesSince(ctx, user, since)
	if err != nil {
		return fmt.Errorf("link changes: %w", err)
	}
	for _, c := range changes {
		if c.Removed == nil || !c.UndoneAt.IsZero() || !c.Removed.Identity.CreatedAt.Before(since) {
			continue
		}
		if err := l.restore(ctx, *c.Removed, at); err != nil {
			return err
		}
	}
	return nil
}

// event writes a line of the audit trail about a user's links.
func (l *Linker) event(ctx context.Context, name string, user broker.UserID, provider string, at time.Time) error {
	e := broker.NewEvent(ctx, name, at)
	e.UserID, e.Provider = user, provider
	return l.store.AddEvent(ctx, e)
}

// changed keeps a change of links for as long as it can be taken back, and mails
// the person the way to do so. c brings Provider, Added and Removed. Who has
// never proven the address is not mailed: it may be somebody else's.
func (l *Linker) changed(ctx context.Context, user broker.User, c broker.LinkChange, template, title string, at time.Time) error {
	c.ID, c.UserID, c.ChangedAt, c.ExpiresAt = broker.NewID(), user.ID, at, at.Add(l.undoWithin)
	data := map[string]string{}
	if user.EmailVerified() {
		secret := broker.NewSecret()
		c.UndoHash = secret.Hash()
		data["link"] = l.issuer + broker.UndoLinkPath + "?token=" + secret.Reveal()
		data["until"] = c.ExpiresAt.UTC().Format(time.RFC3339)
	}
	if err := l.store.CreateLinkChange(ctx, c); err != nil {
		return fmt.Errorf("keep link change: %w", err)
	}
	return l.tell(ctx, user, template, title, data, at)
}

// tell mails the person that their links have changed.
func (l *Linker) tell(ctx context.Context, user broker.User, template, provider string, further map[string]string, at time.Time) error {
	if !user.EmailVerified() {
		return nil
	}
	r := broker.RequestOf(ctx)
	m := broker.Mail{To: user.Email, Template: template, Locale: user.Locale, Data: map[string]string{
		"name": user.Called(), "provider": provider, "ip": r.IP, "browser": r.Browser, "when": at.UTC().Format(time.RFC3339),
	}}
	for k, v := range further {
		m.Data[k] = v
	}
	return l.store.Enqueue(ctx, m.Entry(at))
}
