package tokens

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// Fetcher gets documents from addresses that clients name, in safety.
// fetch.Client is one.
type Fetcher interface {
	// Get returns the document at a URL, at most maxAge old; 0: as fresh as may
	// be, which is what it has where it asked a moment ago.
	Get(ctx context.Context, url string, maxAge time.Duration) ([]byte, error)
}

const (
	// clientKeysAge is how long fetched keys serve, and so how long a key lives
	// on that a client has taken away.
	clientKeysAge = 10 * time.Minute
	maxClientKeys = 100
	// maxTried keys for a JWT that does not name its key.
	maxTried = 8

	minRSABits = 2048 // RFC 7518, section 3.3
	maxRSABits = 8192 // above, one verification takes as long as thousands
)

// ParseClientKeys reads the keys of a JWK Set that verify signatures; at least one
// must be left. A private key is refused.
func ParseClientKeys(document []byte) ([]jose.JSONWebKey, error) {
	keys, err := parseKeySet(document)
	if err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(keys, func(k jose.JSONWebKey) bool {
		return !slices.ContainsFunc(clientAlgs, func(alg string) bool { return fits(k, alg) })
	})
	if len(keys) == 0 {
		return nil, fmt.Errorf("tokens: no key of the JWK Set verifies %s", strings.Join(clientAlgs, ", "))
	}
	return keys, nil
}

// fits tells whether a key may verify signatures of an algorithm.
func fits(k jose.JSONWebKey, alg string) bool {
	if k.Use != "" && k.Use != "sig" || k.Algorithm != "" && sameAlg(k.Algorithm) != sameAlg(alg) {
		return false
	}
	switch public := k.Key.(type) {
	case *rsa.PublicKey:
		bits := public.N.BitLen()
		return (strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS")) && bits >= minRSABits && bits <= maxRSABits && public.E >= 3
	case *ecdsa.PublicKey:
		return map[string]int{"ES256": 256, "ES384": 384, "ES512": 521}[alg] == public.Curve.Params().BitSize
	case ed25519.PublicKey:
		return sameAlg(alg) == "EdDSA" && len(public) == ed25519.PublicKeySize
	}
	return false
}

// hasKeys tells whether a client has registered keys.
func hasKeys(c broker.Client) bool { return c.Metadata.JWKS != "" || c.Metadata.JWKSURI != "" }

// verifyBy checks the signature of a JWT with the keys of a client. Where they
// are fetched and the one that the JWT names is not among them, they are fetched
// once more: clients change keys. The Fetcher sees to it that strangers
// cannot make us do so often.
func (s *Service) verifyBy(ctx context.Context, c broker.Client, j clientJWT) error {
	if c.Metadata.JWKS != "" {
		keys, err := ParseClientKeys([]byte(c.Metadata.JWKS))
		if err != nil {
			return err
		}
		return j.verify(keys)
	}
	if c.Metadata.JWKSURI == "" || s.o.Fetcher == nil {
		return errJWT
	}
	var keys []jose.JSONWebKey
	for _, age := range []time.Duration{clientKeysAge, 0} {
		document, err := s.o.Fetcher.Get(ctx, c.Metadata.JWKSURI, age)
		if err != nil {
			return fmt.Errorf("keys of the client: %w", err)
		}
		if keys, err = ParseClientKeys(document); err != nil {
			return err
		}
		if j.kid == "" || slices.ContainsFunc(keys, func(k jose.JSONWebKey) bool { return k.KeyID == j.kid }) {
			break
		}
	}
	return j.verify(keys)
}
