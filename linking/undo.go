package linking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// Undo is a change that "this was not me" takes back.
type Undo struct {
	Change broker.LinkChange
	Title  string // of the provider
	User   broker.User
}

// UndoFor tells what the link in a mail takes back. It spends nothing: mail
// scanners follow links. Errors: those of DecideUndo.
func (l *Linker) UndoFor(ctx context.Context, token broker.Secret) (Undo, error) {
	var u Undo
	err := l.store.InTx(ctx, func(ctx context.Context) (err error) {
		u, _, err = l.undoable(ctx, token, time.Now())
		return err
	})
	return u, err
}

// Undo takes a change back, once: what was removed opens the account again, what
// was added does not any more. Every session but that of s ends, since whoever
// made the change may hold one. Errors: those of DecideUndo.
func (l *Linker) Undo(ctx context.Context, s broker.Session, token broker.Secret) (Undo, error) {
	at := time.Now()
	var u Undo
	err := l.store.InTx(ctx, func(ctx context.Context) error {
		undo, added, err := l.undoable(ctx, token, at)
		if err != nil {
			return err
		}
		u = undo
		switch err := l.store.UndoLinkChange(ctx, u.Change.ID, at); {
		case errors.Is(err, broker.ErrSpent):
			return ErrUndoUsed
		case err != nil:
			return fmt.Errorf("spend undo: %w", err)
		}
		if added != nil {
			if _, err := l.detach(ctx, *added, at); err != nil {
				return err
			}
		}
		if u.Change.Removed != nil {
			if err := l.restore(ctx, *u.Change.Removed, at); err != nil {
				return err
			}
		}
		keep := ""
		if s.UserID == u.User.ID {
			keep = s.SID
		}
		if err := l.signOut(ctx, u.User, keep, "link undone", at); err != nil {
			return err
		}
		if err := l.event(ctx, broker.EventLinkUndone, u.User.ID, u.Change.Provider, at); err != nil {
			return err
		}
		return l.tell(ctx, u.User, "link-undone", u.Title, nil, at)
	})
	if err != nil {
		return Undo{}, err
	}
	l.log.InfoContext(ctx, "link change undone", "user", u.User.ID, "provider", u.Change.Provider)
	return u, nil
}

// undoable gathers the facts about the change of a mailed secret, under a lock
// of its user, and decides. added is the identity that the change added, where
// it still opens the account.
func (l *Linker) undoable(ctx context.Context, token broker.Secret, at time.Time) (u Undo, added *broker.UserIdentity, err error) {
	if token == "" {
		return u, nil, ErrUndoUnknown
	}
	c, err := l.store.LinkChange(ctx, token.Hash())
	if errors.Is(err, broker.ErrNotFound) {
		return u, nil, DecideUndo(UndoFacts{})
	}
	if err != nil {
		return u, nil, fmt.Errorf("find link change: %w", err)
	}
	u = Undo{Change: c, Title: l.Title(c.Provider)}
	if u.User, err = l.store.LockUser(ctx, c.UserID); err != nil {
		return u, nil, fmt.Errorf("lock user: %w", err)
	}
	f := UndoFacts{
		Known: true, Undone: !c.UndoneAt.IsZero(), Expired: !at.Before(c.ExpiresAt), Disabled: u.User.Disabled(),
		Recoverable: l.ways.Recoverable(u.User),
	}
	identities, err := l.store.IdentitiesOf(ctx, c.UserID)
	if err != nil {
		return u, nil, fmt.Errorf("identities: %w", err)
	}
	without := ""
	if c.Added != nil {
		for _, i := range identities {
			if i.Provider == c.Provider && i.Issuer == c.Added.Identity.Issuer && i.Subject == c.Added.Identity.Subject {
				added, without = &i, i.ID
			}
		}
	}
	has, err := l.openers(ctx, u.User)
	if err != nil {
		return u, nil, err
	}
	f.WaysIn = l.waysIn(has, identities, without).Lasting()
	if c.Removed != nil {
		switch owner, err := l.store.Identity(ctx, c.Provider, c.Removed.Identity.Issuer, c.Removed.Identity.Subject); {
		case errors.Is(err, broker.ErrNotFound):
			if l.usable(c.Provider) {
				f.WaysIn++
			}
		case err != nil:
			return u, nil, fmt.Errorf("find identity: %w", err)
		default:
			f.Elsewhere = owner.UserID != c.UserID
		}
	}
	if err := DecideUndo(f); err != nil {
		if errors.Is(err, broker.ErrDisabled) && !u.User.Closed() {
			err = u.User.Refusal() // blocked, or waiting
		}
		if e, ok := err.(*broker.Error); ok {
			err = e.With("provider", u.Title)
		}
		return u, nil, err
	}
	return u, added, nil
}

// restore makes a removed identity open its account again, unless the person has
// linked it anew. Its tokens are gone: the next sign-in brings others.
func (l *Linker) restore(ctx context.Context, was broker.LinkSnapshot, at time.Time) error {
	i := was.Identity
	switch _, err := l.store.Identity(ctx, i.Provider, i.Issuer, i.Subject); {
	case err == nil:
		return nil
	case !errors.Is(err, broker.ErrNotFound):
		return fmt.Errorf("find identity: %w", err)
	}
	switch err := l.store.CreateIdentity(ctx, i); {
	case errors.Is(err, broker.ErrConflict): // somebody linked it between our read and our write
		return ErrUndoTaken.Because(err).With("provider", l.Title(i.Provider))
	case err != nil:
		return fmt.Errorf("create identity: %w", err)
	}
	if was.Account.ID != "" {
		if _, err := l.store.SaveRemoteAccount(ctx, was.Account); err != nil {
			return fmt.Errorf("save remote account: %w", err)
		}
	}
	return l.event(ctx, broker.EventIdentityLinked, i.UserID, i.Provider, at)
}
