package broker

import "time"

// Key is a signing key. A new key is published before it signs, and an old one
// stays published until the last token that it signed has expired.
type Key struct {
	ID         string // "kid"
	Alg        string // RS256, ES256, or another that a client is registered for
	Generation int    // 1, 2, …: each key of an algorithm has its own; 0: not told
	Private    Secret // PKCS #8, PEM; sealed at rest
	CreatedAt  time.Time
	SignsFrom  time.Time // when it begins to sign
	RetiresAt  time.Time // when it stops; zero: open
	ExpiresAt  time.Time // when it leaves the JWKS; zero: open
	RevokedAt  time.Time // when it was withdrawn; zero: it was not
}

// KeyState is what a key does at a moment. It follows from the key's times, so
// that no job has to come by for it to change.
type KeyState string

// States of a key, in the order of its life.
const (
	KeyPublished KeyState = "published" // in the JWKS; signs later
	KeySigning   KeyState = "signing"   // in the JWKS
	KeyVerifying KeyState = "verifying" // in the JWKS until its last token has expired
	KeyRetired   KeyState = "retired"   // no longer in the JWKS; verifies hints
	KeyRevoked   KeyState = "revoked"   // withdrawn: verifies nothing
)

// State is the state of k at a time.
func (k Key) State(at time.Time) KeyState {
	switch {
	case !k.RevokedAt.IsZero():
		return KeyRevoked
	case !k.ExpiresAt.IsZero() && !at.Before(k.ExpiresAt):
		return KeyRetired
	case !k.Open(at):
		return KeyVerifying
	case at.Before(k.SignsFrom):
		return KeyPublished
	}
	return KeySigning
}

// Open tells whether k signs at a time or will.
func (k Key) Open(at time.Time) bool {
	return k.RevokedAt.IsZero() && (k.RetiresAt.IsZero() || at.Before(k.RetiresAt))
}
