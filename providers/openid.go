package providers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/markbates/goth"
	"golang.org/x/oauth2"

	"idbroker/broker"
)

// rules are what an OpenID Provider of one kind does differently. The zero value
// is the plain one.
type rules struct {
	// check refuses accounts that may not come in, and fills in the profile
	// what the kind knows beyond the standard claims. c is the verified ID
	// token with userinfo merged in.
	check func(ctx context.Context, p *openID, s *session, c claims, profile *broker.Profile) error
	// signingAlgs replaces what discovery says; nil: as it says.
	signingAlgs []string
	// noUserInfo: the ID token tells everything, or the endpoint is of no use.
	noUserInfo bool
	// revoke replaces RFC 7009; nil: that, where discovery names an endpoint.
	revoke func(ctx context.Context, p *openID, tokens []broker.RemoteToken) error
	// answer picks the token that is for the provider itself out of a token
	// answer; nil: there is one.
	answer func(t *oauth2.Token) (*oauth2.Token, error)
	// tokens makes further tokens of the answer; nil: there is one.
	tokens func(p *openID, s *session, main broker.RemoteToken) []broker.RemoteToken
	// renewed picks the token of a kind out of the answer to a refresh token of
	// subject's, or refuses it; nil: there is one.
	renewed func(t *oauth2.Token, kind, subject string) (*oauth2.Token, error)
	// refreshIdle is how long a refresh token stays good without being used, where
	// the provider does not tell it with the token; 0: not known, or for ever.
	refreshIdle time.Duration
}

// openID is an OpenID Provider that is found by discovery.
type openID struct {
	base
	rules rules
	dir   *directory
}

var (
	_ goth.Provider   = (*openID)(nil)
	_ contextBeginner = (*openID)(nil)
	_ profileFetcher  = (*openID)(nil)
	_ revoker         = (*openID)(nil)
	_ issuerTeller    = (*openID)(nil)
	_ exchanger       = (*openID)(nil)
	_ farewellSayer   = (*openID)(nil)
	_ logoutVerifier  = (*openID)(nil)
)

// newOpenID checks what every OpenID Provider needs, fills in the defaults that
// are still open, and makes the provider.
func newOpenID(app *App, e env, r rules) (*openID, error) {
	if err := checkURL(app.Issuer, e.allowPrivate); err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	if app.Scopes == nil {
		app.Scopes = []string{"openid", "profile", "email"}
	}
	if !slices.Contains(app.Scopes, "openid") {
		return nil, fmt.Errorf("scopes: add openid; without it %s sends no ID token", app.Kind)
	}
	app.setDefaults("OpenID Connect", "openid", EmailVerified)
	log := e.log
	warned := false
	return &openID{base: base{app: *app, env: e}, rules: r, dir: newDirectory(app.Issuer, e, func(m metadata) {
		if !m.S256 && app.PKCE != PKCEOff && !warned {
			warned = true // under the directory's lock
			log.Warn("the provider does not announce PKCE with S256; it is sent all the same")
		}
	})}, nil
}

// setDefaults fills in what is still open.
func (a *App) setDefaults(title, icon, emailTrust string) {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set(&a.Title, title)
	set(&a.Icon, icon)
	set(&a.EmailTrust, emailTrust)
	set(&a.PKCE, PKCES256)
}

// config is the client configuration for x/oauth2.
func (p *openID) config(m metadata) (*oauth2.Config, error) {
	style, err := m.authStyle(p.app)
	if err != nil {
		return nil, ErrMisconfigured.Because(err)
	}
	return &oauth2.Config{
		ClientID: p.app.ClientID, ClientSecret: p.app.ClientSecret.Reveal(), RedirectURL: p.env.redirectURI, Scopes: p.app.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: m.AuthEndpoint, TokenURL: m.TokenEndpoint, AuthStyle: oauthStyle(style)},
	}, nil
}

// metadata is the discovery document as the rules have it.
func (p *openID) metadata(ctx context.Context) (metadata, error) {
	m, err := p.dir.metadata(ctx)
	if p.rules.signingAlgs != nil {
		m.SigningAlgs = p.rules.signingAlgs
	}
	return m, err
}

// BeginAuth implements goth.Provider.
func (p *openID) BeginAuth(state string) (goth.Session, error) {
	return p.BeginAuthContext(context.Background(), state, broker.BeginOptions{})
}

// BeginAuthContext makes the authorization request, with nonce and PKCE.
func (p *openID) BeginAuthContext(ctx context.Context, state string, o broker.BeginOptions) (goth.Session, error) {
	m, err := p.metadata(ctx)
	if err != nil {
		return nil, err
	}
	cfg, err := p.config(m)
	if err != nil {
		return nil, err
	}
	p.dir.warm()
	s := newSession(p.env.redirectURI, p.app.PKCE, o, p.env.now())
	s.authCodeURL(cfg, state, &p.app, o, true)
	return s, nil
}

// callbackIssuer implements issuerTeller.
func (p *openID) callbackIssuer(ctx context.Context) (string, bool, error) {
	m, err := p.metadata(ctx)
	return p.app.Issuer, m.SendsIssuer, err
}

