package linking

import (
	"context"
	"fmt"
	"time"

	"idbroker/broker"
)

// Explain tells what a sign-in with a profile would come to now, and the facts
// that decide it. It changes nothing. The error is the refusal, or that the
// facts could not be read (no *broker.Error).
func (l *Linker) Explain(ctx context.Context, p broker.Profile) (f Facts, outcome Outcome, err error) {
	known, ok := l.apps.Provider(p.Provider)
	known.Hidden = known.Hidden || !ok
	err = l.store.InTx(ctx, func(ctx context.Context) error {
		res := Result{Attempt: broker.Attempt{Purpose: broker.PurposeSignIn}, Profile: p}
		if f, _, err = l.facts(ctx, known, broker.Session{}, &res, time.Now()); err != nil {
			return err
		}
		return l.address(ctx, &f, known, &res)
	})
	if err != nil {
		return f, "", fmt.Errorf("read the facts: %v", err) // no refusal, whatever it was
	}
	outcome, err = Decide(f)
	return f, outcome, err
}
