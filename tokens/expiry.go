package tokens

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"idbroker/broker"
)

// expireBatch sessions are read at a time.
const expireBatch = 100

// EndExpiredSessions removes the sessions that have come to their absolute end,
// and does what SessionEnded does for each, in a unit of work of its own: its
// applications are told as if the person had signed out. It returns how many
// ended, also where it stopped with an error. A session that merely idles ends
// nothing: that nobody came here says nothing of who is at work there.
func (s *Service) EndExpiredSessions(ctx context.Context, at time.Time) (int, error) {
	ended := 0
	for {
		expired, err := s.store.ExpiredSessions(ctx, at, expireBatch)
		if err != nil {
			return ended, err
		}
		for _, one := range expired {
			goesOn := false
			err := s.store.InTx(ctx, func(ctx context.Context) error {
				if err := s.store.ExpireSession(ctx, one.IDHash, at); err != nil {
					return err
				}
				if one.SID == "" { // "" would select more than the session
					return nil
				}
				others, err := s.store.SessionsOf(ctx, one.UserID)
				if err != nil {
					return err
				}
				// Who signs in anew keeps the sid; two tabs that do so at once leave a row behind.
				if goesOn = slices.ContainsFunc(others, func(o broker.Session) bool { return o.SID == one.SID && o.ExpiresAt.After(at) }); goesOn {
					return nil
				}
				_, err = s.EndGrants(ctx, broker.GrantFilter{UserID: one.UserID, SID: one.SID, KeepOffline: true}, reasonExpired, at)
				return err
			})
			switch {
			case errors.Is(err, broker.ErrSpent): // another replica was first
			case err != nil:
				return ended, fmt.Errorf("end expired session: %w", err)
			case !goesOn:
				ended++
			}
		}
		if len(expired) < expireBatch {
			return ended, nil
		}
	}
}
