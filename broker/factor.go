package broker

import (
	"strings"
	"time"
)

// FactorKind is a kind of second factor.
type FactorKind string

const (
	// FactorTOTP is an app that shows a new code every half minute (RFC 6238).
	FactorTOTP FactorKind = "totp"
	// FactorSMS is a telephone number that codes are sent to. It is weaker: numbers
	// are taken over, and messages read on the way (NIST SP 800-63B, section 5.1.3.3).
	FactorSMS FactorKind = "sms"
	// FactorNextTOTP is an app that is to take the place of the one that the user has.
	// It never counts: the one that does is a FactorTOTP.
	FactorNextTOTP FactorKind = "totp-next"
	// FactorNextSMS is a number that is to take the place of the one that the user has. It
	// never counts, either.
	FactorNextSMS FactorKind = "sms-next"

	// formerSMS and the id of a factor are the kind of the number in whose place it came.
	formerSMS = "sms-former-"
)

// FormerNumber is the kind of a number in whose place the factor with an id came. It never
// counts, and is kept as long as that can be taken back (Factor.Until).
func FormerNumber(id string) FactorKind { return FactorKind(formerSMS + id) }

// Former tells whether factors of a kind are kept to be put back, and nothing else.
func (k FactorKind) Former() bool { return strings.HasPrefix(string(k), formerSMS) }

// Method is the kind's method of authentication (RFC 8176).
func (k FactorKind) Method() string {
	if k == FactorSMS {
		return AMRSMS
	}
	return AMROTP
}

// Factor is something that a user must have to sign in, beside what proved who
// they are. It counts from the moment at which a code of it was verified.
type Factor struct {
	ID          string // NewID
	UserID      UserID
	Kind        FactorKind // a user has one of each
	Secret      Secret     // of an app: base32 without padding; of FactorSMS: see NumberSecret
	LastStep    int64      // time step of the newest code that was used; none before it counts again
	CreatedAt   time.Time
	ConfirmedAt time.Time // since when it counts, or the app did whose ID it has; zero: it is being set up
	LastUsedAt  time.Time // zero: never

	// BegunBy is the session (SID), or the login on the way to one, that sets it up:
	// nobody else sees its secret or confirms it. Of a former number it is the ID that
	// it had, and has again where it is put back.
	BegunBy string
	Until   time.Time // of a former number, when it is forgotten; zero: of all others

	// The code that was sent last and counts; of FactorSMS alone.
	CodeMAC   string    // "" none, or it was used
	CodeAt    time.Time // when it was made; zero: never
	CodeTries int       // how often it was guessed at
}

// NumberSecret is the Secret of a FactorSMS: the number, as NormalizePhone returns it, and
// something that nobody can guess, since recovery codes are recognised by the Secret.
func NumberSecret(number string) Secret { return Secret(number + " " + NewSecret().Reveal()) }

// Number is the number of a FactorSMS. Those from before NumberSecret are it alone.
func (f Factor) Number() string {
	number, _, _ := strings.Cut(f.Secret.Reveal(), " ")
	return number
}

// Confirmed tells whether the factor counts.
func (f Factor) Confirmed() bool { return !f.ConfirmedAt.IsZero() }
