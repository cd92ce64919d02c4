package broker

import "time"

// Provider is what pages and rules need to know of a configured remote app.
type Provider struct {
	ID       string  // path segment and key: [a-z0-9_-]+
	Kind     string  // "github", "orcid", "cern", "globus", "oidc"
	Title    string  // "GitHub"
	Icon     string  // name of an SVG of ours: "github"; "" a neutral mark
	Issuer   string  // what identities of this provider carry as issuer
	Hidden   bool    // not offered, and no step of it is served
	LinkOnly bool    // can be linked, cannot sign in
	Second   Second  // what becomes of a second identity that somebody links; "" SecondRefuse
	SignOut  SignOut // what becomes of the session there; "" SignOutAsk

	SignUp      SignUpBy // how its identities begin accounts; "" SignUpByForm
	Profile     ProfileRules
	Unmailed    bool // its form begins the account without a mail, where its word for the address counts
	LinkByEmail bool // an identity that nobody has opens the account of the address that the provider verified
}

// SignUpBy says how an identity that nobody has begins an account.
type SignUpBy string

const (
	SignUpByForm    SignUpBy = "form"      // its person fills in a form, and a mail proves the address
	SignUpAutomatic SignUpBy = "automatic" // at once, where the provider's word for the address counts; else by form
	SignUpNo        SignUpBy = "no"        // it signs in whom it is linked to, and no one else
)

// Second says what becomes of an identity when its person has linked another
// one of the same provider already.
type Second string

const (
	SecondRefuse  Second = "refuse"  // it is refused
	SecondAdd     Second = "add"     // both open the account
	SecondReplace Second = "replace" // it takes the place of the first, after a question
)

// Purpose says what an outward attempt is for.
type Purpose string

const (
	PurposeSignIn Purpose = "sign-in"
	PurposeLink   Purpose = "link"   // somebody is signed in and connects an identity
	PurposeReauth Purpose = "reauth" // the signed-in user proves to be there

	// PurposeSignOut is a journey to a provider to sign out there. No callback
	// takes its state, and no other journey's state ends one.
	PurposeSignOut Purpose = "sign-out"
)

// AttemptLifetime is how long a person may stay at the provider: 300 seconds,
// as invenio-oauthclient has it, since its users' habits are measured by it.
const AttemptLifetime = 5 * time.Minute

// Attempt is one journey to a provider. It is spent, once, before the code is
// exchanged.
type Attempt struct {
	StateHash   string // Hash of the state parameter; the key
	BrowserHash string // Hash of the browser's cookie
	Provider    string
	Purpose     Purpose
	UserID      UserID  // who links or re-authenticates; "" for sign-in
	LoginID     LoginID // the login it belongs to; "" none
	ReturnTo    string  // local path; "" the default
	RedirectURI string  // sent at the authorization request, repeated at the token request
	ClientID    string  // ours at the provider; a changed configuration ends the attempt
	Session     Secret  // the provider's marshalled session: nonce, PKCE verifier; sealed at rest
	CreatedAt   time.Time
	ExpiresAt   time.Time
	UsedAt      time.Time // zero: not yet
}

// BeginOptions is what may be asked of a provider beside the usual. What is told
// to whom is the operator's choice, but for the prompt "login".
type BeginOptions struct {
	Prompt    string // "login", "select_account"; "" nothing
	Choose    bool   // choosing an account would do instead of "login": the application asks for no more
	LoginHint string
	UILocales string
	ACRValues string
	MaxAge    string // seconds, as the application wrote them; "" any
}

// Outward is where to send the person, and what to keep until they return.
type Outward struct {
	URL         string
	RedirectURI string
	ClientID    string
	Session     Secret
}

// Callback holds the whitelisted parameters of the redirect back to us.
type Callback struct {
	Code             Secret
	State            Secret
	Issuer           string // "iss", RFC 9207
	HasIssuer        bool
	Error            string
	ErrorDescription string // at most 200 printable characters
}
