package providertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// key is a signing key of the fake.
type key struct {
	alg     string
	kid     string // "" it has none
	private crypto.Signer
}

func newKey(t testing.TB, alg, kid string, noKID bool) key {
	t.Helper()
	if noKID {
		kid = ""
	}
	var private crypto.Signer
	var err error
	if strings.HasPrefix(alg, "ES") {
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key{alg: alg, kid: kid, private: private}
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
	return s.keys[len(s.keys)-1]
}
