package providers

import (
	"context"
	"slices"
	"strings"

	"github.com/markbates/goth"

	"idbroker/broker"
)

// Issuers of CERN: a realm of a Keycloak, and the realm to test against.
const (
	cernIssuer   = "https://auth.cern.ch/auth/realms/cern"
	cernQAIssuer = "https://keycloak-qa.cern.ch/auth/realms/cern"
)

// newCERN makes CERN's single sign-on (auth.docs.cern.ch). Its subject is the
// login, which CERN never gives to another person. A person number is shared
// by all accounts of a person and therefore opens nothing. CERN does not say
// whether it verified an address, so that none counts unless the operator
// says so, and then only those at cern.ch.
func newCERN(app *App, e env) (goth.Provider, error) {
	if app.Issuer == "" {
		app.Issuer = cernIssuer
		if app.Sandbox {
			app.Issuer = cernQAIssuer
		}
	}
	if app.AllowedRoles == nil {
		app.AllowedRoles = []string{"cern_user"}
	}
	if app.EmailDomains == nil {
		app.EmailDomains = []string{"cern.ch"}
	}
	app.setDefaults("CERN", "cern", EmailNever)
	return newOpenID(app, e, rules{check: checkCERN})
}

func checkCERN(_ context.Context, p *openID, _ *session, c claims, profile *broker.Profile) error {
	if upn := c.str("cern_upn"); c.has("cern_upn") && upn != profile.Subject {
		return ErrUpstream.Becausef("cern_upn is not sub")
	}
	roles := cernRoles(c, p.app.ClientID)
	if err := p.checkRoles(roles); err != nil {
		return err
	}
	// A service account belongs to no person, and can be handed to another
	// owner. CERN's tokens do not name the type of an account: one of
	// CERN's own (no "@" in its login) without a person is taken for one.
	person := c.text("cern_person_id")
	if person == "" && !strings.Contains(profile.Subject, "@") && !p.app.AllowServiceAccounts {
		return ErrNotAllowed.Becausef("the account belongs to no person: a service account")
	}
	if profile.Locale == "" {
		profile.Locale = strings.ToLower(c.text("cern_preferred_language"))
	}
	profile.Extra = facts(map[string]any{
		"person_id": person, "upn": c.text("cern_upn"), "mail_upn": c.text("cern_mail_upn"),
		"orcid": c.text("eduperson_orcid"), "roles": roles,
	})
	return nil
}

// cernRoles are the roles of the account in our application, from either of the
// claims that CERN has for them.
func cernRoles(c claims, client string) []string {
	roles := slices.Concat(c.list("cern_roles"), clientRoles(c, client))
	slices.Sort(roles)
	return slices.Compact(roles)
}
