package providers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/markbates/goth"
	"golang.org/x/oauth2"

	"idbroker/broker"
)

// Goth knows neither contexts nor options, verified addresses, issuers or
// revocation. Providers and sessions of ours implement the interfaces below
// beside goth's; the registry finds them by type assertion.
type (
	// contextBeginner is BeginAuth with a context and options.
	contextBeginner interface {
		BeginAuthContext(ctx context.Context, state string, o broker.BeginOptions) (goth.Session, error)
	}
	// contextAuthorizer is Session.Authorize with a context.
	contextAuthorizer interface {
		AuthorizeContext(ctx context.Context, p goth.Provider, params goth.Params) (string, error)
	}
	// profileFetcher is FetchUser with a context and a result that tells
	// what a verified address is. The session has been authorized.
	profileFetcher interface {
		FetchProfile(ctx context.Context, s goth.Session) (broker.Profile, error)
	}
	// revoker ends tokens at the provider. Tokens that are already gone are
	// no error.
	revoker interface {
		Revoke(ctx context.Context, tokens []broker.RemoteToken) error
	}
	// tokenDropper ends a token, where Revoke would end more than that.
	tokenDropper interface {
		dropTokens(ctx context.Context, t *oauth2.Token) error
	}
	// tokenLister reads all tokens of an answer, where there can be several, also
	// of one that was refused.
	tokenLister interface {
		allTokens(t *oauth2.Token) []broker.RemoteToken
	}
	// farewellSayer knows a way to sign out there.
	farewellSayer interface {
		farewell(ctx context.Context, q broker.SignOutRequest) (broker.Farewell, error)
	}
	// logoutVerifier reads the provider's word that somebody has signed out there.
	logoutVerifier interface {
		verifyLogout(ctx context.Context, raw string) (broker.UpstreamLogout, error)
	}
	// issuerTeller says what "iss" in a callback must be (RFC 9207). A
	// provider without it is held to IssuerIfPresent and its App.Issuer.
	issuerTeller interface {
		callbackIssuer(ctx context.Context) (issuer string, required bool, err error)
	}
	// exchanger turns a code into tokens, which it leaves in the session
	// with everything that it learned from them.
	exchanger interface {
		exchange(ctx context.Context, s *session, code broker.Secret) error
	}
)

// session is the goth.Session of our own providers. Its exported fields survive
// until the callback; the rest is what the callback brought.
type session struct {
	RedirectURI string    `json:"redirect_uri"`
	Nonce       string    `json:"nonce,omitempty"`
	Verifier    string    `json:"verifier,omitempty"` // PKCE
	Prompt      string    `json:"prompt,omitempty"`
	MaxAge      string    `json:"max_age,omitempty"` // seconds; "" it was not asked for
	StartedAt   time.Time `json:"started_at"`

	authURL string        // not kept: it holds the state
	token   *oauth2.Token // nil before the exchange
	claims  claims        // of the verified ID token; nil none
}

var (
	_ goth.Session      = (*session)(nil)
	_ contextAuthorizer = (*session)(nil)
)

// newSession makes what every attempt needs: a nonce, and a PKCE verifier where
// pkce is S256.
func newSession(redirectURI, pkce string, o broker.BeginOptions, at time.Time) *session {
	s := &session{RedirectURI: redirectURI, Nonce: broker.NewSecret().Reveal(), Prompt: o.Prompt, MaxAge: o.MaxAge, StartedAt: at}
	if pkce == PKCES256 {
		s.Verifier = oauth2.GenerateVerifier()
	}
	return s
}

// parseSession reads what Marshal wrote.
func parseSession(text string) (*session, error) {
	s := &session{}
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return nil, fmt.Errorf("read the session: %w", err)
	}
	if s.RedirectURI == "" {
		return nil, errors.New("the session has no redirect URI")
	}
	return s, nil
}

// authCodeURL sets and returns the address that the person is sent to: the
// configured parameters first, so that nothing overrides the attempt's own.
func (s *session) authCodeURL(cfg *oauth2.Config, state string, app *App, o broker.BeginOptions, nonce bool) string {
	c := *cfg
	c.RedirectURL = s.RedirectURI
	var opts []oauth2.AuthCodeOption
	set := func(name, value string) {
		if value != "" {
			opts = append(opts, oauth2.SetAuthURLParam(name, value))
		}
	}
	for name, value := range app.AuthParams {
		if !slices.Contains(reserved, strings.ToLower(name)) { // New has refused such an app; this is what must never go wrong
			set(name, value)
		}
	}
	set("prompt", o.Prompt)
	set("login_hint", o.LoginHint)
	set("ui_locales", o.UILocales)
	set("acr_values", o.ACRValues)
	set("max_age", o.MaxAge)
	if nonce {
		set("nonce", s.Nonce)
	}
	if s.Verifier != "" {
		opts = append(opts, oauth2.S256ChallengeOption(s.Verifier))
	}
	s.authURL = c.AuthCodeURL(state, opts...)
	return s.authURL
}

// GetAuthURL implements goth.Session. Only a session that has just begun knows
// the address.
func (s *session) GetAuthURL() (string, error) {
	if s.authURL == "" {
		return "", errors.New("the session has no address to go to")
	}
	return s.authURL, nil
}

// Marshal implements goth.Session. No token and no state is in the result.
func (s *session) Marshal() string {
	b, _ := json.Marshal(s)
	return string(b)
}

// Authorize implements goth.Session.
func (s *session) Authorize(p goth.Provider, params goth.Params) (string, error) {
	return s.AuthorizeContext(context.Background(), p, params)
}

// AuthorizeContext exchanges params' code for tokens and returns the access
// token. It looks at no other parameter.
func (s *session) AuthorizeContext(ctx context.Context, p goth.Provider, params goth.Params) (string, error) {
	x, ok := p.(exchanger)
	if !ok {
		return "", fmt.Errorf("%T cannot authorize this session", p)
	}
	code := broker.Secret(params.Get("code"))
	if code == "" {
		return "", ErrIncomplete
	}
	if err := x.exchange(ctx, s, code); err != nil {
		return "", err
	}
	return s.token.AccessToken, nil
}

// codeParam is the only callback parameter that reaches a session.
func codeParam(code broker.Secret) goth.Params { return url.Values{"code": {code.Reveal()}} }

// tokens returns what the exchange brought, the main token alone; nil before
// it. Where the provider does not tell the granted scopes, they are those
// that were asked for (RFC 6749, section 5.1).
func (s *session) tokens(asked []string, at time.Time) []broker.RemoteToken {
	if s.token == nil {
		return nil
	}
	scopes := asked
	if granted, ok := s.token.Extra("scope").(string); ok && granted != "" {
		scopes = splitScopes(granted)
	}
	idToken, _ := s.token.Extra("id_token").(string)
	return []broker.RemoteToken{{
		AccessToken: broker.Secret(s.token.AccessToken), RefreshToken: broker.Secret(s.token.RefreshToken),
		IDToken: broker.Secret(idToken), TokenType: s.token.Type(), Scopes: scopes,
		ExpiresAt: s.token.Expiry, RefreshExpiresAt: refreshEnds(s.token, at, 0), UpdatedAt: at,
	}}
}
