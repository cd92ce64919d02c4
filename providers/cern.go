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
	person := c.text("cern_person_id")
	if class := cernClass(profile.Subject, person); !p.app.admitsClass(class) {
		return ErrNotAllowed.Becausef("allowed_identity_classes: the account is of the class %s", class)
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

// Identity classes of CERN's accounts. The tokens do not name them, other than
// those of CERN's old service did ("CERN Registered" was a person's, "CERN Shared"
// a service's), so they are told by login and person number.
const (
	classPerson    = "person"    // one of CERN's own, of somebody whom CERN knows
	classService   = "service"   // belongs to no person, and can be handed to another owner
	classFederated = "federated" // of an institution in eduGAIN: a scoped login, "ada@unibe.example"
	classSocial    = "social"    // of Google, GitHub and the like: "1234567@google"
)

var cernClasses = []string{classPerson, classService, classFederated, classSocial}

// cernClass is the class of an account. One of CERN's own (no "@" in its login)
// without a person is taken for a service account.
func cernClass(login, person string) string {
	_, scope, foreign := strings.Cut(login, "@")
	switch {
	case foreign && strings.Contains(scope, "."):
		return classFederated
	case foreign:
		return classSocial
	case person == "":
		return classService
	}
	return classPerson
}

// admitsClass tells whether accounts of a class may come in: all but service
// accounts, unless the operator lists them.
func (a App) admitsClass(class string) bool {
	if a.AllowedIdentityClasses != nil {
		return slices.Contains(a.AllowedIdentityClasses, class)
	}
	return class != classService || a.AllowServiceAccounts
}

// cernRoles are the roles of the account in our application, from either of the
// claims that CERN has for them.
func cernRoles(c claims, client string) []string {
	roles := slices.Concat(c.list("cern_roles"), clientRoles(c, client))
	slices.Sort(roles)
	return slices.Compact(roles)
}
