package providers

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/markbates/goth"
	"golang.org/x/oauth2"

	"idbroker/broker"
)

const (
	globusIssuer = "https://auth.globus.org"
	// globusServer is the resource server whose token is for Globus Auth.
	globusServer = "auth.globus.org"
	// globusRevoke is where tokens end, below the issuer.
	globusRevoke = "/v2/oauth2/token/revoke"
	// globusIdle is how long a refresh token lives without being used: about six
	// months. It is not told with the token.
	globusIdle = 180 * 24 * time.Hour
	// maxLinked bounds the linked identities that are kept for display.
	maxLinked = 50
)

// uuidForm is how ids of Globus are written.
var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// globusProvider signs people in with Globus Auth. It is an OpenID Provider that
// answers with one token a resource server. Its subject is an identity: that
// of the required identity provider, or else the one that the person has made
// primary, which can change.
type globusProvider struct{ *openID }

// globusGroups is the address of the Groups API unless App.BaseURL says otherwise,
// globusGroupsServer whose tokens it takes, globusViewGroups the scope of those.
const (
	globusGroups       = "https://groups.api.globus.org"
	globusGroupsServer = "groups.api.globus.org"
	globusViewGroups   = "urn:globus:auth:scope:groups.api.globus.org:view_my_groups_and_memberships"
)

// newGlobus is the factory of kind "globus".
func newGlobus(app *App, e env) (goth.Provider, error) {
	var errs []error
	if app.Issuer == "" {
		app.Issuer = globusIssuer
	}
	if app.Scopes == nil {
		app.Scopes = []string{"openid", "email", "profile"}
	}
	if app.ClientSecret == "" {
		errs = append(errs, errors.New("client_secret: missing; register a portal or web application at Globus, which gives one"))
	}
	if app.AuthStyle != "" && app.AuthStyle != AuthBasic {
		errs = append(errs, errors.New("auth_style: Globus takes the client secret in HTTP Basic alone; leave it out"))
	}
	if idp := app.RequiredIdentityProvider; idp != "" && !uuidForm.MatchString(idp) {
		errs = append(errs, fmt.Errorf("required_identity_provider: %q: give the UUID of the identity provider in lower case", idp))
	}
	if (app.RequiredIdentityProvider != "" || app.AllowedIdentityProviders != nil) && !slices.Contains(app.Scopes, "profile") {
		errs = append(errs, errors.New("scopes: add profile; required_identity_provider and allowed_identity_providers cannot be checked without it"))
	}
	if app.AllowedGroups != nil && !slices.Contains(app.Scopes, globusViewGroups) {
		app.Scopes = append(slices.Clone(app.Scopes), globusViewGroups)
	}
	app.BaseURL = strings.TrimRight(withDefault(app.BaseURL, globusGroups), "/")
	if err := checkURL(app.BaseURL, e.allowPrivate); err != nil {
		errs = append(errs, fmt.Errorf("base_url: %w", err))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	app.AuthStyle = AuthBasic
	app.setDefaults("Globus", "globus", EmailNever)
	p, err := newOpenID(app, e, rules{
		signingAlgs: []string{"RS512"}, answer: globusAnswer, check: checkGlobus, tokens: globusTokens, revoke: revokeGlobus,
		renewed: renewedGlobus, refreshIdle: globusIdle,
	})
	return &globusProvider{p}, err
}

// checkGlobus refuses identities of other providers than the required one, and
// completes the profile.
func checkGlobus(ctx context.Context, p *openID, s *session, c claims, profile *broker.Profile) error {
	if !uuidForm.MatchString(profile.Subject) {
		return ErrUpstream.Becausef("sub is no UUID")
	}
	idp := c.str("identity_provider")
	if want := p.app.RequiredIdentityProvider; want != "" && idp != want {
		return ErrNotAllowed.Becausef("required_identity_provider: the identity is of provider %q, required is %q", clean(idp), want)
	}
	if allowed := p.app.AllowedIdentityProviders; allowed != nil && !slices.Contains(allowed, idp) {
		return ErrNotAllowed.Becausef("allowed_identity_providers: the identity is of provider %q", clean(idp))
	}
	if err := globusInGroup(ctx, p, s); err != nil {
		return err
	}
	if profile.AuthTime.IsZero() {
		profile.AuthTime = c.time("last_authentication")
	}
	profile.Extra = facts(map[string]any{
		"login": profile.Username, "identity_provider": c.text("identity_provider"),
		"identity_provider_display_name": c.text("identity_provider_display_name"),
		"organization":                   c.text("organization"), "linked": linkedIdentities(c, profile.Subject),
	})
	return nil
}

// linkedIdentities are the other identities of the account that have signed in
// at least once, for display and for the operator. They open nothing: anybody
// can invite an address, and such an identity has never signed in. nil: none,
// or not told.
func linkedIdentities(c claims, subject string) any {
	set, _ := c["identity_set"].([]any)
	var linked []map[string]string
	for _, m := range set {
		one, _ := m.(map[string]any)
		id := claims(one)
		if sub := id.str("sub"); uuidForm.MatchString(sub) && sub != subject && !id.time("last_authentication").IsZero() && len(linked) < maxLinked {
			linked = append(linked, map[string]string{"sub": sub, "username": id.text("username"), "identity_provider": id.text("identity_provider")})
		}
	}
	if linked == nil {
		return nil
	}
	return linked
}

// FetchUser implements goth.Provider.
func (p *globusProvider) FetchUser(s goth.Session) (goth.User, error) { return fetchUser(p, s) }

// revokeGlobus ends every token that we hold, those for other resource servers
// too: it is not certain that a refresh token takes its access tokens along.
func revokeGlobus(ctx context.Context, p *openID, tokens []broker.RemoteToken) error {
	return revokeAll(tokens, func(hint string, token broker.Secret) error {
		return p.env.client.revoke(ctx, p.app.Issuer+globusRevoke, p.app, AuthBasic, hint, token)
	})
}

// allTokens implements tokenLister.
func (p *globusProvider) allTokens(t *oauth2.Token) []broker.RemoteToken {
	all, _ := readGlobusTokens(t)
	held := []broker.RemoteToken{{AccessToken: broker.Secret(t.AccessToken), RefreshToken: broker.Secret(t.RefreshToken)}}
	for _, one := range all {
		if one.access != t.AccessToken {
			held = append(held, broker.RemoteToken{Kind: one.server, AccessToken: broker.Secret(one.access), RefreshToken: broker.Secret(one.refresh)})
		}
	}
	return held
}
