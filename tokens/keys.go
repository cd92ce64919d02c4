package tokens

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"idbroker/broker"
)

const (
	rsaBits = 2048
	// keyMargin is how long a retired key outlives the last token that it
	// signed: clocks differ, and relying parties fetch keys late.
	keyMargin = time.Hour
	// replicaLag is how long a replica may take to see a new key, with a reserve
	// for clocks that differ. The job that loads keys comes every few seconds.
	replicaLag = time.Minute
	// keysStale is the age at which keys are loaded again before they are used: a
	// machine that slept must not sign with what was withdrawn meanwhile.
	keysStale = 5 * time.Minute
)

// EnsureKeys makes the first key of each algorithm that must have one, for use
// at once, and loads what there is. Call it before the first request. Replicas
// that do so at the same time make one key.
func (s *Service) EnsureKeys(ctx context.Context) error {
	algs, err := s.wanted(ctx)
	if err != nil {
		return err
	}
	if err := s.makeKeys(ctx, algs, time.Now()); err != nil {
		return err
	}
	return s.KeepEncryptionKeys(ctx)
}

// ReloadKeys loads the keys again, so that replicas see a rotation. Where it
// returns an error the keys that were loaded before stay in use.
func (s *Service) ReloadKeys(ctx context.Context) error {
	s.loading.Lock() // what was read last is what stays
	defer s.loading.Unlock()
	return s.loadKeys(ctx)
}

func (s *Service) loadKeys(ctx context.Context) error {
	at := time.Now()
	if err := s.loadEncryptionKeys(ctx); err != nil {
		return err
	}
	rows, err := s.store.Keys(ctx)
	if err != nil {
		return fmt.Errorf("load keys: %w", err)
	}
	set, err := s.newKeySet(rows, at)
	if err != nil {
		return err
	}
	s.keys.Store(set)
	return nil
}

// freshKeys loads the keys where nobody did for long. The job does so every
// minute, so it costs nothing but after a sleep. One caller waits for the
// database, the others go on with what is there.
func (s *Service) freshKeys(ctx context.Context) {
	set := s.keys.Load()
	if set.readAt.IsZero() || time.Now().Round(0).Sub(set.readAt) < keysStale || !s.loading.TryLock() {
		return
	}
	defer s.loading.Unlock()
	if err := s.loadKeys(ctx); err != nil {
		s.log.WarnContext(ctx, "signing keys not loaded, those of before stay in use", "err", err)
	}
}

// inUse are the algorithms that have a key which signs or will.
func inUse(keys []broker.Key, at time.Time) []string {
	algs := slices.Clone(algorithms)
	for _, k := range keys {
		if k.Open(at) && slices.Contains(allAlgorithms, k.Alg) && !slices.Contains(algs, k.Alg) {
			algs = append(algs, k.Alg)
		}
	}
	return algs
}

// ListKeys lists all keys, newest first, without their private parts.
func (s *Service) ListKeys(ctx context.Context) ([]broker.Key, error) {
	rows, err := s.store.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	for i := range rows {
		rows[i].Private = ""
	}
	slices.SortFunc(rows, func(a, b broker.Key) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return rows, nil
}

// HasSigningKey tells whether every algorithm that always has a key can sign now.
func (s *Service) HasSigningKey() bool {
	at := time.Now()
	for _, alg := range algorithms {
		if s.keys.Load().signer(alg, at) == nil {
			return false
		}
	}
	return true
}

// newKey makes a key pair.
func newKey(alg string, at, from time.Time) (broker.Key, error) {
	private, err := newPrivate(alg)
	if err != nil {
		return broker.Key{}, fmt.Errorf("make %s key: %w", alg, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return broker.Key{}, fmt.Errorf("make %s key: %w", alg, err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return broker.Key{ID: broker.NewID(), Alg: alg, Private: broker.Secret(text), CreatedAt: at, SignsFrom: from}, nil
}

// makeKeys makes the first key of each algorithm that has none, for use at
// once, and loads it. Another replica may have made it meanwhile, so look first.
func (s *Service) makeKeys(ctx context.Context, algs []string, at time.Time) error {
	s.making.Lock()
	defer s.making.Unlock()
	if err := s.ReloadKeys(ctx); err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(algs), func(alg string) bool { return s.keys.Load().signer(alg, at) != nil })
	if len(missing) == 0 {
		return nil
	}
	for _, alg := range missing {
		_, err := s.succeed(ctx, alg, at, broker.EventKeyCreated, func(heir broker.Key) (time.Time, bool) {
			return at, heir.ID == ""
		})
		if err != nil && !errors.Is(err, broker.ErrConflict) { // then another replica made it
			return err
		}
	}
	return s.ReloadKeys(ctx)
}
