package providers

import (
	"context"
	"slices"

	"github.com/markbates/goth"

	"idbroker/broker"
)

// newKeycloak makes a realm of a Keycloak: an OpenID Provider whose tokens can
// tell roles. AllowedRoles are roles of the realm or of our client.
func newKeycloak(app *App, e env) (goth.Provider, error) {
	app.setDefaults("Keycloak", "openid", EmailVerified)
	return newOpenID(app, e, rules{check: func(_ context.Context, p *openID, _ *session, c claims, _ *broker.Profile) error {
		return p.checkRoles(slices.Concat(c.object("realm_access").list("roles"), clientRoles(c, p.app.ClientID)))
	}})
}

// clientRoles are the roles that a Keycloak tells for one client.
func clientRoles(c claims, client string) []string {
	return c.object("resource_access").object(client).list("roles")
}

// checkRoles returns ErrNotAllowed where roles are asked for and the account has
// none of them. An account without roles has none of them.
func (p *openID) checkRoles(roles []string) error {
	if len(p.app.AllowedRoles) == 0 {
		return nil
	}
	for _, r := range roles {
		if slices.Contains(p.app.AllowedRoles, r) {
			return nil
		}
	}
	return ErrNotAllowed.Why(whyRoles).Becausef("allowed_roles: none of the account's %d roles is allowed", len(roles))
}
