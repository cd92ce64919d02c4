package providers

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"idbroker/broker"
)

// App is the description of one configured remote app. Factories fill in the
// defaults of its kind; "" and nil mean the default everywhere.
type App struct {
	ID    string // path segment and key: [a-z0-9_-]+
	Kind  string // a name in the table of kinds
	Title string // on buttons; "" the kind's
	Icon  string // name of an SVG of ours; "" the kind's
	Order int    // of its button: the lower stands first; equal ones as they are listed

	Issuer       string            // OpenID issuer, exactly as its discovery document has it
	BaseURL      string            // GitHub: address of a self-hosted installation; ORCID: of the API; Globus: of the Groups API
	ClientID     string            // ours there
	ClientSecret broker.Secret     // "" a public client
	Scopes       []string          // nil: the kind's
	AuthParams   map[string]string // further parameters of the authorization request

	Forward []string // wishes of the application that the provider is told: ForwardPrompt and so on; nil: the language of our page

	Sandbox bool // ORCID: the sandbox
	Member  bool // ORCID: the member API

	EmailTrust   string   // EmailNever, EmailVerified or EmailAlways; "" the kind's, EmailVerified for most
	EmailDomains []string // only addresses in these domains count as verified; nil: all

	AllowedDomains []string // whose proven address is in none of these may not come in, link or stay; nil: no such rule

	SecondFactor SecondFactor // what its ID token says of somebody who has shown two factors there; zero: nothing does

	Hidden   bool // not offered, and no step of it is served
	LinkOnly bool // can be linked, cannot sign in

	SignUp      broker.SignUpBy     // how its identities begin accounts; "" broker.SignUpByForm
	Unmailed    bool                // its form begins the account without a mail, where its word for the address counts
	LinkByEmail bool                // an address that it verified leads to the account that has proven it here
	Profile     broker.ProfileRules // which values of an account it sets

	Second broker.Second // what becomes of a second identity that somebody links; "" broker.SecondRefuse

	// SignOut is what becomes of the session there when somebody who signed in with
	// it signs out here; "" broker.SignOutAsk. SignOutURL is a page there that signs
	// people out; "" the kind's, or the end_session_endpoint of the metadata.
	SignOut    broker.SignOut
	SignOutURL string

	AuthStyle   string // AuthBasic, AuthPost or AuthNone; "" as the metadata or the kind says
	PKCE        string // PKCES256 or PKCEOff; "" the kind's, PKCES256 for most
	IssuerParam string // IssuerIfPresent, IssuerRequired or IssuerIgnored: what to do about "iss" (RFC 9207); "" if present, required where the metadata promises it

	AllowedClaims            map[string][]string // OpenID Providers: of each claim, one of these values is needed; nil: no such rule
	AllowedOrganizations     []string            // GitHub: membership of one is needed, "org" or "org/team"; nil: no such rule
	AllowedRoles             []string            // CERN, Keycloak: one of these roles is needed; nil: the kind's. An empty, non-nil list asks for none
	AllowedIdentityClasses   []string            // CERN: kinds of accounts that may come in, of cernClasses; nil: all but service accounts
	AllowServiceAccounts     bool                // CERN: accounts that can be handed to another owner may come in
	RequiredIdentityProvider string              // Globus: id of the only identity provider whose identities count
	AllowedIdentityProviders []string            // Globus: ids of the identity providers whose identities may come in; nil: all
	AllowedGroups            []string            // Globus: ids of groups, membership of one is needed; nil: no such rule

	// PrivateNetwork lets the app be reached at private addresses (RFC 1918,
	// RFC 4193), still over https. Loopback and link-local stay closed.
	PrivateNetwork bool
}

// Values of App.AuthStyle: how we authenticate at the token endpoint.
const (
	AuthBasic = broker.AuthBasic
	AuthPost  = broker.AuthPost
	AuthNone  = broker.AuthNone
)

// Values of App.PKCE (RFC 7636). "plain" is not among them.
const (
	PKCES256 = "S256"
	PKCEOff  = "off"
)

// Values of App.IssuerParam.
const (
	IssuerIfPresent = "if_present"
	IssuerRequired  = "required"
	IssuerIgnored   = "ignore"
)

// appID is what an id may be: it stands in paths, cookies and log lines.
var appID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// reserved are the authorization parameters that an attempt sets itself; a
// configuration that sets them would undo state, nonce or PKCE.
var reserved = []string{
	"client_id", "client_secret", "code_challenge", "code_challenge_method", "nonce", "redirect_uri",
	"request", "request_uri", "response_mode", "response_type", "scope", "state",
}

