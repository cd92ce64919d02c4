package tokens

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"idbroker/broker"
)

var errPending = errors.New("tokens: not there yet")

// EnsureKeys makes the first RS256 and ES256 keys and loads what is there.
func (s *Service) EnsureKeys(ctx context.Context) error { return errPending }

// ReloadKeys loads the keys again, so that replicas see a rotation.
func (s *Service) ReloadKeys(ctx context.Context) error { return errPending }

// RotateKeys makes new keys for alg ("" for all).
func (s *Service) RotateKeys(ctx context.Context, alg string) ([]broker.Key, error) {
	return nil, errPending
}

// ListKeys lists the keys.
func (s *Service) ListKeys(ctx context.Context) ([]broker.Key, error) { return nil, errPending }

// HasSigningKey tells whether tokens can be signed.
func (s *Service) HasSigningKey() bool { return false }

// ServeDiscovery serves the metadata.
func (s *Service) ServeDiscovery(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// ServeJWKS serves the public keys.
func (s *Service) ServeJWKS(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// ServeToken serves the token endpoint.
func (s *Service) ServeToken(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// ServeUserInfo serves the userinfo endpoint.
func (s *Service) ServeUserInfo(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// ServeIntrospection serves RFC 7662.
func (s *Service) ServeIntrospection(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// ServeRevocation serves RFC 7009.
func (s *Service) ServeRevocation(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// ParseAuthorization checks an authorization request. (nil, error) is for a
// page: the redirect URI is not trusted. (a, error) is for Refuse.
func (s *Service) ParseAuthorization(ctx context.Context, form url.Values) (*Authorization, error) {
	return nil, errPending
}

// Respond writes the redirect with the code. An error is for a page.
func (s *Service) Respond(ctx context.Context, w http.ResponseWriter, r *http.Request, a *Authorization, p Approval) error {
	return errPending
}

// Refuse writes the redirect with the error.
func (s *Service) Refuse(w http.ResponseWriter, r *http.Request, a *Authorization, err error) {}

// ParseLogout checks a logout request.
func (s *Service) ParseLogout(ctx context.Context, form url.Values) (Logout, error) {
	return Logout{}, errPending
}

// SessionEnded revokes what the session gave, except grants with offline_access.
func (s *Service) SessionEnded(ctx context.Context, user broker.UserID, sid string) error {
	return errPending
}
