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
var authMethods = []string{broker.AuthBasic, broker.AuthPost, broker.AuthSecretJWT, broker.AuthPrivateKeyJWT, broker.AuthNone}

// Refusals of clients. One text for every cause that a stranger could probe.
var (
	errClient        = refuse(fosite.ErrInvalidClient, "The client is unknown, or its authentication is missing or wrong.")
	errClientMethods = refuse(fosite.ErrInvalidRequest, "Use one method of client authentication, not several: an Authorization header, a client_secret, or a client_assertion with its client_assertion_type; with the same client_id.")
	errClientBasic   = refuse(fosite.ErrInvalidClient, "The Authorization header is not HTTP Basic.")
	errClientSecret  = refuse(fosite.ErrInvalidClient, "A public client sends no secret.")
	errClientPost    = refuse(fosite.ErrInvalidClient, "The client is registered for client_secret_post.")
	errClientHeader  = refuse(fosite.ErrInvalidClient, "The client is registered for client_secret_basic.")
)

// authAssertion is a method of credentials: with a key or a secret, as the client
// is registered.
const authAssertion = "assertion"

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
		return credentials{authAssertion, asserted, broker.Secret(assertion)}, nil
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

// authenticate returns the client that sent a request, as it is now.
func (s *Service) authenticate(ctx context.Context, r *http.Request, form url.Values, at time.Time) (broker.Client, error) {
	return s.recognize(context.WithValue(ctx, certainKey{}, true), r, form, at)
}

// certainKey marks the context of a request that must not rely on what is known
// of clients.
type certainKey struct{}

// recognize returns the client that sent a request, by what is known of it where
// that lets it in. It may have been changed elsewhere since: the statement that
// follows must have its Stamp compared, and run within again. Who proves itself by an
// assertion is always looked up, since that can be done once.
func (s *Service) recognize(ctx context.Context, r *http.Request, form url.Values, at time.Time) (broker.Client, error) {
	got, err := credentialsOf(r, form)
	if err != nil {
		return broker.Client{}, err
	}
	if !clientIDChars(got.id) {
		return broker.Client{}, errClient
	}
	if got.method != authAssertion && ctx.Value(certainKey{}) == nil {
		if c, ok := s.store.KnownClient(got.id); ok {
			if c, err := s.check(ctx, c, got, at); err == nil {
				if a := attemptOf(ctx); a != nil {
					a.known = c
				}
				return c, nil
			}
		}
	}
	c, err := s.store.CurrentClient(ctx, got.id)
	if errors.Is(err, broker.ErrNotFound) {
		return broker.Client{}, errClient
	}
	if err != nil {
		return broker.Client{}, err
	}
	return s.check(ctx, c, got, at)
}

// attempt is what again has to know of what it runs.
type attempt struct {
	known broker.Client // who was let in by what is known of them; ID "": nobody
	spent broker.Secret // the assertion that the request has spent
}

type attemptKey struct{}

// attemptOf is nil outside of again.
func attemptOf(ctx context.Context) *attempt {
	a, _ := ctx.Value(attemptKey{}).(*attempt)
	return a
}

// again runs what lets a client in by what is known of it, and once more by what
// is true where it has changed: a statement finds that, or it is asked before a
// refusal. An assertion that was spent the first time is good the second time
// too: it is the same request.
func again[T any](ctx context.Context, s *Service, do func(ctx context.Context) (T, error)) (T, error) {
	a := &attempt{}
	ctx = context.WithValue(ctx, attemptKey{}, a)
	v, err := do(ctx)
	stale := errors.Is(err, broker.ErrStale)
	if err != nil && !stale && a.known.ID != "" {
		stale = errors.Is(s.confirm(ctx, a.known, broker.ClientStamp{}), broker.ErrStale)
	}
	if stale {
		v, err = do(context.WithValue(ctx, certainKey{}, true))
	}
	return v, err
}

// confirm makes sure that a client which was recognized is still what it was
// taken for. now is its stamp where a statement has told it; zero: ask.
func (s *Service) confirm(ctx context.Context, c broker.Client, now broker.ClientStamp) error {
	if now == c.Stamp() || ctx.Value(certainKey{}) != nil {
		return nil
	}
	current, err := s.store.CurrentClient(ctx, c.ID)
	if errors.Is(err, broker.ErrNotFound) || err == nil && current.Stamp() != c.Stamp() {
		return broker.ErrStale
	}
	return err
}

// check compares what a request shows with a client.
func (s *Service) check(ctx context.Context, c broker.Client, got credentials, at time.Time) (broker.Client, error) {
	switch {
	case !c.DisabledAt.IsZero():
		return broker.Client{}, errClient
	case c.Public():
		if got.method != broker.AuthNone {
			return broker.Client{}, errClientSecret
		}
		return c, nil
	case got.method == authAssertion, asserts(c):
		if got.method != authAssertion || !asserts(c) {
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
	c, err := s.recognize(ctx, r, form, atOf(ctx))
	if err != nil {
		return nil, err
	}
	return &engineClient{Client: c}, nil
}

type atKey struct{}

// atOf is the time of the request that the engine handles.
func atOf(ctx context.Context) time.Time {
	at, _ := ctx.Value(atKey{}).(time.Time)
	return at
}
