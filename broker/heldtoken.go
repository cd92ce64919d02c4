package broker

import "time"

// HeldToken is a RemoteToken with what keeping it alive has to remember.
type HeldToken struct {
	RemoteToken
	// Version grows whenever another refresh token takes the place of the one
	// before: what an answer belongs to.
	Version    int
	LeaseUntil time.Time // somebody refreshes it until then; zero: nobody
	// AskedAt is when a refresh token of this Version was first sent whose
	// answer we have not recorded; zero: every answer has been. The provider may
	// have replaced the refresh token without our knowing the new one.
	AskedAt   time.Time
	RetryAt   time.Time // no refresh before, after failures
	Failures  int       // since the last success
	State     TokenState
	LastError string // at most 500 bytes, no secrets
}

// TokenState tells whether a remote token can be refreshed.
type TokenState string

// States of a remote token. All but TokenAlive end when the person connects the
// account again.
const (
	TokenAlive TokenState = "" // as far as we know
	// TokenRefused: the provider takes the refresh token no more. It expired,
	// the person ended it there, or another of the account's took its place.
	TokenRefused TokenState = "refused"
	// TokenUnanswered: the provider takes the refresh token no more, and an answer
	// of its has been lost, which probably had the next one.
	TokenUnanswered TokenState = "unanswered"
	// TokenForeign: the provider answered with tokens of somebody else.
	TokenForeign TokenState = "foreign"
)

// TokenPlace is where a remote token belongs, without the token.
type TokenPlace struct {
	AccountID string // RemoteAccount.ID
	Kind      string
	UserID    UserID
	Provider  string
	Issuer    string
	Subject   string
	State     TokenState
}

// TokenFailure is what became of a refresh that brought no tokens.
type TokenFailure struct {
	State   TokenState
	RetryAt time.Time // no refresh before
	Error   string
	// Unanswered: the provider may have acted, and we do not know its answer.
	Unanswered bool
}

// Renewal is a provider's answer to a refresh token.
type Renewal struct {
	Token RemoteToken // Kind and AccountID as they were; RefreshToken "" where the old one stays
	// Unanswered accompanies an error: the request was sent, and what came back
	// (or did not) leaves open whether the refresh token was replaced.
	Unanswered bool
	RetryAfter time.Duration // accompanies an error: the provider asks us to wait; 0 not told
}
