package providertest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// keyring is the signing keys of a fake that issues ID tokens.
type keyring struct {
	alg  jose.SignatureAlgorithm
	kids bool // whether keys and tokens name a key id

	mu   sync.Mutex
	keys []key // the last one signs
}

// spareKeys saves the time that making RSA keys costs: nothing depends on two
// fakes having different ones. The last one belongs to nobody.
var spareKeys = sync.OnceValue(func() []crypto.Signer {
	var out []crypto.Signer
	for range 3 {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		out = append(out, k)
	}
	return out
})

func newKeyring(alg jose.SignatureAlgorithm, kids bool) *keyring {
	k := &keyring{alg: alg, kids: kids}
	k.keys = []key{k.newKey(0)}
	return k
}

func (k *keyring) newKey(spare int) key {
	made := key{alg: string(k.alg), private: spareKeys()[spare]}
	if k.kids {
		made.kid = "fake-" + randomText(6)
	}
	return made
}

// rotate signs with a new key from now on; withdraw takes the old one out of
// the key set at once.
func (k *keyring) rotate(withdraw bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if withdraw {
		k.keys = nil
	}
	k.keys = append(k.keys, k.newKey(1))
}

// serve is the JWKS endpoint. Keys have no "alg" member, as ORCID's have none.
func (k *keyring) serve(w http.ResponseWriter, _ *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	set := jose.JSONWebKeySet{}
	for _, one := range slices.Backward(k.keys) {
		set.Keys = append(set.Keys, one.public())
	}
	writeJSON(w, http.StatusOK, set)
}

// Forgery says how an ID token is false.
type Forgery string

// Ways to forge an ID token.
const (
	NotForged    Forgery = ""
	ForgedByKey  Forgery = "another key"        // signed by a key that the service does not have
	ForgedByNone Forgery = "alg none"           // not signed
	ForgedByHMAC Forgery = "HS256 with secret"  // signed with the client secret
	ForgedByText Forgery = "changed afterwards" // payload exchanged under a good signature
)

// Forgeries are all of them.
var Forgeries = []Forgery{ForgedByKey, ForgedByNone, ForgedByHMAC, ForgedByText}

// sign makes a compact JWS of claims.
func (k *keyring) sign(claims map[string]any, how Forgery, secret string) string {
	k.mu.Lock()
	last := k.keys[len(k.keys)-1]
	k.mu.Unlock()
	payload := mustJSON(claims)
	enc := base64.RawURLEncoding.EncodeToString
	switch how {
	case ForgedByNone:
		return enc([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + enc(payload) + "."
	case ForgedByKey:
		last.private = spareKeys()[2]
	case ForgedByHMAC:
		padded := append([]byte(secret), make([]byte, 32)...) // HS256 wants 32 bytes
		return sign(jose.HS256, padded, last.kid, payload)
	case ForgedByText:
		parts := strings.Split(last.sign(payload), ".")
		claims["sub"] = "0000-0002-1825-0097"
		parts[1] = enc(mustJSON(claims))
		return strings.Join(parts, ".")
	}
	return last.sign(payload)
}

// halfHash is the at_hash of an access token (OpenID Connect Core 1.0, section
// 3.1.3.6): the left half of the hash that the algorithm is named after.
func (k *keyring) halfHash(access string) string {
	if k.alg == jose.RS512 {
		sum := sha512.Sum512([]byte(access))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
