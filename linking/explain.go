package linking

import (
	"context"
	"errors"
	"fmt"

	"idbroker/broker"
)

// Explain tells what a sign-in with a profile would come to now, and the facts
// that decide it. It changes nothing. The error is the refusal, or that the
// facts could not be read (no *broker.Error).
func (l *Linker) Explain(ctx context.Context, p broker.Profile) (Facts, Outcome, error) {
	f := Facts{Purpose: broker.PurposeSignIn, Hidden: true}
	if known, ok := l.apps.Provider(p.Provider); ok {
		f.Hidden, f.LinkOnly, f.NoSignUp, f.Second = known.Hidden, known.LinkOnly, known.NoSignUp, known.Second
	}
	identity, err := l.store.Identity(ctx, p.Provider, p.Issuer, p.Subject)
	switch {
	case errors.Is(err, broker.ErrNotFound):
	case err != nil:
		return f, "", fmt.Errorf("find identity: %v", err)
	default:
		owner, err := l.store.User(ctx, identity.UserID)
		if err != nil {
			return f, "", fmt.Errorf("find owner: %v", err)
		}
		f.Owner, f.OwnerDisabled = owner.ID, owner.Disabled()
	}
	outcome, err := Decide(f)
	return f, outcome, err
}
