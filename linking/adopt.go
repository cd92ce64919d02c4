package linking

import (
	"context"
	"errors"
	"fmt"

	"idbroker/broker"
)

// OwnerOf is the user whose account an identity opens; "" nobody's.
func (l *Linker) OwnerOf(ctx context.Context, id broker.UserIdentity) (broker.UserID, error) {
	known, err := l.store.KnownIdentity(ctx, id.Provider, id.Issuer, id.Subject)
	if errors.Is(err, broker.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find identity: %w", err)
	}
	return known.UserID, nil
}

// Adopt writes an identity that another system knew, which an operator vouches
// for: of the person there nothing is known yet. It joins the caller's unit of work;
// a taken identity is ErrTaken.
func (l *Linker) Adopt(ctx context.Context, id broker.UserIdentity) error {
	err := l.store.CreateIdentity(ctx, id)
	if errors.Is(err, broker.ErrConflict) {
		return ErrTaken.Because(err)
	}
	if err != nil {
		return fmt.Errorf("create identity: %w", err)
	}
	p := broker.Profile{Provider: id.Provider, Issuer: id.Issuer, Subject: id.Subject}
	if _, err := l.store.SaveRemoteAccount(ctx, p.Account(broker.NewID(), id.UserID, id.CreatedAt)); err != nil {
		return fmt.Errorf("save remote account: %w", err)
	}
	return l.event(ctx, broker.EventIdentityLinked, id.UserID, id.Provider, id.CreatedAt)
}
