package local

import (
	"context"

	"idbroker/broker"
)

// Named returns the account that an address (or a username) names, disabled ones
// too, or broker.ErrNotFound. It proves nothing of who asks: what is made of the answer
// must not show to somebody who has not signed in to the account before.
func (a *Accounts) Named(ctx context.Context, identifier string) (broker.User, error) {
	return a.find(ctx, identifier)
}
