package tokens

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"idbroker/broker"
)

// Prefixes of our tokens. Whoever finds one in a log or a repository can tell
// what it is, and no kind passes for another.
const (
	accessPrefix  = "iba"
	refreshPrefix = "ibr"
	codePrefix    = "ibc"
)

// maxToken bounds a token that is presented to us; ours have about 110 bytes.
const maxToken = 512

// mint makes and reads access and refresh tokens. They are text, parts
// separated by dots, the last part the MAC over all before it. Each kind has a
// key of its own.
type mint struct {
	keys *atomic.Pointer[mintKeys] // never nil; copies share it
}

// mintKeys are derived from the secrets: the first make tokens, every one reads
// them.
type mintKeys struct{ access, refresh [][]byte }

func newMint(secret [32]byte, old [][32]byte) (mint, error) {
	m := mint{new(atomic.Pointer[mintKeys])}
	return m, m.set(secret, old)
}

// set changes the secrets. Who is about to make or read a token may still use
// those of before.
func (m mint) set(secret [32]byte, old [][32]byte) error {
	var keys mintKeys
	for _, s := range append([][32]byte{secret}, old...) {
		for _, k := range []struct {
			keys    *[][]byte
			purpose string
		}{{&keys.access, "idbroker access token v1"}, {&keys.refresh, "idbroker refresh token v1"}} {
			key, err := hkdf.Key(sha256.New, s[:], nil, k.purpose, sha256.Size)
			if err != nil {
				return err
			}
			*k.keys = append(*k.keys, key)
		}
	}
	m.keys.Store(&keys)
	return nil
}

// accessToken is what an access token says. It names its grant; whether that
// stands, the grant's row tells.
type accessToken struct {
	Grant     broker.GrantID
	IssuedAt  time.Time // to the second, like ExpiresAt
	ExpiresAt time.Time
	Narrowed  uint64 // bit i: the token has Grant.Scopes[i]; 0: it has all of them
}

// maxNarrowed is how many scopes the bits of accessToken.Narrowed can tell apart.
const maxNarrowed = 64

// newAccess makes an access token. Two of them differ even within a second.
func (m mint) newAccess(t accessToken) string {
	var nonce [9]byte
	_, _ = rand.Read(nonce[:])
	return m.seal(m.keys.Load().access, accessPrefix, string(t.Grant), base36(t.IssuedAt.Unix()), base36(t.ExpiresAt.Unix()),
		strconv.FormatUint(t.Narrowed, 36), base64.RawURLEncoding.EncodeToString(nonce[:]))
}

// readAccess reads an access token that we made, expired or not.
func (m mint) readAccess(token string) (accessToken, bool) {
	parts, ok := open(m.keys.Load().access, accessPrefix, token, 6)
	if !ok {
		return accessToken{}, false
	}
	issued, err1 := strconv.ParseInt(parts[2], 36, 64)
	expires, err2 := strconv.ParseInt(parts[3], 36, 64)
	narrowed, err3 := strconv.ParseUint(parts[4], 36, 64)
	return accessToken{
		Grant: broker.GrantID(parts[1]), IssuedAt: time.Unix(issued, 0), ExpiresAt: time.Unix(expires, 0), Narrowed: narrowed,
	}, err1 == nil && err2 == nil && err3 == nil
}

// newRefresh computes the refresh token of a generation of a grant: the same
// one however often it is asked for.
func (m mint) newRefresh(id broker.GrantID, generation int) string {
	return m.seal(m.keys.Load().refresh, refreshPrefix, string(id), base36(int64(generation)))
}

// readRefresh reads a refresh token that we made.
func (m mint) readRefresh(token string) (broker.GrantID, int, bool) {
	parts, ok := open(m.keys.Load().refresh, refreshPrefix, token, 3)
	if !ok {
		return "", 0, false
	}
	generation, err := strconv.ParseInt(parts[2], 36, 32)
	return broker.GrantID(parts[1]), int(generation), err == nil && generation > 0
}

func (m mint) seal(keys [][]byte, parts ...string) string {
	body := strings.Join(parts, ".")
	return body + "." + mac(keys[0], body)
}

// open checks the MAC before it looks at anything else, and returns the n parts
// in front of it. The MAC is compared as text, so that a token has one spelling.
func open(keys [][]byte, prefix, token string, n int) ([]string, bool) {
	dot := strings.LastIndexByte(token, '.')
	if len(token) > maxToken || dot < 0 || !strings.HasPrefix(token, prefix+".") {
		return nil, false
	}
	body, got := token[:dot], []byte(token[dot+1:])
	for _, key := range keys {
		if subtle.ConstantTimeCompare(got, []byte(mac(key, body))) == 1 {
			parts := strings.Split(body, ".")
			return parts, len(parts) == n
		}
	}
	return nil, false
}

func mac(key []byte, body string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(body))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func base36(n int64) string { return strconv.FormatInt(n, 36) }

// newCode makes an authorization code. The database knows its hash.
func newCode() broker.Secret { return codePrefix + "." + broker.NewSecret() }

// narrow tells which of all the scopes in some are; 0 where they are all of
// them. ok is false where some is empty or has one that all has not.
func narrow(all, some []string) (bits uint64, ok bool) {
	if len(some) == 0 {
		return 0, len(all) == 0
	}
	for _, s := range some {
		i := slices.Index(all, s)
		if i < 0 || i >= maxNarrowed {
			return 0, false
		}
		bits |= 1 << i
	}
	if len(all) <= maxNarrowed && bits == (1<<len(all))-1 {
		bits = 0
	}
	return bits, true
}

// scopes undoes narrow.
func (t accessToken) scopes(all []string) []string {
	if t.Narrowed == 0 {
		return all
	}
	var some []string
	for i, s := range all {
		if i < maxNarrowed && t.Narrowed&(1<<i) != 0 {
			some = append(some, s)
		}
	}
	return some
}
