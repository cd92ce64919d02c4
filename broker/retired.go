package broker

import "time"

// RetiredPasskey is the Retired.Kind of a passkey. That of a second factor is its
// FactorKind.
const RetiredPasskey FactorKind = "passkey"

// Retired is a passkey or a second factor that its person has removed. It is kept as long
// as something can be taken back by mail to the time at which it stood.
type Retired struct {
	ID        string // Passkey.ID, Factor.ID
	UserID    UserID
	Kind      FactorKind
	Since     time.Time // when it was added, or began to count; zero: longer ago than anybody knows
	RemovedAt time.Time
	Passkey   *Passkey  // to be given back; nil: it can't be
	ExpiresAt time.Time // when it is forgotten
}

// Stood tells whether it stood at a time.
func (r Retired) Stood(at time.Time) bool { return r.Since.Before(at) && !r.RemovedAt.Before(at) }
