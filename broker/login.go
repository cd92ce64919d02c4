package broker

import (
	"encoding/json"
	"slices"
	"time"
)

// LoginID names a login in URLs. It opens nothing by itself: a login belongs to
// one browser.
type LoginID string

// LoginLifetime is how long a person has from the first page to the last. It
// outlives the mail that proves an address (MailTokenLifetime).
const LoginLifetime = time.Hour

// Login is one person's way in: from the application's request, or from a page
// of ours, to the end. Whatever happens on the way is recorded here, and Next
// alone says what comes next.
type Login struct {
	ID          LoginID
	BrowserHash string // Hash of the browser's cookie
	ClientID    string // the application that asks; "" none
	Request     string // its authorization request, form-encoded; "" none
	ReturnTo    string // local path to go to at the end where Request is ""
	Force       bool   // a session that stood before does not count (prompt=login, max_age)

	UserID   UserID    // who has been authenticated; "" nobody yet
	AuthTime time.Time // when; zero: nobody yet
	AMR      []string  // how (RFC 8176)
	ACR      string
	Provider string   // provider of the identity that was used; "" a password
	SID      string   // session that the authentication became; "" none yet. It becomes one once.
	Upstream Upstream // session at the provider, until SID is there

	Remember   bool   // the session is to outlive the browser
	Identifier string // the address or username that the person says is theirs, where they are asked for it first; "" not asked, or not said. It proves nothing

	// OwesFactor: UserID has been authenticated, and must show a second factor
	// before anything else. Until then no session begins, and none gets stronger.
	OwesFactor bool
	// SetsUpFactor: UserID has no second factor yet, and sets up the one that is owed.
	SetsUpFactor bool

	Remote *Profile // an identity that was proven and that no account has yet
	SignUp *SignUp  // the form was sent, the address is not proven yet

	StartedAt  time.Time
	ExpiresAt  time.Time
	FinishedAt time.Time // zero: under way
}

// SignUp is a filled-in sign-up form that waits for its address to be proven.
// No account exists before that.
type SignUp struct {
	Email        string
	Name         string
	Username     string
	Locale       string
	PasswordHash Secret                     // "" none; only a sign-up without a remote identity needs one
	Fields       map[string]json.RawMessage // what the operator asks for; nil nothing
}

// Step is a stop on the way in.
type Step string

const (
	StepIdentify   Step = "identify"      // say who you are: password or provider
	StepSignUp     Step = "sign-up"       // a remote identity without an account
	StepFactor     Step = "second-factor" // authenticated, and a second factor is owed
	StepSetUp      Step = "set-up-factor" // it is owed, and there is none yet
	StepProveEmail Step = "prove-email"   // the mail is out
	StepLink       Step = "link"          // signed in, and a proven identity waits to be linked
	StepConsent    Step = "consent"       // the application needs a yes
	StepDone       Step = "done"
)

// Next is the next step of the login. It alone decides; handlers never route to
// one another. consent tells whether the application needs a yes that the
// person has not given yet.
func (l *Login) Next(consent bool) Step {
	switch {
	case l.UserID == "" && l.SignUp != nil:
		return StepProveEmail
	case l.UserID == "" && l.Remote != nil:
		return StepSignUp
	case l.UserID == "":
		return StepIdentify
	case l.OwesFactor && l.SetsUpFactor:
		return StepSetUp
	case l.OwesFactor:
		return StepFactor
	case l.Remote != nil:
		return StepLink
	case consent:
		return StepConsent
	}
	return StepDone
}

// Holds tells whether the login waits for its person with something else than
// an identity that has just been proven: with another one, or a form whose mail is out.
func (l *Login) Holds(p Profile) bool {
	if l.Remote == nil {
		return l.Next(false) == StepProveEmail
	}
	return l.Remote.Provider != p.Provider || l.Remote.Issuer != p.Issuer || l.Remote.Subject != p.Subject
}

// Live tells whether the login can go on at a time in a browser.
func (l *Login) Live(browser Secret, at time.Time) bool {
	return browser.Matches(l.BrowserHash) && l.FinishedAt.IsZero() && at.Before(l.ExpiresAt)
}

// Authenticated records that user was authenticated. It has not become a
// session yet.
func (l *Login) Authenticated(user UserID, how Authentication) {
	l.UserID, l.AuthTime, l.AMR, l.ACR, l.Provider = user, how.At, how.AMR, how.ACR, how.Provider
	l.SID, l.OwesFactor, l.SetsUpFactor, l.Upstream = "", false, false, how.Upstream
}

// Owe records that the person owes a second factor; has tells whether there is
// one. Otherwise they set it up.
func (l *Login) Owe(has bool) { l.OwesFactor, l.SetsUpFactor = true, !has }

// FactorShown records that the person has shown the second factor which they
// owed, by its methods (RFC 8176). What they proved before stands, and so does its time:
// whatever ended their sessions since then ends this, too.
func (l *Login) FactorShown(methods ...string) {
	l.OwesFactor, l.SetsUpFactor, l.ACR, l.AMR = false, false, ACRSecond, withFactor(l.AMR, methods...)
}

// withFactor is what the methods are together with those of a second factor.
func withFactor(amr []string, methods ...string) []string {
	amr = slices.Clone(amr)
	for _, method := range append(methods, AMRMulti) {
		if !slices.Contains(amr, method) {
			amr = append(amr, method)
		}
	}
	return amr
}

// Authentication says how and when somebody proved who they are. It is what
// auth_time, amr and acr of a token tell.
type Authentication struct {
	At       time.Time
	AMR      []string
	ACR      string
	Provider string // "" a password
	Upstream Upstream
}

// ACRSingle is the authentication context of one factor, whichever it was. A
// context class of our own: no registered one promises as little.
const ACRSingle = "urn:idbroker:acr:1fa"

// ACRSecond is the authentication context of two factors: a second one was shown
// here, after whatever came first, or a passkey whose device knows its person, or a
// provider has proven that it saw two.
const ACRSecond = "urn:idbroker:acr:2fa"

// Methods of authentication (RFC 8176, section 2) that we tell of.
const (
	AMRPassword = "pwd"
	AMROTP      = "otp" // a code that works once: of an app, of a list, or from a mail
	AMRSMS      = "sms" // a code that was sent to a telephone number
	AMRMulti    = "mfa"
	AMRKey      = "pop"  // something was signed with the key of a passkey; where it is kept nobody has proven to us
	AMRPresent  = "user" // somebody touched the device, at least
)
