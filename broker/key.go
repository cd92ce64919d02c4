package broker

import "time"

// Key is a signing key. A new key is published before it signs, and an old one
// stays published until the last token that it signed has expired.
type Key struct {
	ID        string // "kid"
	Alg       string // RS256, ES256, or another that a client is registered for
	Private   Secret // PKCS #8, PEM; sealed at rest
	CreatedAt time.Time
	SignsFrom time.Time // when it begins to sign
	RetiresAt time.Time // when it stops; zero: open
	ExpiresAt time.Time // when it leaves the JWKS; zero: open
}
