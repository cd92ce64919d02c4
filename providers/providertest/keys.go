package providertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// key is a signing key of the fake.
type key struct {
	alg     string
	kid     string // "" it has none
	private crypto.Signer
}

// poolSize is how many keys of an algorithm a test process makes: making RSA
// keys takes most of a test's time, and consecutive ones differ.
const poolSize = 8

var pool struct {
	sync.Mutex
	keys map[string][]crypto.Signer
	next map[string]int
}

// newKey takes the next key of the pool.
func newKey(t testing.TB, alg, kid string, noKID bool) key {
	t.Helper()
	if noKID {
		kid = ""
	}
	pool.Lock()
	defer pool.Unlock()
	if pool.keys == nil {
		pool.keys, pool.next = map[string][]crypto.Signer{}, map[string]int{}
	}
	if quick := strings.HasPrefix(alg, "ES"); quick || len(pool.keys[alg]) < poolSize {
		private, err := generate(alg)
		if err != nil {
			t.Fatal(err)
		}
		if !quick {
			pool.keys[alg] = append(pool.keys[alg], private)
		}
		return key{alg: alg, kid: kid, private: private}
	}
	pool.next[alg]++
	return key{alg: alg, kid: kid, private: pool.keys[alg][pool.next[alg]%poolSize]}
}

// foreignKey is a key under the name of the signing one that is another.
func (s *OpenID) foreignKey() key {
	for {
		if k := newKey(s.t, s.o.Alg, s.signing().kid, s.o.NoKID); k.private != s.signing().private {
			return k
		}
	}
}

func generate(alg string) (crypto.Signer, error) {
	if strings.HasPrefix(alg, "ES") {
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return rsa.GenerateKey(rand.Reader, 2048)
}

func (k key) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.private.Public(), KeyID: k.kid, Use: "sig"}
}

// sign makes a JWT of JSON as it stands.
func (k key) sign(payload []byte) string {
	return sign(jose.SignatureAlgorithm(k.alg), k.private, k.kid, payload)
}

func sign(alg jose.SignatureAlgorithm, private any, kid string, payload []byte) string {
	opts := (&jose.SignerOptions{}).WithType("JWT")
	if kid != "" {
		opts = opts.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: private}, opts)
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// SignJWT signs claims with the current key: logout tokens, access tokens.
func (s *OpenID) SignJWT(c map[string]any) string { return s.signing().sign(mustJSON(c)) }

func (s *OpenID) signing() key {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forced != nil {
		return *s.forced
	}
	return s.keys[len(s.keys)-1]
}

// StealKey returns the current signing key, for SignWith.
func (s *OpenID) StealKey() any { return s.signing() }

// SignWith signs with a stolen key from now on, and does not publish it.
func (s *OpenID) SignWith(stolen any) {
	k := stolen.(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forced = &k
}

// PrivateJWK is the current signing key with its private half.
func (s *OpenID) PrivateJWK() jose.JSONWebKey {
	k := s.signing()
	return jose.JSONWebKey{Key: k.private, KeyID: k.kid, Use: "sig"}
}
