package tokens

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// algorithms that always have a key. Every OpenID Provider must offer RS256
// (OpenID Connect Core 1.0, section 15.1); ES256 costs a twentieth of it.
var algorithms = []string{broker.RS256, broker.ES256}

// allAlgorithms are those that a client can be registered for (RFC 7518,
// section 3.1; RFC 8037). A key of any of the others is made when the first
// client wants it. "none" and the HMACs, whose key would be a client's secret,
// are not among them.
var allAlgorithms = []string{
	broker.RS256, "RS384", "RS512", "PS256", "PS384", "PS512", broker.ES256, "ES384", "ES512", "EdDSA",
}

// Algorithms are the signature algorithms of ID tokens and userinfo that a
// client can be registered for.
func Algorithms() []string { return slices.Clone(allAlgorithms) }

// curves are those of the algorithms: each has one.
var curves = map[string]elliptic.Curve{broker.ES256: elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}

// newPrivate makes a private key for an algorithm.
func newPrivate(alg string) (any, error) {
	switch curve := curves[alg]; {
	case !slices.Contains(allAlgorithms, alg):
		return nil, errors.New("unknown algorithm")
	case curve != nil:
		return ecdsa.GenerateKey(curve, rand.Reader)
	case alg == "EdDSA":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return rsa.GenerateKey(rand.Reader, rsaBits)
}

// publicOf is the public half of a private key that fits an algorithm.
func publicOf(private any, alg string) (crypto.PublicKey, error) {
	switch p := private.(type) {
	case *rsa.PrivateKey:
		if !strings.HasPrefix(alg, "RS") && !strings.HasPrefix(alg, "PS") || p.N.BitLen() < rsaBits {
			return nil, fmt.Errorf("an RSA key of %d bits cannot be used for %s", p.N.BitLen(), alg)
		}
		return p.Public(), nil
	case *ecdsa.PrivateKey:
		if curves[alg] != p.Curve {
			return nil, fmt.Errorf("an elliptic key on %s cannot be used for %s", p.Curve.Params().Name, alg)
		}
		return p.Public(), nil
	case ed25519.PrivateKey:
		if alg != "EdDSA" {
			return nil, fmt.Errorf("an Ed25519 key cannot be used for %s", alg)
		}
		return p.Public(), nil
	}
	return nil, fmt.Errorf("%T is not supported", private)
}

// josed are the algorithms as go-jose wants them, for tokens that come back.
func josed() []jose.SignatureAlgorithm {
	var all []jose.SignatureAlgorithm
	for _, alg := range allAlgorithms {
		all = append(all, jose.SignatureAlgorithm(alg))
	}
	return all
}

// algorithmsOf are the algorithms that we sign with for a client.
func algorithmsOf(c broker.Client) []string {
	algs := []string{idTokenAlg(c)}
	if alg := c.Metadata.UserInfoSignedResponseAlg; alg != "" && alg != "none" && alg != algs[0] {
		algs = append(algs, alg)
	}
	return algs
}

// wanted are the algorithms that must have a key: those that always have
// one, and those of the clients.
func (s *Service) wanted(ctx context.Context) ([]string, error) {
	clients, err := s.store.Clients(ctx)
	if err != nil {
		return nil, fmt.Errorf("list clients: %w", err)
	}
	algs := slices.Clone(algorithms)
	for _, c := range clients {
		for _, alg := range algorithmsOf(c) {
			if c.DisabledAt.IsZero() && slices.Contains(allAlgorithms, alg) && !slices.Contains(algs, alg) {
				algs = append(algs, alg)
			}
		}
	}
	return algs, nil
}

// readyToSign makes the keys that a client needs, where it was registered
// after we started. It is asked when an authorization begins, so that the keys
// are published well before the client sees a signature.
func (s *Service) readyToSign(ctx context.Context, c broker.Client) error {
	s.freshKeys(ctx)
	at := time.Now()
	set := s.keys.Load()
	for _, alg := range algorithmsOf(c) {
		if slices.Contains(allAlgorithms, alg) && set.signer(alg, at) == nil {
			return s.makeKeys(ctx, algorithmsOf(c), at)
		}
	}
	return nil
}
