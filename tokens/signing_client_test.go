package tokens

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// clientKeyring are the private keys of a test's client, by key id.
var clientKeyring = sync.OnceValue(func() map[string]crypto.Signer {
	keys := map[string]crypto.Signer{}
	var err [6]error
	keys["p256"], err[0] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	keys["p384"], err[1] = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	keys["p521"], err[2] = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	keys["rsa"], err[3] = rsa.GenerateKey(rand.Reader, 2048)
	_, keys["ed"], err[4] = ed25519.GenerateKey(rand.Reader)
	keys["stranger"], err[5] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if e := errors.Join(err[:]...); e != nil {
		panic(e)
	}
	return keys
})

// keyFor is the id of the key that signs with an algorithm.
func keyFor(alg string) string {
	if kid := (map[string]string{"ES256": "p256", "ES384": "p384", "ES512": "p521", "EdDSA": "ed", "Ed25519": "ed"})[alg]; kid != "" {
		return kid
	}
	return "rsa"
}

// jwks is the JWK Set of the keys with these ids.
func jwks(kids ...string) string {
	set := jose.JSONWebKeySet{}
	for _, kid := range kids {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: clientKeyring()[kid].Public(), KeyID: kid})
	}
	b, err := json.Marshal(set)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// claims is a claim set; with returns a copy with members set, nil removes one.
type claimSet map[string]any

func (c claimSet) with(pairs ...any) claimSet {
	next := claimSet{}
	for k, v := range c {
		next[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		next[pairs[i].(string)] = pairs[i+1]
		if pairs[i+1] == nil {
			delete(next, pairs[i].(string))
		}
	}
	return next
}

// header is what a test changes in the header of a JWT; kid "-" leaves it out.
type header struct {
	alg, kid, key, typ string
	crit               bool // names an extension that must be understood
}

// sign signs claims as a client does.
func sign(t testing.TB, h header, claims any) string {
	t.Helper()
	if h.alg == "" {
		h.alg = "ES256"
	}
	if h.kid == "" {
		h.kid = keyFor(h.alg)
	}
	if h.key == "" {
		h.key = keyFor(h.alg)
	}
	o := &jose.SignerOptions{}
	if h.kid != "-" {
		o.WithHeader("kid", h.kid)
	}
	if h.crit {
		o.WithHeader("crit", []string{"b64"}).WithHeader("b64", true)
	}
	if h.typ != "" {
		o.WithType(jose.ContentType(h.typ))
	}
	body, ok := claims.(string)
	if !ok {
		b, err := json.Marshal(claims)
		must(t, err)
		body = string(b)
	}
	if h.alg == "Ed25519" { // go-jose does not know the name
		members := map[string]any{"alg": h.alg}
		for name, value := range o.ExtraHeaders {
			members[string(name)] = value
		}
		head, err := json.Marshal(members)
		must(t, err)
		text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString([]byte(body))
		signature, err := clientKeyring()[h.key].Sign(nil, []byte(text), crypto.Hash(0))
		must(t, err)
		return text + "." + base64.RawURLEncoding.EncodeToString(signature)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(h.alg), Key: clientKeyring()[h.key]}, o)
	must(t, err)
	signed, err := signer.Sign([]byte(body))
	must(t, err)
	compact, err := signed.CompactSerialize()
	must(t, err)
	return compact
}

// assertionOf are the claims of an assertion that is in order.
func assertionOf(client string) claimSet {
	now := time.Now()
	return claimSet{
		"iss": client, "sub": client, "aud": testIssuer, "jti": broker.NewID(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
}

// signingClient registers an application that authenticates with its key.
func (w *world) signingClient(id string, change ...func(*broker.Client)) {
	w.t.Helper()
	c := broker.Client{
		ID: id, Name: strings.ToUpper(id), AuthMethod: broker.AuthPrivateKeyJWT, RedirectURIs: []string{testCallback},
		Scopes:     []string{"openid", "profile", "email", "offline_access", "api"},
		GrantTypes: []string{broker.GrantCode, broker.GrantRefresh, broker.GrantCredentials},
		Metadata:   broker.ClientMetadata{JWKS: jwks("p256", "p384", "p521", "rsa", "ed")},
	}
	for _, f := range change {
		f(&c)
	}
	must(w.t, w.db.CreateClient(w.t.Context(), c))
}

// site is a Fetcher whose documents a test changes.
type site struct {
	mu    sync.Mutex
	pages map[string]string
	calls []time.Duration // maxAge of each
}

func (s *site) Get(_ context.Context, url string, maxAge time.Duration) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, maxAge)
	page, ok := s.pages[url]
	if !ok {
		return nil, errors.New("not there")
	}
	return []byte(page), nil
}
