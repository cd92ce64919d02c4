package tokens

import (
	"context"
	"errors"
	"time"

	"idbroker/broker"
)

// errToken: the text is no access token of ours, or what it stood for has ended.
var errToken = errors.New("tokens: the access token is not valid")

// standing is an access token that is good, and what it stands for.
type standing struct {
	accessToken
	state  broker.GrantState
	scopes []string
}

// access checks an access token: the MAC first, then its end, then its grant. A
// token that we did not make costs no database. caller is the client that asks; ""
// none.
func (s *Service) access(ctx context.Context, token, caller string, at time.Time) (standing, error) {
	t, ok := s.mint.readAccess(token)
	if !ok || !at.Before(t.ExpiresAt) {
		return standing{}, errToken
	}
	state, err := s.store.GrantState(ctx, t.Grant, caller)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return standing{}, errToken
	case err != nil:
		return standing{}, err
	case !stands(state, at):
		return standing{state: broker.GrantState{Caller: state.Caller}}, errToken
	}
	return standing{accessToken: t, state: state, scopes: t.scopes(state.Grant.Scopes)}, nil
}

// stands tells whether tokens of a grant are good: it lives, and neither its
// client nor its user is gone or disabled.
func stands(state broker.GrantState, at time.Time) bool {
	g, c, u := state.Grant, state.Client, state.User
	return g.Live(at) && c.ID != "" && c.DisabledAt.IsZero() && (g.UserID == "" || u.ID != "" && !u.Disabled())
}

// claims are those that the token may read beside its scopes. One that was
// narrowed to some scopes has these alone.
func (t standing) claims() []string {
	if t.Narrowed != 0 {
		return nil
	}
	return names(wishesOf(t.state.Grant).UserInfo)
}
