package local

import (
	"context"
	"fmt"
	"time"

	"idbroker/broker"
)

// operatorReason is why grants end that an operator has ended.
const operatorReason = "operator"

// SignOut ends every session of a person, by an operator, and tells how many there were. What
// applications got in them ends, and they are told; who was authenticated and has no
// session yet begins anew; remembered browsers are asked for the second factor
// again. What applications may do while the person is away ends with offline alone.
// The account stays open. broker.ErrNotFound.
func (a *Accounts) SignOut(ctx context.Context, id broker.UserID, offline bool) (n int, err error) {
	at := time.Now()
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		u, err := a.store.LockUser(ctx, id)
		if err != nil {
			return err
		}
		ended, err := a.store.EndSessions(ctx, id, "")
		if err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		n = len(ended)
		for _, sid := range ended {
			if err := a.noteEnded(ctx, id, sid, at); err != nil {
				return err
			}
		}
		if _, err := a.o.EndGrants(ctx, broker.GrantFilter{UserID: id, KeepOffline: !offline}, operatorReason, at); err != nil {
			return fmt.Errorf("end grants: %w", err)
		}
		if _, err := a.ForgetBrowsers(ctx, id, ""); err != nil {
			return err
		}
		u.SignedOutAt, u.UpdatedAt = at, at
		if err := a.store.UpdateUser(ctx, u); err != nil {
			return fmt.Errorf("update user: %w", err)
		}
		return nil
	})
	return n, err
}

// EndSession ends one session of a person, by an operator, as SignOut does.
// broker.ErrNotFound where they have none with this public id.
func (a *Accounts) EndSession(ctx context.Context, id broker.UserID, sid string) error {
	at := time.Now()
	return a.store.InTx(ctx, func(ctx context.Context) error {
		if err := a.store.EndSession(ctx, id, sid); err != nil {
			return err // of "", too, which would select the grants of all
		}
		if _, err := a.o.EndGrants(ctx, broker.GrantFilter{UserID: id, SID: sid, KeepOffline: true}, operatorReason, at); err != nil {
			return fmt.Errorf("end grants: %w", err)
		}
		return a.noteEnded(ctx, id, sid, at)
	})
}

// noteEnded tells the audit trail of a session that an operator has ended.
func (a *Accounts) noteEnded(ctx context.Context, id broker.UserID, sid string, at time.Time) error {
	e := broker.NewEvent(ctx, broker.EventSignedOut, at)
	e.UserID, e.SID, e.Detail = id, sid, map[string]string{"by": operatorReason}
	return a.store.AddEvent(ctx, e)
}
