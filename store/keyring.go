package store

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

// keyBytes is the length of a key: 256 bits.
const keyBytes = 32

// maxKeys bounds a keyring: one a week for years. A longer text is not one.
const maxKeys = 1000

// Keyring holds the keys that seal columns, newest first: the first seals, every
// one opens. The zero Keyring has none. It cannot be printed.
type Keyring struct{ keys []sealingKey }

// sealingKey is a key of the ring and what is derived from it.
type sealingKey struct {
	raw  [keyBytes]byte
	id   [keyIDBytes]byte
	aead cipher.AEAD
}

// NewKeyring makes a ring of one random key.
func NewKeyring() Keyring { return Keyring{}.Rotated() }

// Rotated returns a ring with a new random key before the others.
func (k Keyring) Rotated() Keyring {
	var raw [keyBytes]byte
	_, _ = rand.Read(raw[:]) // never fails since Go 1.24
	return Keyring{append([]sealingKey{newSealingKey(raw)}, k.keys...)}
}

// ParseKeyring reads keys as Marshal writes them: a line each, base64 of 32
// bytes (padded or not, standard or URL alphabet), newest first. Empty lines and
// lines that begin with "#" are skipped.
func ParseKeyring(text []byte) (Keyring, error) {
	var k Keyring
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		line = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(line, "="))
		b, err := base64.RawStdEncoding.Strict().DecodeString(line)
		if err != nil || len(b) != keyBytes {
			return Keyring{}, fmt.Errorf("line %d of the keyring is not the base64 of %d bytes", n, keyBytes)
		}
		key := newSealingKey([keyBytes]byte(b))
		if slices.ContainsFunc(k.keys, func(other sealingKey) bool { return other.id == key.id }) {
			return Keyring{}, fmt.Errorf("line %d of the keyring repeats a key", n)
		}
		if k.keys = append(k.keys, key); len(k.keys) > maxKeys {
			return Keyring{}, fmt.Errorf("the keyring has more than %d keys", maxKeys)
		}
	}
	if err := lines.Err(); err != nil {
		return Keyring{}, errors.New("a line of the keyring is too long")
	}
	if len(k.keys) == 0 {
		return Keyring{}, errors.New("the keyring has no key")
	}
	return k, nil
}

// Marshal writes the ring for ParseKeyring. It is the secret itself.
func (k Keyring) Marshal() []byte {
	var b bytes.Buffer
	for _, key := range k.keys {
		b.WriteString(base64.StdEncoding.EncodeToString(key.raw[:]) + "\n")
	}
	return b.Bytes()
}

// Len is the number of keys.
func (k Keyring) Len() int { return len(k.keys) }

// Derive derives a key for a purpose from the newest key (HKDF-SHA256, RFC
// 5869). It tells nothing of the ring or of other purposes. It panics
// on an empty ring: a key that anybody can derive is none.
func (k Keyring) Derive(purpose string) [32]byte {
	if len(k.keys) == 0 {
		panic("store: Derive of an empty keyring")
	}
	return derive(k.keys[0].raw, "idbroker/derive/"+purpose)
}

// Format implements fmt.Formatter: a ring cannot be printed.
func (k Keyring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// LogValue implements slog.LogValuer.
func (k Keyring) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalText implements encoding.TextMarshaler, for JSON and YAML.
func (k Keyring) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

func newSealingKey(raw [keyBytes]byte) sealingKey {
	key := derive(raw, "idbroker/seal/aes-256-gcm")
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the length is right
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // the block size is right
	}
	id := derive(raw, "idbroker/seal/id")
	return sealingKey{raw: raw, id: [keyIDBytes]byte(id[:]), aead: aead}
}

// derive is HKDF-SHA256 without a salt: the keys are random.
func derive(raw [keyBytes]byte, info string) [32]byte {
	b, err := hkdf.Key(sha256.New, raw[:], nil, info, 32)
	if err != nil {
		panic(err) // 32 bytes are never too many
	}
	return [32]byte(b)
}
