package broker

import (
	"encoding/json"
	"time"
)

// MailTokenLifetime is how long a link in a mail works. Half an hour is longer
// than grey-listing delays a mail and shorter than a mailbox stays unattended.
const MailTokenLifetime = 30 * time.Minute

// MailPurpose says what a link in a mail does.
type MailPurpose string

const (
	MailSignUp MailPurpose = "sign-up" // proves the address and begins the account
	MailReset  MailPurpose = "reset"   // lets its reader choose a new password
	MailClaim  MailPurpose = "claim"   // not mailed: printed once, makes the first administrator
	// MailEmail proves an address that an account is to have.
	MailEmail MailPurpose = "email"
	// MailEmailBack gives an account the address back that it had. It lives for
	// longer, and other changes of the account do not void it: a thief makes those.
	MailEmailBack MailPurpose = "email-back"
	// MailReopen reopens a closed account, until it is erased.
	MailReopen MailPurpose = "reopen"
	// MailPasskeyBack removes a passkey that was added, MailFactorBack a second factor.
	MailPasskeyBack MailPurpose = "passkey-back"
	MailFactorBack  MailPurpose = "factor-back"
	// MailSignInBack ends a sign-in from a new browser.
	MailSignInBack MailPurpose = "sign-in-back"
)

// MailToken is the one-time secret of a link in a mail, bound to its purpose,
// its address and the version of what it changes.
type MailToken struct {
	Hash      string // the key
	Purpose   MailPurpose
	Email     string
	UserID    UserID  // all but MailSignUp and MailClaim
	LoginID   LoginID // MailSignUp
	Version   int     // User.Version when it was made; a later change voids it
	About     string  // MailPasskeyBack, MailFactorBack: Passkey.ID, Factor.ID; MailSignInBack: Session.SID; MailEmailBack: the username then, behind "username:"; "" all others
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // zero: not yet
}

// Mail is a message to one person, rendered when it is sent.
type Mail struct {
	To       string            `json:"to"`
	Template string            `json:"template"` // "sign-up", "known", "reset", …
	Locale   string            `json:"locale"`
	Data     map[string]string `json:"data"`
}

// Entry makes the outbox entry that sends m.
func (m Mail) Entry(at time.Time) OutboxEntry {
	payload, _ := json.Marshal(m) // strings alone: cannot fail
	return OutboxEntry{ID: NewID(), Kind: OutboxMail, Payload: payload, CreatedAt: at, NextAt: at}
}

// OutboxReset is the kind of outbox entry whose payload is a ResetRequest as
// JSON.
const OutboxReset = "reset"

// ResetRequest is somebody who has lost a password, or says so. Whether there is
// an account is found out when the entry is worked off.
type ResetRequest struct {
	Email   string    `json:"email"` // normalized
	At      time.Time `json:"at"`
	IP      string    `json:"ip"`
	Browser string    `json:"browser"`
}

// Entry makes the outbox entry of r.
func (r ResetRequest) Entry(at time.Time) OutboxEntry {
	payload, _ := json.Marshal(r) // cannot fail before the year 10000
	return OutboxEntry{ID: NewID(), Kind: OutboxReset, Payload: payload, CreatedAt: at, NextAt: at}
}

// OutboxSignIn is the kind of outbox entry whose payload is a SignInNotice as JSON.
const OutboxSignIn = "sign-in"

// SignInNotice is a sign-in from a new browser that its person shall be told of. The link
// that ends it is made when the entry is worked off: signing in does not wait for it.
type SignInNotice struct {
	UserID UserID    `json:"user"`
	SID    string    `json:"sid"`
	At     time.Time `json:"at"`
	Mail   Mail      `json:"mail"` // without the link
}

// Entry makes the outbox entry of n.
func (n SignInNotice) Entry(at time.Time) OutboxEntry {
	payload, _ := json.Marshal(n) // cannot fail before the year 10000
	return OutboxEntry{ID: NewID(), Kind: OutboxSignIn, Payload: payload, CreatedAt: at, NextAt: at}
}

// OutboxEmail is the kind of outbox entry whose payload is an EmailRequest as
// JSON.
const OutboxEmail = "email"

// EmailRequest is somebody who wants another address for their account. Whether
// it has an account of its own is found out when the entry is worked off.
type EmailRequest struct {
	UserID  UserID    `json:"user"`
	Version int       `json:"version"` // User.Version when it was asked for; a later change voids it
	Email   string    `json:"email"`   // normalized
	At      time.Time `json:"at"`
	IP      string    `json:"ip"`
	Browser string    `json:"browser"`
}

// Entry makes the outbox entry of r.
func (r EmailRequest) Entry(at time.Time) OutboxEntry {
	payload, _ := json.Marshal(r) // cannot fail before the year 10000
	return OutboxEntry{ID: NewID(), Kind: OutboxEmail, Payload: payload, CreatedAt: at, NextAt: at}
}

// Pages behind the links in mails about another address, a closed account, or what
// was added to one; their queries hold the secret as "token".
const (
	ReopenPath      = "/reopen-account/"
	EmailPath       = "/account/settings/email/confirm/"
	EmailBackPath   = "/undo-email/"
	PasskeyBackPath = "/undo-passkey/"
	FactorBackPath  = "/undo-second-factor/"
	SignInBackPath  = "/undo-sign-in/"
)
