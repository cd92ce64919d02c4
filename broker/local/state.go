package local

import (
	"context"
	"fmt"
	"time"

	"idbroker/broker"
)

// stateEvents names the events of what an operator does to the state of an account.
var stateEvents = map[broker.StateOperation]string{
	broker.OpVerify: broker.EventUserVerified, broker.OpBlock: broker.EventUserBlocked, broker.OpUnblock: broker.EventUserUnblocked,
	broker.OpActivate: broker.EventUserEnabled, broker.OpDeactivate: broker.EventUserDisabled,
}

// SetState does an operation to an account, by an operator. What shuts it ends its
// sessions, grants and sign-ins under way at once, and the applications are told;
// what lets somebody in who waited is mailed to them. Doing it twice is fine.
// reason is as broker.CleanReason returns it. broker.ErrNotFound.
func (a *Accounts) SetState(ctx context.Context, id broker.UserID, op broker.StateOperation, reason string) error {
	at := time.Now()
	return a.store.InTx(ctx, func(ctx context.Context) error {
		before, err := a.store.LockUser(ctx, id)
		if err != nil {
			return err
		}
		u, changed := op.On(before, reason, at)
		if !changed {
			return nil
		}
		if op.Shuts() {
			if _, err := a.store.EndSessions(ctx, id, ""); err != nil {
				return fmt.Errorf("end sessions: %w", err)
			}
			if _, err := a.o.EndGrants(ctx, broker.GrantFilter{UserID: id}, operatorReason, at); err != nil {
				return fmt.Errorf("end grants: %w", err)
			}
		}
		if err := a.store.UpdateUser(ctx, u); err != nil {
			return fmt.Errorf("update user: %w", err)
		}
		if err := a.event(ctx, stateEvents[op], id, at); err != nil {
			return err
		}
		if !before.Waiting() || u.Disabled() {
			return nil
		}
		return a.store.Enqueue(ctx, mail(ctx, u.Email, "activated", u.Locale, at, map[string]string{"name": u.Called(), "link": a.o.Issuer + "/login/"}))
	})
}

// SetDisabled deactivates an account or activates it again.
func (a *Accounts) SetDisabled(ctx context.Context, id broker.UserID, disabled bool) error {
	if disabled {
		return a.SetState(ctx, id, broker.OpDeactivate, "")
	}
	return a.SetState(ctx, id, broker.OpActivate, "")
}
