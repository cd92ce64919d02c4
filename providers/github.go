package providers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/markbates/goth"
	"golang.org/x/oauth2"

	"idbroker/broker"
)

// githubSite is where people sign in unless App.BaseURL says otherwise.
const githubSite = "https://github.com"

// githubVersion is the version of the REST API that we were written for.
const githubVersion = "2022-11-28"

// githubProvider signs people in at github.com, a tenant of GHE.com or an
// Enterprise Server. GitHub is no OpenID Provider: there is no ID token, and
// the person is whom the REST API names for the access token.
//
// The stable id is the numeric one: logins can be renamed, and are free for
// anybody at once.
type githubProvider struct {
	base
	site  string // https://github.com, without a slash at the end
	api   string // https://api.github.com
	oauth oauth2.Config

	organizations []organization // one of them is needed; nil none
}

var (
	_ goth.Provider   = (*githubProvider)(nil)
	_ contextBeginner = (*githubProvider)(nil)
	_ profileFetcher  = (*githubProvider)(nil)
	_ exchanger       = (*githubProvider)(nil)
	_ revoker         = (*githubProvider)(nil)
	_ issuerTeller    = (*githubProvider)(nil)
)

// newGitHub is the factory of kind "github".
func newGitHub(app *App, e env) (goth.Provider, error) {
	var errs []error
	site, api, err := githubAddresses(app.BaseURL, e.allowPrivate)
	if err != nil {
		errs = append(errs, fmt.Errorf("base_url: %w", err))
	}
	if app.Issuer != "" {
		errs = append(errs, errors.New("issuer: GitHub is no OpenID Provider; remove it, and set base_url for a server of your own"))
	}
	if app.ClientSecret == "" {
		errs = append(errs, errors.New("client_secret: missing; GitHub gives one to every app"))
	}
	if app.AuthStyle == AuthNone {
		errs = append(errs, errors.New("auth_style: GitHub wants the client secret; leave it out"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	app.Issuer = site
	app.Title = withDefault(app.Title, "GitHub")
	app.Icon = withDefault(app.Icon, "github")
	app.SignOutURL = withDefault(app.SignOutURL, site+"/logout")
	app.AuthStyle = withDefault(app.AuthStyle, AuthPost)
	app.PKCE = withDefault(app.PKCE, PKCES256) // a server that does not know it takes no notice
	if api == site+"/api/v3" {                 // an administrator may have switched verification off
		app.EmailTrust = withDefault(app.EmailTrust, EmailNever)
	}
	app.EmailTrust = withDefault(app.EmailTrust, EmailVerified)
	if app.Scopes == nil {
		app.Scopes = []string{"read:user", "user:email"}
	}
	app.Scopes = splitScopes(strings.Join(app.Scopes, " ")) // older configurations separate by commas
	var organizations []organization
	for _, entry := range app.AllowedOrganizations {
		o, err := parseOrganization(entry)
		if err != nil {
			return nil, err
		}
		organizations = append(organizations, o)
	}
	if organizations != nil && !slices.Contains(app.Scopes, githubReadOrg) {
		app.Scopes = append(app.Scopes, githubReadOrg)
	}
	return &githubProvider{
		base: base{app: *app, env: e}, site: site, api: api, organizations: organizations,
		oauth: oauth2.Config{
			ClientID: app.ClientID, ClientSecret: app.ClientSecret.Reveal(), RedirectURL: e.redirectURI, Scopes: app.Scopes,
			Endpoint: oauth2.Endpoint{
				AuthURL: site + "/login/oauth/authorize", TokenURL: site + "/login/oauth/access_token", AuthStyle: oauthStyle(app.AuthStyle),
			},
		},
	}, nil
}

// githubAddresses returns the site and the REST API that belong to a base URL;
// "" is github.com. plain allows http.
func githubAddresses(baseURL string, plain bool) (site, api string, err error) {
	if baseURL == "" {
		baseURL = githubSite
	}
	if err := checkURL(baseURL, plain); err != nil {
		return "", "", err
	}
	u, err := url.Parse(baseURL)
	if err != nil {
		return "", "", err
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return "", "", fmt.Errorf("%q: give scheme and host alone, such as https://github.example.org", baseURL)
	}
	host := strings.ToLower(u.Host)
	site = u.Scheme + "://" + host
	switch {
	case host == "api.github.com", strings.HasPrefix(host, "api.") && strings.HasSuffix(host, ".ghe.com"):
		return "", "", fmt.Errorf("%q is the address of the API; give the one where people sign in", baseURL)
	case host == "github.com", strings.HasSuffix(host, ".ghe.com"):
		return site, u.Scheme + "://api." + host, nil
	}
	return site, site + "/api/v3", nil
}

// withDefault is value, or fallback where it is "".
func withDefault(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

// callbackIssuer: GitHub began to send "iss" (RFC 9207) in 2026, took it back
// and sends it again; it is not an OpenID issuer.
func (p *githubProvider) callbackIssuer(context.Context) (string, bool, error) {
	return p.site + "/login/oauth", false, nil
}

// BeginAuth implements goth.Provider.
func (p *githubProvider) BeginAuth(state string) (goth.Session, error) {
	return p.BeginAuthContext(context.Background(), state, broker.BeginOptions{})
}

// BeginAuthContext begins an attempt. GitHub knows one prompt and its own name
// for the hint.
func (p *githubProvider) BeginAuthContext(_ context.Context, state string, o broker.BeginOptions) (goth.Session, error) {
	app := p.app
	app.AuthParams = map[string]string{}
	for name, value := range p.app.AuthParams {
		app.AuthParams[name] = value
	}
	if o.LoginHint != "" {
		app.AuthParams["login"] = o.LoginHint
	}
	ask := broker.BeginOptions{}
	if o.Prompt != "" { // whoever is signed in there must say so again, as far as GitHub can ask for it
		ask.Prompt = "select_account"
	}
	s := newSession(p.env.redirectURI, app.PKCE, ask, p.env.now())
	s.Nonce = "" // there is no ID token that could carry it
	s.authCodeURL(&p.oauth, state, &app, ask, false)
	return s, nil
}

// exchange implements exchanger. GitHub's errors have status 200; x/oauth2 finds
// them in the body.
func (p *githubProvider) exchange(ctx context.Context, s *session, code broker.Secret) error {
	tok, err := p.env.client.exchange(ctx, &p.oauth, s, code)
	if err != nil {
		return err
	}
	s.token = tok
	return nil
}

// RefreshToken implements goth.Provider. Both tokens are new afterwards, and the
// old ones are dead: it is never repeated.
func (p *githubProvider) RefreshToken(refresh string) (*oauth2.Token, error) {
	return p.env.client.refresh(context.Background(), &p.oauth, broker.Secret(refresh))
}

// FetchUser implements goth.Provider.
func (p *githubProvider) FetchUser(s goth.Session) (goth.User, error) { return fetchUser(p, s) }

// FetchProfile asks the REST API who the token belongs to.
func (p *githubProvider) FetchProfile(ctx context.Context, s goth.Session) (broker.Profile, error) {
	own, err := authorized(s)
	if err != nil {
		return broker.Profile{}, err
	}
	token := broker.Secret(own.token.AccessToken)
	a, err := p.get(ctx, p.api+"/user", token)
	if err != nil {
		return broker.Profile{}, err
	}
	user, err := readGitHubUser(a.Body)
	if err != nil {
		return broker.Profile{}, ErrUpstream.Becausef("GET /user: %w", err)
	}
	if user.Type != "User" {
		return broker.Profile{}, ErrNotAllowed.Becausef("GitHub account %s is a %q, not a User", user.ID, clean(user.Type))
	}
	if err := p.checkOrganizations(ctx, token); err != nil {
		return broker.Profile{}, err
	}
	address, err := p.primaryEmail(ctx, token)
	if err != nil {
		return broker.Profile{}, err
	}
	tokens := own.tokens(p.app.Scopes, p.env.now())
	if granted, told := own.token.Extra("scope").(string); told { // "" is none, not all that was asked for
		tokens[0].Scopes = splitScopes(granted)
	}
	profile := p.profileOf(user.ID, tokens)
	profile.Username, profile.Name, profile.ProfileURL = user.Login, user.Name, p.profileURL(user.Login)
	profile.Email, profile.EmailVerified, profile.EmailAsserted = address.address, address.verified, address.asserted
	profile.Extra, err = json.Marshal(map[string]any{"id": json.Number(user.ID), "login": user.Login})
	return profile, err
}

// profileURL is the page of a person; the login decides, not what the API says.
func (p *githubProvider) profileURL(login string) string {
	if login == "" {
		return ""
	}
	return p.site + "/" + url.PathEscape(login)
}

// get asks the REST API. 401 right after the sign-in means that the account or
// the grant has gone meanwhile.
func (p *githubProvider) get(ctx context.Context, address string, token broker.Secret) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, redact(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	githubHeader(req)
	a, err := p.env.client.do(ctx, req)
	if err != nil {
		return answer{}, err
	}
	what := "GET " + withoutQuery(address)
	switch {
	case a.Status == http.StatusUnauthorized:
		return answer{}, ErrRestart.Because(&errStatus{what, a.Status})
	case githubLimited(a):
		return answer{}, ErrUnavailable.Becausef("%s: rate limit, status %d", what, a.Status)
	}
	if err := a.ok(what); err != nil {
		return a, err
	}
	if !a.isJSON() {
		return answer{}, ErrUpstream.Becausef("%s: %q is no JSON", what, clean(a.mediaType()))
	}
	return a, nil
}

// githubHeader sets what every request of the REST API should have.
func githubHeader(req *http.Request) {
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("X-GitHub-Api-Version", githubVersion)
}

// githubLimited tells whether a refusal is a rate limit: those have status 403
// or 429.
func githubLimited(a answer) bool {
	return a.Status == http.StatusTooManyRequests ||
		a.Status == http.StatusForbidden && (a.Header.Get("X-RateLimit-Remaining") == "0" || a.Header.Get("Retry-After") != "")
}
