package broker

import "time"

// FactorKind is a kind of second factor.
type FactorKind string

// FactorTOTP is an app that shows a new code every half minute (RFC 6238).
const FactorTOTP FactorKind = "totp"

// Factor is something that a user must have to sign in, beside what proved who
// they are. It counts from the moment at which a code of it was verified.
type Factor struct {
	ID          string // NewID
	UserID      UserID
	Kind        FactorKind // a user has one of each
	Secret      Secret     // base32 without padding
	LastStep    int64      // time step of the newest code that was used; none before it counts again
	CreatedAt   time.Time
	ConfirmedAt time.Time // zero: it is being set up
	LastUsedAt  time.Time // zero: never
}

// Confirmed tells whether the factor counts.
func (f Factor) Confirmed() bool { return !f.ConfirmedAt.IsZero() }
