package broker

import "time"

// Passkey is a key pair of a person's, of which we know the public half (WebAuthn
// Level 3). It opens their account, or stands in for a second factor: its device
// signs a challenge of ours.
type Passkey struct {
	ID           string // NewID
	UserID       UserID
	CredentialID string // base64url, unique among all accounts: it is what its device calls the key
	Handle       string // base64url, what its device calls the account ("user handle"); tells nothing about it
	PublicKey    []byte // COSE (RFC 9052, section 7)
	Name         string // what the person calls it; unique among theirs, ignoring case
	SignCount    int64  // how often the device says it has signed; 0: it does not count
	Syncable     bool   // the key may leave the device that made it: a password manager copies it
	Synced       bool   // it has
	Transports   []string
	CreatedAt    time.Time
	LastUsedAt   time.Time // zero: never
}

// PasskeyPurpose says what a challenge for a passkey is for. One that was made for
// one purpose answers no other.
type PasskeyPurpose string

const (
	PasskeySignIn PasskeyPurpose = "sign-in" // whoever it is
	PasskeyAgain  PasskeyPurpose = "again"   // who is signed in, once more
	PasskeyFactor PasskeyPurpose = "factor"  // who has been authenticated, beside that
	PasskeyAdd    PasskeyPurpose = "add"     // a new one
)

// PasskeyChallengeLifetime is how long a device may take to answer a challenge:
// long enough to look for a phone. The page gets another one when it is over.
const PasskeyChallengeLifetime = 5 * time.Minute

// MaxPasskeyName bounds the name of a passkey, in code points: it stands in a row
// of a list.
const MaxPasskeyName = 64

// PasskeyUse is what a device told when it signed.
type PasskeyUse struct {
	ID        string // Passkey.ID
	SignCount int64
	Synced    bool
	At        time.Time
}
