package broker

import "time"

// EncryptionKey is a key that applications encrypt request objects to. When it
// retires it is published no longer, and opens until ExpiresAt what was encrypted
// by those who had fetched it.
type EncryptionKey struct {
	ID        string // "kid"
	Kty       string // "RSA", "EC" (P-256): RFC 7518, section 6.1
	Private   Secret // PKCS #8, PEM; sealed at rest
	CreatedAt time.Time
	RetiresAt time.Time // zero: open
	ExpiresAt time.Time // when it opens nothing more; zero: open
}