// noWayBack are the kinds whose sign-out is a page that people stay on.
var noWayBack = []string{"github", "globus", "orcid"}

// check reports everything that is wrong with the app whatever its kind.
func (a App) check() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: "+format, append([]any{field}, args...)...))
	}
	if !appID.MatchString(a.ID) {
		bad("id", "%q: use up to 63 of a-z, 0-9, _ and -, beginning with a letter or digit", a.ID)
	}
	if _, ok := kinds[a.Kind]; !ok {
		bad("kind", "%q: known kinds are %s", a.Kind, strings.Join(kindNames(), ", "))
	}
	if a.ClientID == "" {
		bad("client_id", "missing; the provider gave it to you when you registered the application")
	}
	oneOf := func(field, value string, known ...string) {
		if value != "" && !slices.Contains(known, value) {
			bad(field, "%q: use one of %s", value, strings.Join(known, ", "))
		}
	}
	oneOf("email_trust", a.EmailTrust, EmailNever, EmailVerified, EmailAlways)
	oneOf("auth_style", a.AuthStyle, AuthBasic, AuthPost, AuthNone)
	oneOf("pkce", a.PKCE, PKCES256, PKCEOff)
	oneOf("second", string(a.Second), string(broker.SecondRefuse), string(broker.SecondAdd), string(broker.SecondReplace))
	oneOf("sign_out", string(a.SignOut), string(broker.SignOutNone), string(broker.SignOutAsk), string(broker.SignOutAlways))
	if a.SignOut == broker.SignOutAlways && (a.SignOutURL != "" || slices.Contains(noWayBack, a.Kind)) {
		bad("sign_out", "always would leave people at a page there that does not take them back; use ask")
	}
	if a.SignOutURL != "" {
		if err := checkURL(a.SignOutURL, false); err != nil {
			bad("sign_out_url", "%v", err)
		}
	}
	oneOf("issuer_param", a.IssuerParam, IssuerIfPresent, IssuerRequired, IssuerIgnored)
	if (a.AuthStyle == AuthBasic || a.AuthStyle == AuthPost) && a.ClientSecret == "" {
		bad("client_secret", "missing; %s needs it", a.AuthStyle)
	}
	only := func(field string, set bool, known ...string) { // a rule that nobody applies is worse than none
		if set && !slices.Contains(known, a.Kind) {
			bad(field, "it has no meaning for kind %q; it belongs to %s", a.Kind, strings.Join(known, ", "))
		}
	}
	only("base_url", a.BaseURL != "", "github", "orcid", "globus")
	only("sandbox", a.Sandbox, "orcid", "cern")
	only("member", a.Member, "orcid")
	only("allowed_roles", len(a.AllowedRoles) > 0, "cern", "keycloak")
	only("allow_service_accounts", a.AllowServiceAccounts, "cern")
	only("allowed_claims", a.AllowedClaims != nil, "oidc", "keycloak", "cern", "globus")
	only("allowed_organizations", a.AllowedOrganizations != nil, "github")
	only("allowed_identity_classes", a.AllowedIdentityClasses != nil, "cern")
	only("allowed_identity_providers", a.AllowedIdentityProviders != nil, "globus")
	only("allowed_groups", a.AllowedGroups != nil, "globus")
	only("second_factor", !a.SecondFactor.none(), "oidc", "keycloak", "cern", "globus", "orcid") // GitHub signs no ID token that could tell
	a.SecondFactor.check(bad)
	a.checkRules(bad)
	a.checkForward(bad)
	only("required_identity_provider", a.RequiredIdentityProvider != "", "globus")
	for name := range a.AuthParams {
		if slices.Contains(reserved, strings.ToLower(strings.TrimSpace(name))) {
			bad("auth_params", "%q is set by every sign-in itself; remove it", name)
		}
	}
	for _, s := range a.Scopes {
		if s == "" || strings.ContainsAny(s, " \t\r\n\"\\") {
			bad("scopes", "%q: write one scope a list entry", s)
		}
	}
	return errors.Join(errs...)
}

// checkURL tells what is wrong with an absolute URL that we are going to call
// or send people to. plain allows http, which tests and the demo need.
func checkURL(raw string, plain bool) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil, u.Host == "", u.Opaque != "":
		return fmt.Errorf("%.200q is not an absolute URL", raw)
	case u.Scheme != "https" && !(plain && u.Scheme == "http"):
		return fmt.Errorf("%.200q does not begin with https://", raw)
	case u.User != nil:
		return errors.New("the URL holds a user name or password")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return fmt.Errorf("%.200q has a fragment", raw)
	}
	return nil
}
