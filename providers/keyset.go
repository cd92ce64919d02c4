package providers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// maxKeys bounds a key set: a token without "kid" is tried with every key.
const maxKeys = 64

// errKey: no key that we trust made the signature.
var errKey = errors.New("no trusted key made the signature")

// keySet holds the keys of a provider. Unlike go-oidc's own it forgets withdrawn
// keys, and does not ask for new ones at every forged token.
type keySet struct {
	url    string
	client *client
	now    func() time.Time

	turn chan struct{} // holds one token: whoever looks up

	mu    sync.Mutex
	keys  []jose.JSONWebKey
	at    time.Time // of keys
	asked time.Time // of the last attempt
	err   error     // of the last attempt
}

var _ oidc.KeySet = (*keySet)(nil)

func newKeySet(url string, c *client, now func() time.Time) *keySet {
	return &keySet{url: url, client: c, now: now, turn: make(chan struct{}, 1)}
}

// VerifySignature implements oidc.KeySet. The verifier has checked the
// algorithm.
func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	algs := make([]jose.SignatureAlgorithm, 0, len(signingAlgs))
	for _, a := range signingAlgs {
		algs = append(algs, jose.SignatureAlgorithm(a))
	}
	jws, err := jose.ParseSignedCompact(token, algs)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, errors.New("no compact JWS with an accepted signature")
	}
	keys, err := k.get(ctx, metadataFresh)
	if err != nil {
		return nil, err
	}
	if payload, ok := verify(jws, keys); ok {
		return payload, nil
	}
	// A new key may have been published (OpenID Connect Core 1.0, section
	// 10.1.1).
	if keys, err = k.get(ctx, lookupPause); err != nil {
		return nil, err
	}
	if payload, ok := verify(jws, keys); ok {
		return payload, nil
	}
	return nil, errKey
}

// verify tries the keys that the header can mean.
func verify(jws *jose.JSONWebSignature, keys []jose.JSONWebKey) ([]byte, bool) {
	h := jws.Signatures[0].Header
	for i := range keys {
		key := &keys[i]
		if h.KeyID != "" && key.KeyID != h.KeyID || key.Algorithm != "" && key.Algorithm != h.Algorithm {
			continue
		}
		if payload, err := jws.Verify(key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// get returns keys that are younger than age, or the newest that there are
// where the provider does not answer.
func (k *keySet) get(ctx context.Context, age time.Duration) ([]jose.JSONWebKey, error) {
	if keys, err, ok := k.cached(age); ok {
		return keys, err
	}
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return nil, classify(ctx.Err())
	}
	if keys, err, ok := k.cached(age); ok {
		return keys, err
	}
	keys, err := k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if err == nil || ctx.Err() == nil {
		k.asked, k.err = now, err
	}
	if err == nil {
		k.keys, k.at = keys, now
	}
	if k.keys != nil && now.Sub(k.at) < metadataStale {
		return k.keys, nil
	}
	return nil, err
}

func (k *keySet) cached(age time.Duration) ([]jose.JSONWebKey, error, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	switch {
	case k.keys != nil && now.Sub(k.at) < age:
		return k.keys, nil, true
	case !k.asked.IsZero() && now.Sub(k.asked) < lookupPause:
		if k.keys != nil && now.Sub(k.at) < metadataStale {
			return k.keys, nil, true
		}
		return nil, k.err, true
	}
	return nil, nil, false
}

// aging tells whether there are keys of that age, and nobody has asked for others
// just now.
func (k *keySet) aging(age time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	return k.keys != nil && now.Sub(k.at) >= age && now.Sub(k.asked) >= lookupPause
}

func (k *keySet) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	ctx, cancel := context.WithTimeout(ctx, k.client.limits.lookup)
	defer cancel()
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := k.client.getJSON(ctx, k.url, "", &set); err != nil {
		return nil, classify(fmt.Errorf("keys: %w", err))
	}
	keys, err := parseKeys(set.Keys)
	if err != nil {
		return nil, ErrUpstream.Why(whyBroken).Because(redact(err))
	}
	return keys, nil
}

// parseKeys keeps the keys that can verify a signature. Keys of other kinds are
// left out (RFC 7517, section 5). A private key in public is anybody's, and
// a symmetric one is no proof of who signed: neither is trusted.
func parseKeys(raw []json.RawMessage) ([]jose.JSONWebKey, error) {
	if len(raw) > maxKeys {
		return nil, fmt.Errorf("keys: the set has %d keys, more than %d", len(raw), maxKeys)
	}
	var keys []jose.JSONWebKey
	for _, r := range raw {
		var key jose.JSONWebKey
		if err := json.Unmarshal(r, &key); err != nil {
			continue
		}
		if !key.Valid() || !key.IsPublic() || key.Use != "" && key.Use != "sig" ||
			key.Algorithm != "" && !slices.Contains(signingAlgs, key.Algorithm) {
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("keys: the set has no public signing key")
	}
	return keys, nil
}
