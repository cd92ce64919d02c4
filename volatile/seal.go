package volatile

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
)

// Kinds of what is kept of a session. Each is sealed for itself: none passes for
// another.
const (
	kindSeen    = 's' // of a session of somebody: seen
	kindVisitor = 'v' // a session of nobody: seen, and what would be its row
	kindPlace   = 'i' // place
	kindData    = 'd' // Session.Data
)

// nameBytes of a MAC name a record: nobody meets another one's by chance.
const nameBytes = 16

// errSealed: bytes were not sealed by us for this place.
var errSealed = errors.New("not sealed for this session")

// sealer finds and seals the records of sessions.
type sealer struct{ key [32]byte }

// derive makes a key for one session out of ours and the hash of its cookie.
func (s sealer) derive(purpose, idHash string) []byte {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte(purpose + "\x00" + idHash))
	return mac.Sum(nil)
}

// name is what a session is called in Redis. It tells nothing to who has not the
// keyring.
func (s sealer) name(idHash string) string {
	return base64.RawURLEncoding.EncodeToString(s.derive("name", idHash)[:nameBytes])
}

// aead is the cipher of one session.
func (s sealer) aead(idHash string) cipher.AEAD {
	block, err := aes.NewCipher(s.derive("seal", idHash))
	if err == nil {
		var a cipher.AEAD
		if a, err = cipher.NewGCMWithRandomNonce(block); err == nil {
			return a
		}
	}
	panic("volatile: " + err.Error()) // the key has the right length
}

// bound is what a sealed text is bound to beside its session: its kind, and the turn
// that stands before it in the clear.
func bound(kind byte, turn string) []byte { return []byte(string(kind) + turn) }

func (s sealer) seal(idHash string, kind byte, turn string, plain []byte) []byte {
	return s.aead(idHash).Seal(nil, nil, plain, bound(kind, turn))
}

// open is the text that was sealed, or errSealed.
func (s sealer) open(idHash string, kind byte, turn string, sealed []byte) ([]byte, error) {
	plain, err := s.aead(idHash).Open(nil, nil, sealed, bound(kind, turn))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}
