package tokens

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// authMethods are the ways in which a client can authenticate (RFC 6749,
// section 2.3; OpenID Connect Core 1.0, section 9).
var authMethods = []string{broker.AuthBasic, broker.AuthPost, broker.AuthPrivateKeyJWT, broker.AuthNone}

// Refusals of clients. One text for every cause that a stranger could probe.
var (
	errClient        = refuse(fosite.ErrInvalidClient, "The client is unknown, or its authentication is missing or wrong.")
	errClientMethods = refuse(fosite.ErrInvalidRequest, "Use one method of client authentication, not several.")
	errClientBasic   = refuse(fosite.ErrInvalidClient, "The Authorization header is not HTTP Basic.")
	errClientSecret  = refuse(fosite.ErrInvalidClient, "A public client sends no secret.")
	errClientPost    = refuse(fosite.ErrInvalidClient, "The client is registered for client_secret_post.")
	errClientHeader  = refuse(fosite.ErrInvalidClient, "The client is registered for client_secret_basic.")
)

// credentials are what a request says about who sends it.
type credentials struct {
	method string
	id     string
	secret broker.Secret // or the assertion
}

// credentialsOf finds the one method that a request uses.
func credentialsOf(r *http.Request, form url.Values) (credentials, error) {
	header := r.Header.Values("Authorization")
	id, secret := form.Get("client_id"), form.Get("client_secret")
	switch {
	case form.Has("client_assertion") || form.Has("client_assertion_type"):
		assertion := form.Get("client_assertion")
		asserted := assertedID(assertion)
		switch {
		case len(header) > 0 || secret != "" || id != "" && asserted != "" && id != asserted:
			return credentials{}, errClientMethods
		case form.Get("client_assertion_type") != assertionType:
			return credentials{}, errAssertionType
		case asserted == "":
			return credentials{}, errAssertion
		}
		return credentials{broker.AuthPrivateKeyJWT, asserted, broker.Secret(assertion)}, nil
	case len(header) > 1, len(header) == 1 && secret != "":
		return credentials{}, errClientMethods
	case len(header) == 1:
		c, ok := parseBasic(header[0])
		if !ok {
			return credentials{}, errClientBasic
		}
		if id != "" && id != c.id {
			return credentials{}, errClientMethods
		}
		return c, nil
	case id == "":
		return credentials{}, errClient
	case secret != "":
		return credentials{broker.AuthPost, id, broker.Secret(secret)}, nil
	}
	return credentials{broker.AuthNone, id, ""}, nil
}

// parseBasic reads an Authorization header. Id and secret are form-encoded in
// it (RFC 6749, section 2.3.1); what cannot be decoded is taken as it stands,
// since many clients leave the encoding out.
func parseBasic(header string) (credentials, bool) {
	scheme, encoded, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Basic") || len(encoded) > maxBody {
		return credentials{}, false
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return credentials{}, false
	}
	id, secret, ok := strings.Cut(string(text), ":")
	if !ok || id == "" {
		return credentials{}, false
	}
	if decoded, err := url.QueryUnescape(id); err == nil {
		id = decoded
	}
	if decoded, err := url.QueryUnescape(secret); err == nil {
		secret = decoded
	}
	return credentials{broker.AuthBasic, id, broker.Secret(secret)}, true
}

// authenticate returns the client that sent a request.
func (s *Service) authenticate(ctx context.Context, r *http.Request, form url.Values, at time.Time) (broker.Client, error) {
	got, err := credentialsOf(r, form)
	if err != nil {
		return broker.Client{}, err
	}
	if !clientIDChars(got.id) {
		return broker.Client{}, errClient
	}
	c, err := s.store.Client(ctx, got.id)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return broker.Client{}, errClient
	case err != nil:
		return broker.Client{}, err
	case !c.DisabledAt.IsZero():
		return broker.Client{}, errClient
	case c.Public():
		if got.method != broker.AuthNone {
			return broker.Client{}, errClientSecret
		}
		return c, nil
	case got.method == broker.AuthPrivateKeyJWT, c.AuthMethod == broker.AuthPrivateKeyJWT:
		if got.method != c.AuthMethod {
			return broker.Client{}, errClient
		}
		if err := s.checkAssertion(ctx, c, got.secret, at); err != nil {
			return broker.Client{}, err
		}
		return c, nil
	case got.method == broker.AuthNone, !c.Authenticates(got.secret, at):
		return broker.Client{}, errClient
	}
	// The secret is right, so what follows tells no stranger anything.
	registered := c.AuthMethod
	if registered == "" {
		registered = broker.AuthBasic // OpenID Connect Dynamic Client Registration 1.0, section 2
	}
	if got.method != registered {
		if registered == broker.AuthPost {
			return broker.Client{}, errClientPost
		}
		return broker.Client{}, errClientHeader
	}
	return c, nil
}

// authenticateForEngine implements fosite.ClientAuthenticationStrategy.
func (s *Service) authenticateForEngine(ctx context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
	c, err := s.authenticate(ctx, r, form, atOf(ctx))
	if err != nil {
		return nil, err
	}
	s.noteUse(ctx, c, atOf(ctx))
	return &engineClient{Client: c}, nil
}

type atKey struct{}

// atOf is the time of the request that the engine handles.
func atOf(ctx context.Context) time.Time {
	at, _ := ctx.Value(atKey{}).(time.Time)
	return at
}
