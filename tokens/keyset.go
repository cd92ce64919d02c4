package tokens

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// keySet is a snapshot of the keys and of the documents that are made from
// them. It never changes; a rotation puts another in its place.
type keySet struct {
	keys      []*signingKey // newest first; withdrawn ones are not there
	readAt    time.Time     // wall clock; zero: never
	jwks      document
	discovery document
}

// signingKey is a key, parsed once.
type signingKey struct {
	broker.Key
	public jose.JSONWebKey
	signer jose.Signer
	logout jose.Signer // of logout tokens
}

// newKeySet parses rows, reusing what the present snapshot has parsed.
func (s *Service) newKeySet(rows []broker.Key, at time.Time) (*keySet, error) {
	set := &keySet{readAt: at.Round(0)} // a monotonic clock stands still while the machine sleeps
	for _, row := range rows {
		if !row.RevokedAt.IsZero() {
			continue
		}
		k := &signingKey{}
		if old := s.keys.Load().byID(row.ID); old != nil {
			*k = *old
		} else if err := k.parse(row); err != nil {
			return nil, fmt.Errorf("key %s: %w", row.ID, err)
		}
		row.Private = "" // the signer has it
		k.Key = row
		set.keys = append(set.keys, k)
	}
	slices.SortFunc(set.keys, func(a, b *signingKey) int {
		return cmp.Or(b.SignsFrom.Compare(a.SignsFrom), cmp.Compare(b.Generation, a.Generation), cmp.Compare(a.ID, b.ID))
	})
	public := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range set.keys {
		if k.published(at) {
			public.Keys = append(public.Keys, k.public)
		}
	}
	public.Keys = append(public.Keys, s.openings().published()...)
	body, err := json.Marshal(public)
	if err != nil {
		return nil, fmt.Errorf("write JWKS: %w", err)
	}
	set.jwks = newDocument("application/jwk-set+json", body, s.jwksAge())
	set.discovery, err = s.newDiscovery()
	return set, err
}

func (k *signingKey) parse(row broker.Key) error {
	block, _ := pem.Decode([]byte(row.Private.Reveal()))
	if block == nil {
		return fmt.Errorf("no PEM")
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return err
	}
	public, err := publicOf(private, row.Alg)
	if err != nil {
		return err
	}
	alg := jose.SignatureAlgorithm(row.Alg)
	k.public = jose.JSONWebKey{Key: public, KeyID: row.ID, Algorithm: row.Alg, Use: "sig"}
	key := jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: private, KeyID: row.ID, Algorithm: row.Alg}}
	if k.signer, err = jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT")); err != nil {
		return err
	}
	k.logout, err = logoutSigner(key)
	return err
}

// published tells whether the key belongs in the JWKS.
func (k *signingKey) published(at time.Time) bool {
	return k.ExpiresAt.IsZero() || at.Before(k.ExpiresAt)
}

// signer is the key to sign with at a time; nil if there is none. Where none
// signs yet, the first that will is taken: it was made by a replica whose clock
// is ahead of ours.
func (set *keySet) signer(alg string, at time.Time) *signingKey {
	var first *signingKey
	for _, k := range set.keys {
		if k.Alg != alg || !k.Open(at) {
			continue
		}
		if first = k; !at.Before(k.SignsFrom) {
			break
		}
	}
	return first
}

// rows are the keys without their private parts.
func (set *keySet) rows() []broker.Key {
	var rows []broker.Key
	for _, k := range set.keys {
		rows = append(rows, k.Key)
	}
	return rows
}

// jwksAge is how long others may keep the JWKS: a key that will sign must be
// fetched by everybody before, also where the overlap is short.
func (s *Service) jwksAge() time.Duration { return min(jwksMaxAge, s.o.KeyOverlap/2) }

// byID is the key with a "kid", retired or not; nil if there is none, or it was
// withdrawn.
func (set *keySet) byID(id string) *signingKey {
	for _, k := range set.keys {
		if k.ID == id {
			return k
		}
	}
	return nil
}
