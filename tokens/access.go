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
	grant  broker.Grant
	scopes []string
}

// access checks an access token: the MAC first, then its end, then its grant. A
// token that we did not make costs no database.
func (s *Service) access(ctx context.Context, token string, at time.Time) (standing, error) {
	t, ok := s.mint.readAccess(token)
	if !ok || !at.Before(t.ExpiresAt) {
		return standing{}, errToken
	}
	g, err := s.store.Grant(ctx, t.Grant)
	switch {
	case errors.Is(err, broker.ErrNotFound), err == nil && !g.Live(at):
		return standing{}, errToken
	case err != nil:
		return standing{}, err
	}
	return standing{accessToken: t, grant: g, scopes: t.scopes(g.Scopes)}, nil
}

// claims are those that the token may read beside its scopes. One that was
// narrowed to some scopes has these alone.
func (t standing) claims() []string {
	if t.Narrowed != 0 {
		return nil
	}
	return names(wishesOf(t.grant).UserInfo)
}
