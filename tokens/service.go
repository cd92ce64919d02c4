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
	s := &Service{store: store, log: o.Log, o: o, mint: m, pairwise: pair}
	s.engine = s.newEngine()
	s.keys.Store(&keySet{})
	return s, nil
}

// url is the address of an endpoint.
func (s *Service) url(path string) string { return strings.TrimSuffix(s.o.Issuer, "/") + path }
