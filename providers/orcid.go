package providers

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/markbates/goth"
	"golang.org/x/oauth2"

	"idbroker/broker"
)

// Issuers of ORCID. Identities of the two registries never mix.
const (
	orcidIssuer  = "https://orcid.org"
	orcidSandbox = "https://sandbox.orcid.org"
)

// orcidReadLimited is the scope that shows a member what a person shows to
// trusted parties.
const orcidReadLimited = "/read-limited"

// orcidMemberScopes are those that ORCID gives to members alone.
var orcidMemberScopes = []string{orcidReadLimited, "/activities/update", "/person/update"}

// orcidProvider signs people in with their ORCID iD. It is an OpenID Provider
// with a few ways of its own: no PKCE, errors in the fragment, addresses that
// only its API tells.
type orcidProvider struct {
	*openID
	api string // with the version, without a slash at the end
}

// newORCID is the factory of kind "orcid".
func newORCID(app *App, e env) (goth.Provider, error) {
	var errs []error
	if app.Scopes == nil {
		app.Scopes = []string{"openid"}
	}
	for _, s := range app.Scopes {
		switch {
		case s == "/authenticate":
			errs = append(errs, errors.New("scopes: use openid instead of /authenticate; it gives the same, and an ID token that ties the answer to the browser"))
		case slices.Contains(orcidMemberScopes, s) && !app.Member:
			errs = append(errs, fmt.Errorf("scopes: ORCID gives %s to members alone; remove it, or set member: true", s))
		}
	}
	if app.ClientSecret == "" {
		errs = append(errs, errors.New("client_secret: missing; ORCID gives one to every client"))
	}
	if app.AuthStyle != "" && app.AuthStyle != AuthPost {
		errs = append(errs, errors.New("auth_style: ORCID takes the client secret in the body alone; leave it out"))
	}
	if app.PKCE == PKCES256 {
		errs = append(errs, errors.New("pkce: ORCID's token endpoint drops code_verifier; the nonce protects the sign-in"))
	}
	known := orcidIssuer
	if app.Sandbox {
		known = orcidSandbox
	}
	if app.Issuer == "" {
		app.Issuer = known
	}
	api, err := orcidAPI(app, known, e.allowPrivate)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	app.AuthStyle, app.PKCE = AuthPost, PKCEOff
	app.SignOutURL = withDefault(app.SignOutURL, known+"/signout")
	app.setDefaults("ORCID", "orcid", EmailVerified)
	if app.AuthParams == nil {
		app.AuthParams = map[string]string{"show_login": "true"} // the sign-in form before the registration form
	}
	p := &orcidProvider{api: api}
	p.openID, err = newOpenID(app, e, rules{
		signingAlgs: []string{"RS256"},
		noUserInfo:  true, // the ID token has it all; names asks where it has not
		check:       p.check,
		revoke:      revokeORCID,
		renewed:     renewedORCID,
	})
	return p, err
}

// orcidAPI is the address of the API that tells addresses: a member that may read
// more asks the member API.
func orcidAPI(app *App, known string, plain bool) (string, error) {
	switch {
	case app.BaseURL != "":
		if err := checkURL(app.BaseURL, plain); err != nil {
			return "", fmt.Errorf("base_url: %w", err)
		}
		return strings.TrimRight(app.BaseURL, "/"), nil
	case app.Issuer != known:
		return "", fmt.Errorf("issuer: %q is not %s; leave it out, and choose by sandbox", app.Issuer, known)
	}
	host := strings.TrimPrefix(known, "https://")
	if app.Member && slices.Contains(app.Scopes, orcidReadLimited) {
		return "https://api." + host + "/v3.0", nil
	}
	return "https://pub." + host + "/v3.0", nil
}

// BeginAuth implements goth.Provider.
func (p *orcidProvider) BeginAuth(state string) (goth.Session, error) {
	return p.BeginAuthContext(context.Background(), state, broker.BeginOptions{})
}

