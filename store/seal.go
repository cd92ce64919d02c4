package store

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A sealed value is
//
//	1 byte   sealVersion
//	4 bytes  id of the key
//	12 bytes nonce (random: a key may seal 2^32 values, NIST SP 800-38D, section 8.3)
//	the text, encrypted with AES-256-GCM
//	16 bytes tag
//
// and authenticates table, column and row with it, so that a value that
// somebody moved within the database does not open. An empty text is kept as
// an empty value: that a person has no refresh token is no secret.
const (
	sealVersion = 1
	keyIDBytes  = 4
	sealHeader  = 1 + keyIDBytes
)

var (
	errNoKey    = errors.New("there is no key to seal with")
	errUnsealed = errors.New("a sealed value does not open: it was changed or moved, or its key is missing in the keyring, which must be the one of this database")
)

// place is where a sealed value stands.
type place struct {
	table, column string
	row           []string // the primary key
}

// associated is what a value in the place is bound to: each part with its
// length before it, so that no two places are alike.
func (p place) associated() []byte {
	var b []byte
	for _, part := range append([]string{p.table, p.column}, p.row...) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return b
}

// inRow is a place in the row with a primary key.
func inRow(table, column string, row ...string) place { return place{table, column, row} }

// seal seals text for a place with the newest key.
func (k Keyring) seal(p place, text []byte) ([]byte, error) {
	if len(text) == 0 {
		return []byte{}, nil
	}
	if len(k.keys) == 0 {
		return nil, fmt.Errorf("seal %s.%s: %w", p.table, p.column, errNoKey)
	}
	key := k.keys[0]
	b := append([]byte{sealVersion}, key.id[:]...)
	return key.aead.Seal(b, nil, text, p.associated()), nil
}

// open opens what seal made for the same place.
func (k Keyring) open(p place, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	if len(sealed) > sealHeader && sealed[0] == sealVersion {
		for _, key := range append(k.keys[:len(k.keys):len(k.keys)], k.next...) {
			if [keyIDBytes]byte(sealed[1:sealHeader]) != key.id {
				continue
			}
			if text, err := key.aead.Open(nil, nil, sealed[sealHeader:], p.associated()); err == nil {
				return text, nil
			}
		}
	}
	return nil, fmt.Errorf("open %s.%s: %w", p.table, p.column, errUnsealed)
}

// current tells whether the newest key sealed the value, or it is empty.
func (k Keyring) current(sealed []byte) bool {
	if len(sealed) == 0 {
		return true
	}
	return len(k.keys) > 0 && len(sealed) > sealHeader && sealed[0] == sealVersion &&
		[keyIDBytes]byte(sealed[1:sealHeader]) == k.keys[0].id
}
