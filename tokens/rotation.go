package tokens

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"idbroker/broker"
)

// due tells whether the key that signs, or will, needs a successor now, and from
// when that one signs. Whoever comes late (a replica that slept, a program that
// was down) still gives applications the whole overlap to fetch the new key.
func due(heir broker.Key, at time.Time, lifetime, overlap time.Duration) (from time.Time, ok bool) {
	if lifetime <= 0 || heir.ID == "" {
		return time.Time{}, false
	}
	from, earliest := heir.SignsFrom.Add(lifetime), at.Add(overlap)
	if from.After(earliest) {
		return time.Time{}, false
	}
	return earliest, true
}

// heirOf is the last key of an algorithm that signs or will; its ID is "" where
// there is none.
func heirOf(keys []broker.Key, alg string, at time.Time) (heir broker.Key) {
	for _, k := range keys {
		if k.Alg == alg && k.Open(at) && (heir.ID == "" || k.Generation > heir.Generation || k.Generation == heir.Generation && k.SignsFrom.After(heir.SignsFrom)) {
			heir = k
		}
	}
	return heir
}

// lastGeneration is the generation of the newest key of an algorithm, withdrawn
// ones included.
func lastGeneration(keys []broker.Key, alg string) (last int) {
	for _, k := range keys {
		if k.Alg == alg {
			last = max(last, k.Generation)
		}
	}
	return last
}

// keyTail is how long a key stays published after it has stopped signing.
func (s *Service) keyTail() time.Duration {
	return max(s.o.IDTokenLifetime, logoutTokenLifetime) + keyMargin
}

// KeepKeys loads the keys and makes the successors that are due; a key that no
// client wants any more retires instead. Every replica calls it all the time.
// Where several find the same key due, one makes its successor.
func (s *Service) KeepKeys(ctx context.Context) error {
	if err := s.ReloadKeys(ctx); err != nil {
		return err
	}
	at := time.Now()
	keys := s.keys.Load().rows()
	late := slices.DeleteFunc(inUse(keys, at), func(alg string) bool {
		_, ok := due(heirOf(keys, alg, at), at, s.o.KeyLifetime, s.o.KeyOverlap)
		return !ok
	})
	if len(late) == 0 {
		return nil
	}
	wanted, err := s.wanted(ctx)
	if err != nil {
		return err
	}
	var problems []error
	for _, alg := range late {
		if slices.Contains(wanted, alg) {
			_, err = s.succeed(ctx, alg, at, broker.EventKeyRotated, func(heir broker.Key) (time.Time, bool) {
				return due(heir, at, s.o.KeyLifetime, s.o.KeyOverlap)
			})
		} else {
			err = s.retire(ctx, alg, at)
		}
		if err != nil && !errors.Is(err, broker.ErrConflict) { // then another replica made it
			problems = append(problems, fmt.Errorf("rotate %s: %w", alg, err))
		}
	}
	return errors.Join(append(problems, s.ReloadKeys(ctx))...)
}

// RotateKeys makes a new key for alg ("" for every algorithm that has one). It
// is published at once and signs after Options.KeyOverlap; the one before it
// signs until then, and stays published until the last token that it signed has
// expired.
func (s *Service) RotateKeys(ctx context.Context, alg string) ([]broker.Key, error) {
	return s.rotate(ctx, alg, s.o.KeyOverlap)
}

// RotateKeysNow is RotateKeys for who cannot wait: the new key signs as soon as
// every replica publishes it. Applications that keep the JWKS for as long as
// they may, and do not look for a key that they do not know, refuse its tokens
// until they fetch again.
func (s *Service) RotateKeysNow(ctx context.Context, alg string) ([]broker.Key, error) {
	return s.rotate(ctx, alg, min(replicaLag, s.o.KeyOverlap))
}

