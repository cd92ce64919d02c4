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
	"encoding/hex"
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
type Keyring struct {
	keys []sealingKey
	next []sealingKey // at most one: it opens, and seals nothing before it is promoted
}

// nextMark begins the line of a staged key. A program that does not know staged
// keys takes it for a comment.
const nextMark = "# next: "

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
	return Keyring{append([]sealingKey{newSealingKey(raw)}, k.keys...), k.next}
}

// Staged returns a ring with a new random key that opens and seals nothing yet.
// When every replica has it, Promoted makes it the first: so nobody ever meets a
// value that was sealed with a key that they don't know. A ring that has a staged key
// is returned as it is.
func (k Keyring) Staged() Keyring {
	if len(k.next) > 0 {
		return k
	}
	return Keyring{k.keys, NewKeyring().keys}
}

// Promoted returns a ring whose staged key is the first; the same where there is
// none.
func (k Keyring) Promoted() Keyring { return Keyring{append(slices.Clone(k.next), k.keys...), nil} }

// Without returns a ring that lacks the key with an id.
func (k Keyring) Without(id string) Keyring {
	is := func(key sealingKey) bool { return key.name() == id }
	return Keyring{slices.DeleteFunc(slices.Clone(k.keys), is), slices.DeleteFunc(slices.Clone(k.next), is)}
}

// IDs returns the ids of the keys, newest first, without the staged one. An id
// tells nothing of its key.
func (k Keyring) IDs() []string {
	return each(k.keys, func(key *sealingKey) string { return key.name() })
}

// StagedID is the id of the staged key; "" none.
func (k Keyring) StagedID() string {
	if len(k.next) == 0 {
		return ""
	}
	return k.next[0].name()
}

// ParseKeyring reads keys as Marshal writes them: a line each, base64 of 32
// bytes (padded or not, standard or URL alphabet), newest first. Empty lines and
// lines that begin with "#" are skipped.
func ParseKeyring(text []byte) (Keyring, error) {
	var k Keyring
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		line, staged := strings.CutPrefix(line, nextMark)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		line = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(line, "="))
		b, err := base64.RawStdEncoding.Strict().DecodeString(line)
		if err != nil || len(b) != keyBytes {
			return Keyring{}, fmt.Errorf("line %d of the keyring is not the base64 of %d bytes", n, keyBytes)
		}
		key := newSealingKey([keyBytes]byte(b))
		if slices.ContainsFunc(append(slices.Clone(k.keys), k.next...), func(other sealingKey) bool { return other.id == key.id }) {
			return Keyring{}, fmt.Errorf("line %d of the keyring repeats a key", n)
		}
		if staged {
			if k.next = append(k.next, key); len(k.next) > 1 {
				return Keyring{}, fmt.Errorf("line %d of the keyring is a second one to come", n)
			}
			continue
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
	for _, key := range k.next {
		b.WriteString(nextMark + base64.StdEncoding.EncodeToString(key.raw[:]) + "\n")
	}
	for _, key := range k.keys {
		b.WriteString(base64.StdEncoding.EncodeToString(key.raw[:]) + "\n")
	}
	return b.Bytes()
}

// Len is the number of keys, without the staged one.
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

// DeriveOldest is Derive from the oldest key, which stays: for what all replicas
// must agree on while the keys change.
func (k Keyring) DeriveOldest(purpose string) [32]byte {
	return derive(k.keys[len(k.keys)-1].raw, "idbroker/derive/"+purpose)
}

// DeriveEach is Derive for every key: of the first, of those that stand behind it,
// newest first, and of the staged one, nil where there is none.
func (k Keyring) DeriveEach(purpose string) (first [32]byte, older [][32]byte, staged *[32]byte) {
	first = k.Derive(purpose)
	for _, key := range k.keys[1:] {
		older = append(older, derive(key.raw, "idbroker/derive/"+purpose))
	}
	for _, key := range k.next {
		one := derive(key.raw, "idbroker/derive/"+purpose)
		staged = &one
	}
	return first, older, staged
}

// name is the id in text.
func (s *sealingKey) name() string { return hex.EncodeToString(s.id[:]) }

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
