package config

import "idbroker/broker"

// Provider is an element of the list "providers". What a kind needs beyond the
// checks here is for package providers to say.
type Provider struct {
	ID             string              `koanf:"id" example:"orcid" doc:"Names the provider in paths (/oauth/login/ID/) and in the database: lower-case letters, digits, - and _. It cannot change later."`
	Kind           string              `koanf:"kind" example:"orcid" enum:"github,orcid,cern,globus,keycloak,oidc" doc:"What it is. keycloak: a realm whose roles may decide. oidc: any OpenID Provider with discovery."`
	Title          string              `koanf:"title" example:"ORCID" max:"60" doc:"Its name on the button. Not set: the name of its kind."`
	Icon           string              `koanf:"icon" example:"orcid" doc:"Its mark, one of those built in. Not set: the mark of its kind."`
	Order          int                 `koanf:"order" default:"0" min:"-1000" max:"1000" example:"1" doc:"Where its button stands: the lower first, equal ones in the order of this list. Providers that are set in the environment come last in the list."`
	Issuer         string              `koanf:"issuer" example:"https://orcid.org" doc:"OpenID issuer; needed for the kinds oidc and keycloak."`
	BaseURL        string              `koanf:"base_url" example:"https://github.example.org" doc:"GitHub Enterprise Server: its URL. ORCID, Globus: of the API, where it is another than theirs."`
	ClientID       string              `koanf:"client_id" example:"APP-0123456789ABCDEF" doc:"Our client id there."`
	ClientSecret   broker.Secret       `koanf:"client_secret" example:"/run/secrets/orcid-client-secret" doc:"Our client secret there."`
	Scopes         []string            `koanf:"scopes" example:"[openid]" doc:"What to ask for. Not set: what its kind needs for signing in."`
	AuthParams     map[string]string   `koanf:"auth_params" example:"{show_login: \"true\"}" doc:"Further parameters of the authorization request."`
	Forward        []string            `koanf:"forward" example:"[ui_locales, prompt, max_age]" doc:"Which wishes of an application the provider is told: prompt (that people shall choose an account, where that is all; that they shall sign in anew is always told), login_hint (it tells a third party an address), ui_locales, acr_values, max_age (its answer must then tell when they signed in there). []: none. Not set: ui_locales, the language of our page."`
	AuthStyle      string              `koanf:"auth_style" enum:"basic,post,none" example:"basic" doc:"How we authenticate at its token endpoint. Not set: as its kind wants it."`
	PKCE           string              `koanf:"pkce" enum:"S256,off" example:"S256" doc:"PKCE (RFC 7636). Not set: S256, except where its kind cannot."`
	IssuerParam    string              `koanf:"issuer_param" enum:"if_present,required,ignore" example:"if_present" doc:"What to do about the parameter iss of its answer (RFC 9207). Not set: checked if present, and required where its metadata promises it."`
	EmailTrust     string              `koanf:"email_trust" enum:"never,verified,always" example:"verified" doc:"Whether an e-mail address from there counts as proven. verified: where the provider says so. Not set: as its kind deserves."`
	EmailDomains   []string            `koanf:"email_domains" example:"[example.org]" doc:"Only addresses in these domains count as proven. Not set: all."`
	AllowedDomains []string            `koanf:"allowed_domains" example:"[example.org, .example.org]" doc:"Who may come in: only people with a proven address in one of these domains; .example.org is every domain below it. It is asked at each sign-in. Not set: everybody."`
	SecondFactor   map[string][]string `koanf:"second_factor" example:"{amr: [mfa, hwk], acr: [\"https://refeds.org/profile/mfa\"]}" doc:"All but GitHub, which signs no ID token: what that says of somebody who has shown two factors there. amr: one of these is among its methods (RFC 8176); acr: it is one of these. They are not asked for a second factor here then, and our tokens say that there were two. Where acr_values is forwarded, an application's wish for two factors is told in the words under acr. Not set: nothing counts."`
	Sandbox        bool                `koanf:"sandbox" doc:"ORCID: the sandbox instead of the registry."`
	Member         bool                `koanf:"member" doc:"ORCID: our credentials are those of a member."`
	Hidden         bool                `koanf:"hidden" doc:"Switched off: neither offered nor served. Identities stay."`
	LinkOnly       bool                `koanf:"link_only" doc:"Can be linked to an account, cannot sign in."`
	SignUp         string              `koanf:"sign_up" default:"form" enum:"form,automatic,no" doc:"How newcomers from there begin an account. form: they fill one in, and a mail proves the address. automatic: at once, where the address counts as proven and no account has it; otherwise by the form. no: it lets in whom it is linked to, and nobody else."`
	ConfirmEmail   bool                `koanf:"confirm_email" default:"true" doc:"The form mails the address, also where the provider has proven it. false: who keeps that address begins without a mail. Another address is always mailed."`
	LinkByEmail    bool                `koanf:"link_by_email" doc:"An account there that nobody has linked opens the account here whose address the provider says it verified, without a question, where a mail (or an operator) had proven that address here. The person is told by mail and can take it back. Whoever runs the provider can then open those accounts: name its domains in email_domains."`
	Profile        map[string]string   `koanf:"profile" example:"{name: provider, username: initial, locale: person}" doc:"Who sets name, username and locale of an account. initial: the provider's value begins the account, then it is the person's. provider: the provider's, at each sign-in. person: the person's alone. Not set: initial for name and username, person for locale. What the provider does not tell overwrites nothing, and the address of an account never changes by itself."`
	Second         string              `koanf:"second" default:"refuse" enum:"refuse,add,replace" doc:"What becomes of a second account there that somebody links. refuse: the first must be unlinked before. add: both let them in. replace: it takes the place of the first, after a question."`
	SignOut        string              `koanf:"sign_out" default:"ask" enum:"none,ask,always" doc:"Whether people who signed in with it sign out there too when they sign out here. ask: the page offers it; on a shared computer the next person would get in otherwise, and who has other work open there says no. always: they are sent there, if it sends them back. none: the page only says that they may still be signed in there."`
	SignOutURL     string              `koanf:"sign_out_url" example:"https://accounts.example.org/logout" doc:"A page there that signs people out, to be offered. Not set: the page of its kind, or the end_session_endpoint of its metadata, which brings people back."`

	AllowedClaims            map[string][]string `koanf:"allowed_claims" example:"{groups: [/staff, /guests], eduperson_assurance: [\"https://refeds.org/assurance/IAP/medium\"]}" doc:"oidc, keycloak, CERN, Globus: what the claims of somebody who may come in must be: of each claim that is named here, one of its values. A claim that is missing, or neither a text nor a list of texts, refuses. It is asked at each sign-in. Not set: everybody."`
	AllowedOrganizations     []string            `koanf:"allowed_organizations" example:"[example, example-lab/core]" doc:"GitHub: who is in none of these organisations or teams (ORGANIZATION/TEAM) is refused, at each sign-in. Names can be given up and taken by others; id:NUMBER cannot. Scope read:org is asked for. Not set: everybody."`
	AllowedRoles             []string            `koanf:"allowed_roles" example:"[cern_user]" doc:"CERN, Keycloak: who has none of these roles is refused. Not set: cern_user at CERN. []: no role is needed."`
	AllowedIdentityClasses   []string            `koanf:"allowed_identity_classes" example:"[person, federated]" doc:"CERN: which kinds of accounts may come in. person: CERN's own, of somebody whom CERN knows. service: of nobody. federated: of an institution in eduGAIN. social: of Google, GitHub and the like. Not set: all but service."`
	AllowServiceAccounts     bool                `koanf:"allow_service_accounts" doc:"CERN: accounts that can be handed to another owner may come in."`
	RequiredIdentityProvider string              `koanf:"required_identity_provider" example:"41143743-f3c8-4d60-bbdb-eeecaba85bd9" doc:"Globus: UUID of the identity provider that people must use there. Set it before launch and never change it: it decides the external ids."`
	AllowedIdentityProviders []string            `koanf:"allowed_identity_providers" example:"[41143743-f3c8-4d60-bbdb-eeecaba85bd9]" doc:"Globus: UUIDs of the identity providers whose identities may come in. Not set: all."`
	AllowedGroups            []string            `koanf:"allowed_groups" example:"[5fd0a8a5-1c2b-4f3e-9d0a-7e8f9a0b1c2d]" doc:"Globus: UUIDs of groups; who is a member of none is refused, at each sign-in. The scope that shows groups is asked for. Not set: everybody."`
	PrivateNetwork           bool                `koanf:"private_network" doc:"It may be reached at private addresses (RFC 1918, RFC 4193), still over https."`
}
