package local

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"idbroker/broker"
)

// A pepper is a key that the database does not hold: who steals the hashes
// alone cannot guess passwords. Argon2id hashes the HMAC-SHA256 of the password
// under it. The stored hash says by a name which pepper it is.
type pepper struct {
	name string // 8 characters of base64url; "" no pepper
	key  []byte
}

// pepperBytes is the length of a key. It makes guessing the key hopeless.
const pepperBytes = 32

// maxPeppers bounds a file that is not what it should be. Rotated yearly, the
// oldest is older than any password should be.
const maxPeppers = 64

var (
	errPepper     = errors.New("is not base64 of 32 bytes a line, newest first; \"broker keys keyring\" prints such a line")
	errPepperLost = errors.New("was made with a pepper that accounts.pepper does not hold any more: restore it, or let the person set a new password with \"lost password\"")
)

// Peppers are keys, the newest first. New hashes are made with the newest. The
// zero value is none.
type Peppers struct{ all []pepper }

// ParsePeppers reads what "broker keys keyring" prints: base64 of 32 bytes a
// line, newest first. Nothing is none.
func ParsePeppers(text broker.Secret) (Peppers, error) {
	var p Peppers
	for line := range strings.Lines(text.Reveal()) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(key) != pepperBytes || len(p.all) == maxPeppers {
			return Peppers{}, errPepper
		}
		sum := sha256.Sum256(append([]byte("name of a pepper\x00"), key...))
		p.all = append(p.all, pepper{name: base64.RawURLEncoding.EncodeToString(sum[:6]), key: key})
	}
	return p, nil
}

// newest is the pepper of new hashes; no name where there is none.
func (p Peppers) newest() pepper {
	if len(p.all) == 0 {
		return pepper{}
	}
	return p.all[0]
}

// on is what argon2id hashes of a password.
func (p pepper) on(password []byte) []byte {
	if p.name == "" {
		return password
	}
	mac := hmac.New(sha256.New, p.key)
	mac.Write(password)
	return mac.Sum(nil)
}

// named puts the name before a hash that was made with p.
func (p pepper) named(hash broker.Secret) broker.Secret {
	if p.name == "" {
		return hash
	}
	return broker.Secret(fmt.Sprintf("$pepper=%s%s", p.name, hash.Reveal()))
}

// stored is s with p on what it hashes.
func (p pepper) stored(s stored) stored {
	matches := s.matches
	s.pepper = p.name
	s.matches = func(password []byte) bool { return matches(p.on(password)) }
	return s
}

var pepperForm = form(`^\$pepper=([A-Za-z0-9_-]{8})(\$argon2id\$.*)$`)

// read understands a hash that names its pepper.
func (p Peppers) read(s string) (stored, error) {
	f := pepperForm().FindStringSubmatch(s)
	if f == nil {
		return stored{}, errHash
	}
	inner, err := readArgon2(f[2])
	if err != nil {
		return stored{}, err
	}
	for _, one := range p.all {
		if one.name == f[1] {
			return one.stored(inner), nil
		}
	}
	return stored{}, errPepperLost
}
