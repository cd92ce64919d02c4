package linking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"idbroker/broker"
)

// ErrLogoutUsed: the logout token has been used before.
var ErrLogoutUsed = &broker.Error{Kind: broker.KindConflict, Message: "provider.logout_used"}

// Ended ends what hangs on a session of somebody, inside the unit of work that has
// ended it.
type Ended func(ctx context.Context, user broker.UserID, sid string, at time.Time) error

// lateFor is how far back EndLate looks: longer than a unit of work can last, and
// than a replica is away that was to look before.
const lateFor = 10 * time.Minute

// SignedOutThere takes a provider's word that somebody has signed out there (a
// logout token): the sessions here that came from it end, and what it proved
// before becomes none (store.CreateUpstream). Sessions of the same person that were
// opened in another way stay. ended is called for each session, inside the unit of
// work, to end what hangs on it. It returns how many sessions ended. Errors:
// those of Apps.VerifyLogout, ErrLogoutUsed.
func (l *Linker) SignedOutThere(ctx context.Context, provider, token string, ended Ended) (int, error) {
	word, err := l.apps.VerifyLogout(ctx, provider, token)
	if err != nil {
		return 0, err
	}
	// The events of the person tell where they were, and it is the provider who is here.
	request := broker.RequestOf(ctx)
	request.IP = ""
	ctx = broker.WithRequest(ctx, request)
	at := time.Now()
	var out []broker.Session
	err = l.store.InTx(ctx, func(ctx context.Context) error {
		switch err := l.store.SpendLogout(ctx, word, at); {
		case errors.Is(err, broker.ErrSpent):
			return ErrLogoutUsed.With("provider", l.Title(provider))
		case err != nil:
			return err
		}
		if out, err = l.store.EndUpstream(ctx, word); err != nil {
			return err
		}
		if err := l.endEach(ctx, out, at, ended); err != nil {
			return err
		}
		e := broker.NewEvent(ctx, broker.EventSignedOutThere, at)
		e.Provider, e.Detail = provider, map[string]string{"sessions": strconv.Itoa(len(out))}
		if len(out) > 0 {
			e.UserID = out[0].UserID // an identity opens one account
		}
		return l.store.AddEvent(ctx, e)
	})
	if err != nil {
		return 0, err
	}
	l.log.InfoContext(ctx, "signed out at the provider", "provider", provider, "sessions", len(out))
	return len(out), nil
}

// EndLate ends the sessions that slipped past a provider's word of the last ten minutes,
// because they were committed at the very moment at which it came. It returns
// how many.
func (l *Linker) EndLate(ctx context.Context, ended Ended) (int, error) {
	at, n := time.Now(), 0
	err := l.store.InTx(ctx, func(ctx context.Context) error {
		out, err := l.store.EndLateUpstream(ctx, at.Add(-lateFor), at)
		if err != nil {
			return err
		}
		n = len(out)
		return l.endEach(ctx, out, at, ended)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// endEach ends what hangs on sessions that are gone.
func (l *Linker) endEach(ctx context.Context, out []broker.Session, at time.Time, ended Ended) error {
	for _, s := range out {
		others, err := l.store.SessionsOf(ctx, s.UserID)
		if err != nil {
			return fmt.Errorf("sessions: %w", err)
		}
		// Who proves again who they are keeps the sid; two tabs that do so at once leave a row behind.
		if slices.ContainsFunc(others, func(o broker.Session) bool { return o.SID == s.SID && o.ExpiresAt.After(at) }) {
			continue
		}
		if err := ended(ctx, s.UserID, s.SID, at); err != nil {
			return err
		}
	}
	return nil
}