func (s *Service) rotate(ctx context.Context, alg string, overlap time.Duration) ([]broker.Key, error) {
	if alg != "" && !slices.Contains(allAlgorithms, alg) {
		return nil, (&broker.Error{Kind: broker.KindInvalid, Message: "key.algorithm"}).Becausef("%q is none of %v", alg, allAlgorithms)
	}
	at := time.Now()
	algs := []string{alg}
	if alg == "" {
		rows, err := s.store.Keys(ctx)
		if err != nil {
			return nil, fmt.Errorf("list keys: %w", err)
		}
		algs = inUse(rows, at)
	}
	var made []broker.Key
	var problems []error
	for _, alg := range algs { // a unit of work each: an RSA key takes a while
		k, err := s.succeed(ctx, alg, at, broker.EventKeyRotated, func(broker.Key) (time.Time, bool) { return at.Add(overlap), true })
		switch {
		case errors.Is(err, broker.ErrConflict):
			problems = append(problems, fmt.Errorf("rotate %s: another rotation was faster; look at the keys before you try again: %w", alg, err))
		case err != nil:
			problems = append(problems, fmt.Errorf("rotate %s: %w", alg, err))
		default:
			made = append(made, k)
		}
	}
	return made, errors.Join(append(problems, s.ReloadKeys(ctx))...)
}

// succeed makes the next key of an algorithm, where from says so of the one that
// signs last, and lets the others retire when it begins. An empty key: it was
// not needed. broker.ErrConflict: somebody else made it at the same moment.
func (s *Service) succeed(ctx context.Context, alg string, at time.Time, event string, from func(heir broker.Key) (time.Time, bool)) (broker.Key, error) {
	made, err := newKey(alg, at, at) // before the unit of work: an RSA key takes a while
	if err != nil {
		return broker.Key{}, err
	}
	needed := false
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		seen, err := s.store.Keys(ctx)
		if err != nil {
			return err
		}
		if err := s.store.LockKeys(ctx); err != nil { // or it would write over a withdrawal
			return err
		}
		rows, err := s.store.Keys(ctx)
		if err != nil {
			return err
		}
		if lastGeneration(rows, alg) != lastGeneration(seen, alg) {
			return broker.ErrConflict.Becausef("a key of %s was made meanwhile", alg)
		}
		if made.SignsFrom, needed = from(heirOf(rows, alg, at)); !needed {
			return nil
		}
		made.Generation = lastGeneration(rows, alg) + 1
		if err := s.store.CreateKey(ctx, made); err != nil { // decides among replicas, so it comes first
			return err
		}
		for _, k := range rows {
			if k.Alg != alg || !k.Open(made.SignsFrom) {
				continue
			}
			k.RetiresAt = made.SignsFrom
			k.ExpiresAt = k.RetiresAt.Add(s.keyTail())
			if err := s.store.UpdateKey(ctx, k); err != nil {
				return err
			}
		}
		return s.keyEvent(ctx, event, made, at)
	})
	made.Private = ""
	if err != nil || !needed {
		return broker.Key{}, err
	}
	s.log.InfoContext(ctx, "signing key made", "key", made.ID, "alg", alg, "signs_from", made.SignsFrom)
	return made, nil
}

// retire ends the keys of an algorithm that no client wants any more. Whoever
// wants it again gets a new one.
func (s *Service) retire(ctx context.Context, alg string, at time.Time) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		if err := s.store.LockKeys(ctx); err != nil {
			return err
		}
		rows, err := s.store.Keys(ctx)
		if err != nil {
			return err
		}
		for _, k := range rows {
			if k.Alg != alg || !k.Open(at) {
				continue
			}
			k.RetiresAt, k.ExpiresAt = at, at.Add(s.keyTail())
			if err := s.store.UpdateKey(ctx, k); err != nil {
				return err
			}
			if err := s.keyEvent(ctx, broker.EventKeyRetired, k, at); err != nil {
				return err
			}
			s.log.InfoContext(ctx, "signing key retired: no application wants its algorithm", "key", k.ID, "alg", alg)
		}
		return nil
	})
}

func (s *Service) keyEvent(ctx context.Context, name string, k broker.Key, at time.Time) error {
	e := broker.NewEvent(ctx, name, at)
	e.Detail = map[string]string{"key": k.ID, "alg": k.Alg}
	if name == broker.EventKeyCreated || name == broker.EventKeyRotated {
		e.Detail["signs_from"] = k.SignsFrom.UTC().Format(time.RFC3339)
	}
	return s.store.AddEvent(ctx, e)
}
