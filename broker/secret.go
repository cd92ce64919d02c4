package broker

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a text that cannot be printed: fmt, slog and encoding/json write
// "[redacted]". Reveal is the one way out, and easy to search for.
type Secret string

// Reveal returns the text.
func (s Secret) Reveal() string { return string(s) }

// Format implements fmt.Formatter for every verb.
func (s Secret) Format(f fmt.State, verb rune) { _, _ = io.WriteString(f, redacted) }

// String implements fmt.Stringer.
func (s Secret) String() string { return redacted }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, for JSON, YAML and XML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Secret) UnmarshalText(b []byte) error {
	*s = Secret(b)
	return nil
}

// secretBytes is the entropy of everything that we generate and that opens
// something: 256 bits, so that its plain SHA-256 is as strong as a slow hash.
const secretBytes = 32

// NewSecret returns 256 random bits in unpadded base64url (43 characters of
// [A-Za-z0-9_-], safe in cookies, URLs, forms and HTTP Basic).
func NewSecret() Secret {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return Secret(base64.RawURLEncoding.EncodeToString(b))
}

// Hash is the SHA-256 of a secret that we generated, in unpadded base64url; it
// is what the database keeps. Never use it for what people invent.
func (s Secret) Hash() string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Matches tells in constant time whether s hashes to hash. An empty hash or an
// empty secret never matches.
func (s Secret) Matches(hash string) bool {
	return s != "" && hash != "" && subtle.ConstantTimeCompare([]byte(s.Hash()), []byte(hash)) == 1
}

// NewID returns a random identifier of 130 bits in lower-case base32: 26 characters
// that are safe in URLs, file names and logs. It is an identifier, not a
// secret.
func NewID() string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	b := make([]byte, 26)
	_, _ = rand.Read(b)
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return string(b)
}
