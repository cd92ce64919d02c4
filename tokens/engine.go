package tokens

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/ory/fosite/token/jwt"

	"idbroker/broker"
)

// newEngine configures fosite: its parser, its dispatcher, our handlers. Every
// field is set that the engine would otherwise fill in on first use, while other
// requests read it. HTTPClient and MessageCatalog are not among those: the
// engine's own texts are never shown, and request_uri and jwks_uri, for which
// it would call somebody, never reach it.
func (s *Service) newEngine() fosite.OAuth2Provider {
	handlers := []grantHandler{
		&codeHandler{Service: s},
		&refreshHandler{Service: s},
		&credentialsHandler{Service: s},
	}
	s.grants = nil
	var list fosite.TokenEndpointHandlers
	for _, h := range handlers {
		s.grants = append(s.grants, h.grantType())
		list = append(list, h)
	}
	return fosite.NewOAuth2Provider(&engineStore{s}, &fosite.Config{
		AuthorizeCodeLifespan:              s.o.CodeLifetime,
		AccessTokenLifespan:                s.o.AccessLifetime,
		RefreshTokenLifespan:               s.o.RefreshIdle,
		IDTokenLifespan:                    s.o.IDTokenLifetime,
		VerifiableCredentialsNonceLifespan: s.o.CodeLifetime, // not offered
		PushedAuthorizeContextLifespan:     s.o.CodeLifetime, // not offered
		PushedAuthorizeRequestURIPrefix:    "urn:ietf:params:oauth:request_uri:",
		GrantTypeJWTBearerMaxDuration:      s.o.CodeLifetime, // not offered
		IDTokenIssuer:                      s.o.Issuer,
		AccessTokenIssuer:                  s.o.Issuer,
		TokenURL:                           s.url(s.o.Paths.Token),
		HashCost:                           bcryptUnused,
		GlobalSecret:                       make([]byte, 32), // signs nothing: mint does
		RotatedGlobalSecrets:               [][]byte{},
		HMACHasher:                         sha256.New,
		TokenEntropy:                       32,
		MinParameterEntropy:                1, // the length of state and nonce is the client's affair
		ScopeStrategy:                      fosite.ExactScopeStrategy,
		AudienceMatchingStrategy:           fosite.ExactAudienceMatchingStrategy,
		EnforcePKCEForPublicClients:        true,
		EnforcePKCE:                        false, // per client: see checkPKCE
		EnablePKCEPlainChallengeMethod:     false,
		OmitRedirectScopeParam:             true,
		SanitationWhiteList:                []string{"code", "redirect_uri"},
		RefreshTokenScopes:                 []string{scopeOffline},
		AllowedPromptValues:                promptValues,
		JWTScopeClaimKey:                   jwt.JWTScopeFieldString,
		RedirectSecureChecker:              func(_ context.Context, u *url.URL) bool { return u != nil },
		ClientSecretsHasher:                noHasher{},
		ClientAuthenticationStrategy:       s.authenticateForEngine,
		JWKSFetcherStrategy:                noFetcher{},
		FormPostHTMLTemplate:               fosite.DefaultFormPostTemplate, // never used: FormPost is ours
		ResponseModeHandlerExtension:       &fosite.DefaultResponseModeHandler{},
		AuthorizeEndpointHandlers:          fosite.AuthorizeEndpointHandlers{&authorizeHandler{s}},
		TokenEndpointHandlers:              list,
		TokenIntrospectionHandlers:         fosite.TokenIntrospectionHandlers{},
		RevocationHandlers:                 fosite.RevocationHandlers{},
		PushedAuthorizeEndpointHandlers:    fosite.PushedAuthorizeEndpointHandlers{},
	})
}

// bcryptUnused is the cost of hashes that are never made: noHasher refuses.
const bcryptUnused = 4

// errNotOffered answers whatever part of the engine we do not use.
var errNotOffered = errors.New("tokens: the engine was asked for something that the broker does not offer")

// noHasher compares no secrets: broker.Client.Authenticates does.
type noHasher struct{}

func (noHasher) Compare(context.Context, []byte, []byte) error         { return errNotOffered }
func (noHasher) Hash(context.Context, []byte) (hash []byte, err error) { return nil, errNotOffered }

// noFetcher keeps the engine from fetching keys.
type noFetcher struct{}

func (noFetcher) Resolve(context.Context, string, bool) (*jose.JSONWebKeySet, error) {
	return nil, errNotOffered
}

// engineStore is the engine's storage. It knows clients only: grants go past
// it (storage.go).
type engineStore struct{ s *Service }

// clientKey carries the client that has been read already.
type clientKey struct{}

// GetClient implements fosite.ClientManager.
func (e *engineStore) GetClient(ctx context.Context, id string) (fosite.Client, error) {
	if c, ok := ctx.Value(clientKey{}).(*engineClient); ok && c.ID == id {
		return c, nil
	}
	c, err := e.s.store.Client(ctx, id)
	if errors.Is(err, broker.ErrNotFound) {
		return nil, fosite.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &engineClient{Client: c}, nil
}

// ClientAssertionJWTValid implements fosite.ClientManager; assertions are not offered.
func (e *engineStore) ClientAssertionJWTValid(context.Context, string) error { return errNotOffered }

// SetClientAssertionJWT implements fosite.ClientManager; assertions are not offered.
func (e *engineStore) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return errNotOffered
}

// engineClient is a broker.Client as the engine sees it.
type engineClient struct {
	broker.Client
	redirectURI string // the trusted one of this request; "" none
}

func (c *engineClient) GetID() string                      { return c.ID }
func (c *engineClient) GetHashedSecret() []byte            { return nil }
func (c *engineClient) GetRedirectURIs() []string          { return []string{c.redirectURI} }
func (c *engineClient) GetGrantTypes() fosite.Arguments    { return c.GrantTypes }
func (c *engineClient) GetResponseTypes() fosite.Arguments { return responseTypesOf(c.Client) }
func (c *engineClient) GetScopes() fosite.Arguments        { return c.Scopes }
func (c *engineClient) IsPublic() bool                     { return c.Public() }
func (c *engineClient) GetAudience() fosite.Arguments      { return nil }

// GetResponseModes implements fosite.ResponseModeClient.
func (c *engineClient) GetResponseModes() []fosite.ResponseModeType { return responseModes }
