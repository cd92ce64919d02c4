package tokens

import (
	"context"
	"crypto/x509"
	"encoding/pem"
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
)

// EnsureKeys makes the first key of each algorithm that must have one, for use
// at once, and loads what there is. Call it before the first request. Replicas
// that do so at the same time make a key each, and each verifies the other's.
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
	if err := s.loadEncryptionKeys(ctx); err != nil {
		return err
	}
	rows, err := s.store.Keys(ctx)
	if err != nil {
		return fmt.Errorf("load keys: %w", err)
	}
	set, err := s.newKeySet(rows, time.Now())
	if err != nil {
		return err
	}
	s.keys.Store(set)
	return nil
}

// RotateKeys makes a new key for alg ("" for every algorithm that has one). It is published
// at once and signs after Options.KeyOverlap; the one before it signs until
// then, and stays published until the last token that it signed has expired.
func (s *Service) RotateKeys(ctx context.Context, alg string) ([]broker.Key, error) {
	if alg != "" && !slices.Contains(allAlgorithms, alg) {
		return nil, (&broker.Error{Kind: broker.KindInvalid, Message: "key.algorithm"}).Becausef("%q is none of %v", alg, allAlgorithms)
	}
	algs := []string{alg}
	if alg == "" {
		var err error
		if algs, err = s.inUse(ctx); err != nil {
			return nil, err
		}
	}
	at := time.Now()
	from := at.Add(s.o.KeyOverlap)
	var made []broker.Key
	for _, alg := range algs { // before the unit of work: an RSA key takes a while
		k, err := newKey(alg, at, from)
		if err != nil {
			return nil, err
		}
		made = append(made, k)
	}
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		rows, err := s.store.Keys(ctx)
		if err != nil {
			return err
		}
		for _, k := range rows {
			if !slices.Contains(algs, k.Alg) || !k.RetiresAt.IsZero() && !k.RetiresAt.After(from) {
				continue
			}
			k.RetiresAt = from
			k.ExpiresAt = from.Add(s.o.IDTokenLifetime + keyMargin)
			if err := s.store.UpdateKey(ctx, k); err != nil {
				return err
			}
		}
		for _, k := range made {
			if err := s.store.CreateKey(ctx, k); err != nil {
				return err
			}
			e := broker.NewEvent(ctx, broker.EventKeyRotated, at)
			e.Detail = map[string]string{"key": k.ID, "alg": k.Alg}
			if err := s.store.AddEvent(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("rotate keys: %w", err)
	}
	if err := s.ReloadKeys(ctx); err != nil {
		return nil, err
	}
	for i := range made {
		s.log.InfoContext(ctx, "signing key made", "key", made[i].ID, "alg", made[i].Alg, "signs_from", made[i].SignsFrom)
		made[i].Private = ""
	}
	return made, nil
}

// inUse are the algorithms that have a key.
func (s *Service) inUse(ctx context.Context) ([]string, error) {
	rows, err := s.store.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	algs := slices.Clone(algorithms)
	for _, k := range rows {
		if k.RetiresAt.IsZero() && !slices.Contains(algs, k.Alg) {
			algs = append(algs, k.Alg)
		}
	}
	return algs, nil
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
