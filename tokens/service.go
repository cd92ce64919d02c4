package tokens

import (
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ory/fosite"
)

// Service is the OpenID Provider. It is safe for concurrent use.
type Service struct {
	store    Store
	log      *slog.Logger
	o        Options
	mint     mint
	pairwise pairwise
	oldest   [32]byte               // secret: of what must stay as it is when the secrets rotate
	keys     atomic.Pointer[keySet] // never nil
	opening  atomic.Pointer[openingKeys]
	engine   fosite.OAuth2Provider
	grants   []string // grant types that the token endpoint serves

	making   sync.Mutex // one key at a time
	loading  sync.Mutex // of keys, in the order in which they were read
	origins  origins    // of browser clients
	troubles troubles   // of clients, since the last flush
	sectors  sectors    // fetched for registrations
	formPost FormPost   // nil: form_post is not offered
}

// Issuer is our issuer identifier.
func (s *Service) Issuer() string { return s.o.Issuer }

// New makes a Service. Call EnsureKeys before the first request.
func New(store Store, o Options) (*Service, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	m, err := newMint(o.Secret, o.OldSecrets)
	if err != nil {
		return nil, err
	}
	oldest := append([][32]byte{o.Secret}, o.OldSecrets...)[len(o.OldSecrets)]
	pair, err := newPairwise(oldest)
	if err != nil {
		return nil, err
	}
	s := &Service{store: store, log: o.Log, o: o, mint: m, pairwise: pair, oldest: oldest}
	s.engine = s.newEngine()
	s.keys.Store(&keySet{})
	return s, nil
}

// SetSecrets changes the secrets of our tokens while we serve: new tokens are made
// with secret, those made with one of others are still read. Subjects and browser
// states stay: they hang on the oldest secret that New was given.
func (s *Service) SetSecrets(secret [32]byte, others [][32]byte) error {
	return s.mint.set(secret, others)
}

// url is the address of an endpoint.
func (s *Service) url(path string) string { return strings.TrimSuffix(s.o.Issuer, "/") + path }
