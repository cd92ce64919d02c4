package broker

import (
	"encoding/json"
	"time"
)

// MailCodeLifetime is how long a code in a mail can be typed. It is shorter than
// that of a link: a code can be talked out of somebody.
const MailCodeLifetime = 15 * time.Minute

// CodePurpose says what a mailed code proves an account for.
type CodePurpose string

const (
	CodeLink   CodePurpose = "link"    // an identity that nobody has waits to be linked to it
	CodeSignIn CodePurpose = "sign-in" // to sign in
)

// MailCode is a short code that was mailed to be typed in the browser that asked
// for it. It is bound to that browser, its login, the purpose, the address and
// the version of the account. One is made for whatever address is asked about.
type MailCode struct {
	ID          string
	Purpose     CodePurpose
	LoginID     LoginID
	BrowserHash string    // Login.BrowserHash
	Email       string    // normalized
	UserID      UserID    // whom the code opens; "" nobody, or the mail is not written yet
	Version     int       // User.Version when the mail was written; a later change voids it
	MAC         string    // of the code and what it is bound to, under a key that the database does not hold
	Tries       int       // how often it was guessed at
	Hour        time.Time // full hour of CreatedAt
	Nth         int       // which one to Email in that hour, of its kind (MailCodesStranger and the others); no two are the same
	CreatedAt   time.Time
	ExpiresAt   time.Time
	UsedAt      time.Time // zero: neither used nor replaced
}

// MailCodeKind says who asked for a code: codes of one kind use up none of another. It is what
// MailCode.Nth of its kind begins above; each has a million.
type MailCodeKind int

const (
	MailCodesStranger MailCodeKind = 0
	MailCodesOwn      MailCodeKind = -1_000_000 // a browser that has signed in with the address
	MailCodesProven   MailCodeKind = 1_000_000  // a stranger's, who has proven work for it
)

// MailCodesOfAKind is how many numbers a kind has.
const MailCodesOfAKind = 1_000_000

// OutboxCode is the kind of outbox entry whose payload is a CodeRequest as JSON.
const OutboxCode = "code"

// CodeRequest is somebody who wants a code. Whether there is an account is found
// out when the entry is worked off.
type CodeRequest struct {
	ID       string    `json:"id"` // MailCode.ID
	Code     string    `json:"code"`
	Provider string    `json:"provider"` // title of the provider whose identity waits; "" none
	At       time.Time `json:"at"`
	IP       string    `json:"ip"`
	Browser  string    `json:"browser"`
}

// Entry makes the outbox entry of r. The store seals it.
func (r CodeRequest) Entry(at time.Time) OutboxEntry {
	payload, _ := json.Marshal(r) // cannot fail before the year 10000
	return OutboxEntry{ID: NewID(), Kind: OutboxCode, Payload: payload, CreatedAt: at, NextAt: at}
}