// BeginAuthContext begins an attempt. ORCID has names of its own for the
// language and the hint, and "login" is the prompt that it knows.
func (p *orcidProvider) BeginAuthContext(ctx context.Context, state string, o broker.BeginOptions) (goth.Session, error) {
	m, err := p.metadata(ctx)
	if err != nil {
		return nil, err
	}
	cfg, err := p.config(m)
	if err != nil {
		return nil, err
	}
	p.dir.warm()
	if o.Prompt != "" {
		o.Prompt = "login" // people share computers, and ORCID's sessions last
	}
	app := p.app
	app.AuthParams = map[string]string{}
	for name, value := range p.app.AuthParams {
		app.AuthParams[name] = value
	}
	if validORCID(o.LoginHint) {
		app.AuthParams["orcid"] = o.LoginHint
	} else if o.LoginHint != "" {
		app.AuthParams["email"] = o.LoginHint
	}
	if lang := firstLanguage.FindString(o.UILocales); lang != "" {
		app.AuthParams["lang"] = lang
	}
	s := newSession(p.env.redirectURI, app.PKCE, o, p.env.now())
	s.authCodeURL(cfg, state, &app, broker.BeginOptions{Prompt: o.Prompt}, true)
	return s, nil
}

// FetchUser implements goth.Provider.
func (p *orcidProvider) FetchUser(s goth.Session) (goth.User, error) { return fetchUser(p, s) }

// firstLanguage is the language that ui_locales begins with, without script or
// region.
var firstLanguage = regexp.MustCompile(`^[a-z]{2,3}\b`)

// check completes the profile with what ORCID alone tells.
func (p *orcidProvider) check(ctx context.Context, _ *openID, s *session, c claims, profile *broker.Profile) error {
	if !validORCID(profile.Subject) {
		return ErrUpstream.Becausef("sub is no ORCID iD")
	}
	answer := claims{"orcid": s.token.Extra("orcid"), "name": s.token.Extra("name")}
	if answer.str("orcid") != profile.Subject {
		return ErrUpstream.Becausef("the token answer is about another iD than the ID token")
	}
	profile.Username = "" // an iD is all there is
	profile.ProfileURL = p.app.Issuer + "/" + profile.Subject
	if profile.Name == "" {
		profile.Name = answer.personName()
	}
	token := broker.Secret(s.token.AccessToken)
	if profile.Name == "" {
		if err := p.names(ctx, token, profile); err != nil {
			return err
		}
	}
	address, err := p.email(ctx, token, profile.Subject)
	if err != nil {
		return err
	}
	profile.Email, profile.EmailVerified, profile.EmailAsserted = "", false, false // no claim counts, should one ever come
	if address != "" {
		profile.Email, profile.EmailVerified = p.app.email(address, true)
		profile.EmailAsserted = profile.EmailVerified
	}
	profile.Extra = facts(map[string]any{"orcid": profile.Subject, "full_name": profile.Name})
	return nil
}

// renewedORCID refuses an answer that names another iD: ORCID tells it with every
// token, also without an ID token.
func renewedORCID(t *oauth2.Token, _, subject string) (*oauth2.Token, error) {
	if id := t.Extra("orcid"); id != nil && id != subject {
		return t, ErrOtherPerson.Becausef("the token answer is about another iD")
	}
	return t, nil
}

// revokeORCID ends tokens one by one: each call ends one access token with its
// refresh token, and the answer is 200 for unknown ones too. Discovery does not
// name the endpoint.
func revokeORCID(ctx context.Context, p *openID, tokens []broker.RemoteToken) error {
	var errs []error
	for _, t := range tokens {
		hint, token := "access_token", t.AccessToken
		if token == "" {
			hint, token = "refresh_token", t.RefreshToken
		}
		if token != "" {
			errs = append(errs, p.env.client.revoke(ctx, p.app.Issuer+"/oauth/revoke", p.app, AuthPost, hint, token))
		}
	}
	return errors.Join(errs...)
}

// orcidForm is how an iD is written: 16 characters in fours.
var orcidForm = regexp.MustCompile(`^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$`)

// validORCID tells whether s is an iD with the right check character (ISO 7064,
// MOD 11-2).
func validORCID(s string) bool {
	if !orcidForm.MatchString(s) {
		return false
	}
	total := 0
	digits := strings.ReplaceAll(s, "-", "")
	for _, c := range digits[:15] {
		total = (total + int(c-'0')) * 2
	}
	want := "0123456789X"[(12-total%11)%11]
	return digits[15] == want
}
