package local

import (
	"context"
	"fmt"
	"strings"
	"time"

	"idbroker/broker"
)

// aboutUsername stands in a link that gives an address back, before the username of then.
// The links of an earlier release have none, and leave the username alone.
const aboutUsername = "username:"

// returnUsername gives u the username back that a link names: it was kept for them
// (rename), so whatever rules there are today it is theirs. The one of now is kept
// from others in turn: applications may have seen their person by it. Where somebody has the old one after all,
// since accounts.username.keep_former is over or an operator let it go, the one of now stays; so
// it does where everybody needs one and there was none. The caller writes the user.
func (a *Accounts) returnUsername(ctx context.Context, u *broker.User, about string, at time.Time) error {
	name, told := strings.CutPrefix(about, aboutUsername)
	if !told || name == u.Username || name == "" && a.NeedUsername() {
		return nil
	}
	switch taken, err := a.taken(ctx, name, u.ID); {
	case err != nil:
		return err
	case taken:
		return nil
	}
	if err := a.rename(ctx, u, name, at); err != nil {
		return fmt.Errorf("return username: %w", err)
	}
	return a.event(ctx, broker.EventUsernameChanged, u.ID, at)
}