// exchange redeems the code and verifies the ID token. Nothing of the answer is
// used before that.
func (p *openID) exchange(ctx context.Context, s *session, code broker.Secret) error {
	m, err := p.metadata(ctx)
	if err != nil {
		return err
	}
	cfg, err := p.config(m)
	if err != nil {
		return err
	}
	token, err := p.env.client.exchange(ctx, cfg, s, code)
	if err != nil {
		return err
	}
	s.token = token // known to whoever cleans up after a refusal
	if p.rules.answer != nil {
		if token, err = p.rules.answer(token); err != nil {
			return err
		}
		s.token = token
	}
	at := p.env.now()
	s.claims, err = p.verify(ctx, m, token, s.Nonce, at)
	if err != nil {
		return err
	}
	return s.checkAuthTime(s.claims)
}

// verify verifies the ID token in a token answer.
func (p *openID) verify(ctx context.Context, m metadata, token *oauth2.Token, nonce string, at time.Time) (claims, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, ErrUpstream.Becausef("the token answer has no ID token")
	}
	keys, err := p.dir.keySet(ctx)
	if err != nil {
		return nil, err
	}
	watched := &watchedKeys{KeySet: keys}
	c, err := verifyIDToken(ctx, raw, watched, m, p.app.ClientID, nonce, token.AccessToken, at)
	switch {
	case watched.err != nil: // go-oidc keeps the text of it alone
		return nil, watched.err
	case err != nil:
		return nil, ErrUpstream.Because(redact(err))
	}
	return c, nil
}

// watchedKeys remembers why keys could not be had, so that an outage is not
// taken for a forged token.
type watchedKeys struct {
	oidc.KeySet
	err error
}

// VerifySignature implements oidc.KeySet.
func (w *watchedKeys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := w.KeySet.VerifySignature(ctx, token)
	if broker.KindOf(err) != broker.KindInternal { // about the keys, not about the token
		w.err = err
	}
	return payload, err
}

// FetchUser implements goth.Provider.
func (p *openID) FetchUser(s goth.Session) (goth.User, error) { return fetchUser(p, s) }

// FetchProfile makes the profile of an authorized session.
func (p *openID) FetchProfile(ctx context.Context, gs goth.Session) (broker.Profile, error) {
	s, err := authorized(gs)
	if err != nil {
		return broker.Profile{}, err
	}
	c := s.claims
	m, err := p.metadata(ctx)
	if err != nil {
		return broker.Profile{}, err
	}
	if m.UserInfo != "" && !p.rules.noUserInfo {
		info, err := p.userInfo(ctx, m, broker.Secret(s.token.AccessToken), c.str("sub"))
		if err != nil {
			return broker.Profile{}, err
		}
		c = merge(c, info)
	}
	return p.profileFrom(ctx, s, c)
}

// profileFrom makes the profile of verified claims.
func (p *openID) profileFrom(ctx context.Context, s *session, c claims) (broker.Profile, error) {
	profile := p.profileOf(c.str("sub"), p.tokens(s))
	profile.Name, profile.Locale, profile.ProfileURL = c.personName(), c.text("locale"), c.webURL("profile")
	profile.Username = c.text("preferred_username")
	if profile.Username == "" {
		profile.Username = c.text("nickname")
	}
	profile.Email, profile.EmailVerified = p.app.email(c.str("email"), c.isTrue("email_verified"))
	profile.EmailAsserted = profile.EmailVerified && c.isTrue("email_verified")
	if sid := s.claims.str("sid"); validSubject(sid) { // of the ID token alone
		profile.SID = sid
	}
	profile.AMR, profile.ACR, profile.AuthTime = s.claims.list("amr"), s.claims.text("acr"), s.claims.time("auth_time") // of the ID token alone: it is signed
	profile.TwoFactors = p.app.SecondFactor.proven(profile.AMR, profile.ACR)
	if err := p.app.admitsClaims(c); err != nil {
		return broker.Profile{}, err
	}
	if p.rules.check != nil {
		if err := p.rules.check(ctx, p, s, c, &profile); err != nil {
			return broker.Profile{}, err
		}
	}
	return profile, nil
}

func (p *openID) tokens(s *session) []broker.RemoteToken {
	tokens := s.tokens(p.app.Scopes, p.env.now())
	if p.rules.tokens != nil && len(tokens) == 1 {
		tokens = p.rules.tokens(p, s, tokens[0])
	}
	for i, t := range tokens {
		if t.RefreshToken != "" && t.RefreshExpiresAt.IsZero() {
			tokens[i].RefreshExpiresAt = endsAt(t.UpdatedAt, p.rules.refreshIdle)
		}
	}
	return tokens
}

// RefreshToken implements goth.Provider. An ID token in the answer must be the
// provider's and for us (OpenID Connect Core 1.0, section 12.2).
func (p *openID) RefreshToken(refreshToken string) (*oauth2.Token, error) {
	ctx := context.Background()
	m, err := p.metadata(ctx)
	if err != nil {
		return nil, err
	}
	cfg, err := p.config(m)
	if err != nil {
		return nil, err
	}
	token, err := p.env.client.refresh(ctx, cfg, broker.Secret(refreshToken))
	if err != nil {
		return nil, err
	}
	if token.Extra("id_token") != nil {
		if _, err := p.verify(ctx, m, token, "", p.env.now()); err != nil {
			return nil, err
		}
	}
	return token, nil
}

// facts makes Profile.Extra of what is there; nil of nothing.
func facts(m map[string]any) json.RawMessage {
	for name, v := range m {
		if v == nil || v == "" {
			delete(m, name)
		}
	}
	if len(m) == 0 {
		return nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil
	}
	return b
}
