package broker

import (
	"context"
	"time"
)

// Event is a line of the audit trail, written in the unit of work that it
// tells of. It names ids, never addresses or secrets.
type Event struct {
	ID        string
	At        time.Time
	Name      string // "identity.linked", "session.started", …
	UserID    UserID
	ClientID  string
	Provider  string
	SID       string
	RequestID string
	IP        string
	Detail    map[string]string
}

// Names of events.
const (
	EventUserCreated       = "user.created"
	EventReclaimed         = "user.reclaimed" // a mail proved an address that a provider had vouched for
	EventUserDisabled      = "user.disabled"
	EventUserEnabled       = "user.enabled"
	EventUserBlocked       = "user.blocked"
	EventUserUnblocked     = "user.unblocked"
	EventUserVerified      = "user.verified" // by an operator, or by its e-mail domain
	EventDomainSet         = "domain.set"
	EventDomainRemoved     = "domain.removed"
	EventUserDeleted       = "user.deleted"   // by an operator
	EventUserClosed        = "user.closed"    // by the person
	EventUserReopened      = "user.reopened"  // by the person, with a mailed link or a proven credential
	EventUserErased        = "user.erased"    // some time after it was closed
	EventEmailChanged      = "email.changed"  // by an operator
	EventEmailReplaced     = "email.replaced" // by the person
	EventEmailRestored     = "email.restored" // "this was not me", by the link in the mail
	EventUsernameChanged   = "username.changed"
	EventExported          = "user.exported" // the person fetched what we know of them
	EventIdentityLinked    = "identity.linked"
	EventIdentityUnlinked  = "identity.unlinked"
	EventLinkUndone        = "identity.undone" // "this was not me", by the link in the mail
	EventTokenLost         = "token.lost"      // a remote token that only its person can bring back
	EventSignedIn          = "session.started"
	EventSteppedUp         = "session.stepped_up" // it has shown a second factor, later
	EventSignInUndone      = "session.undone"     // "this was not me", by the link in the mail about a new browser
	EventSignedOut         = "session.ended"
	EventSessionStolen     = "session.stolen"      // a copy of a browser's cookies was noticed, and the session ended
	EventSignedOutThere    = "provider.signed_out" // the provider told us (back-channel logout)
	EventPasswordChanged   = "password.changed"
	EventPasswordReset     = "password.reset"
	EventPasswordRemoved   = "password.removed" // by the person, who keeps another way in
	EventFactorAdded       = "factor.added"
	EventFactorRemoved     = "factor.removed"
	EventFactorSwapped     = "factor.swapped" // another app took its place
	EventNumberAdded       = "factor.number_added"
	EventNumberRemoved     = "factor.number_removed"
	EventNumberSwapped     = "factor.number_swapped" // another number took its place
	EventFactorReset       = "factor.reset"          // by an operator
	EventFactorUndone      = "factor.undone"         // "this was not me", by the link in the mail
	EventRecoveryRenewed   = "recovery.renewed"
	EventRecoveryUsed      = "recovery.used"      // a recovery code stood in for the second factor
	EventBrowserRemembered = "browser.remembered" // it stands in for the second factor
	EventBrowserForgotten  = "browser.forgotten"
	EventPasskeyAdded      = "passkey.added"
	EventPasskeyRemoved    = "passkey.removed"
	EventPasskeyReset      = "passkey.reset"  // removed by an operator
	EventPasskeyUndone     = "passkey.undone" // "this was not me", by the link in the mail
	EventPasskeyCloned     = "passkey.cloned" // its device counts backwards: there may be two of it
	EventConsentGiven      = "consent.given"
	EventConsentRevoked    = "consent.revoked"
	EventCodeReuse         = "grant.code_reuse"
	EventRefreshReuse      = "grant.refresh_reuse"
	EventKeyCreated        = "key.created" // the first of its algorithm
	EventKeyRotated        = "key.rotated"
	EventKeyRetired        = "key.retired" // no client wants the algorithm any more
	EventKeyRevoked        = "key.revoked"
	EventClientCreated     = "client.created"
	EventClientDeleted     = "client.deleted"
	EventClientDisabled    = "client.disabled"
	EventClientEnabled     = "client.enabled"
	EventSecretRotated     = "client.secret_rotated"
	EventAdminClaimed      = "admin.claimed"
	EventMailRefused       = "mail.refused" // the person's address takes no mail
)

// Details of EventSignedIn, and what they say.
const (
	DetailAMR     = "amr"     // how, where it was neither a provider nor a password: AMROTP for a mailed code, AMRKey for a passkey
	DetailFactor  = "factor"  // "1": and a second factor was shown
	DetailBrowser = "browser" // "new": none that the account had been opened in
)

// DetailWhy is the detail of EventSessionStolen that says what was noticed.
const DetailWhy = "why"

// Request is what the audit trail and mails tell of the request that caused
// something.
type Request struct {
	ID        string // the reference number on error pages and in the log
	IP        string
	UserAgent string
	Browser   string // UserAgent for people: "Firefox, Linux"; "" unknown
}

type requestKey struct{}

// WithRequest returns a context that carries r.
func WithRequest(ctx context.Context, r Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestOf returns the request that ctx carries; the zero value outside one.
func RequestOf(ctx context.Context) Request {
	r, _ := ctx.Value(requestKey{}).(Request)
	return r
}

// NewEvent makes an event that knows the request it happened in.
func NewEvent(ctx context.Context, name string, at time.Time) Event {
	r := RequestOf(ctx)
	return Event{ID: NewID(), At: at, Name: name, RequestID: r.ID, IP: r.IP}
}
