package tokens

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"idbroker/broker"
)

// Errors about keys that are to be withdrawn.
var (
	ErrKeyUnknown = &broker.Error{Kind: broker.KindNotFound, Message: "key.unknown"}
	ErrKeyRevoked = &broker.Error{Kind: broker.KindConflict, Message: "key.revoked"}
)

// revokeTries is how often a revocation that met a rotation begins anew.
const revokeTries = 3

// RevokedKey is what RevokeKey did.
type RevokedKey struct {
	Key    broker.Key
	Before broker.KeyState // what it did until now
	Heir   broker.Key      // what signs from now on; its ID is "" where no client wants the algorithm
}

// RevokeKey withdraws a key that somebody else may have: it is published no
// longer and verifies nothing, hints neither. Where no other key of its
// algorithm signs, the next one does so at once, or a new one is made. This
// process obeys when it returns, other replicas when they load their keys
// (KeepKeys). Errors: ErrKeyUnknown, ErrKeyRevoked.
func (s *Service) RevokeKey(ctx context.Context, id string) (RevokedKey, error) {
	wanted, err := s.wanted(ctx)
	if err != nil {
		return RevokedKey{}, err
	}
	for range revokeTries {
		var done RevokedKey
		if done, err = s.withdraw(ctx, id, wanted, time.Now()); !errors.Is(err, broker.ErrConflict) || errors.Is(err, ErrKeyRevoked) {
			if err != nil {
				return done, err
			}
			s.log.WarnContext(ctx, "signing key revoked", "key", id, "alg", done.Key.Alg, "heir", done.Heir.ID)
			return done, s.ReloadKeys(ctx)
		}
	}
	return RevokedKey{}, fmt.Errorf("revoke key %s: %w", id, err)
}

func (s *Service) withdraw(ctx context.Context, id string, wanted []string, at time.Time) (done RevokedKey, err error) {
	rows, err := s.store.Keys(ctx)
	if err != nil {
		return done, fmt.Errorf("list keys: %w", err)
	}
	i := slices.IndexFunc(rows, func(k broker.Key) bool { return k.ID == id && slices.Contains(allAlgorithms, k.Alg) })
	if i < 0 {
		return done, ErrKeyUnknown.Becausef("no key %q", id)
	}
	spare, err := newKey(rows[i].Alg, at, at) // before the unit of work
	if err != nil {
		return done, err
	}
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		// It writes to several rows, in another order than rotations and other
		// withdrawals do, and its heir must not be withdrawn meanwhile.
		if err := s.store.LockKeys(ctx); err != nil {
			return err
		}
		rows, err := s.store.Keys(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(rows, func(k broker.Key) bool { return k.ID == id })
		if i < 0 {
			return ErrKeyUnknown.Becausef("no key %q", id)
		}
		k := rows[i]
		if !k.RevokedAt.IsZero() {
			return ErrKeyRevoked.Becausef("key %s was revoked at %s", id, k.RevokedAt.UTC().Format(time.RFC3339))
		}
		done = RevokedKey{Before: k.State(at)}
		// The times say the same to a program that does not know of revocations.
		if k.Open(at) {
			k.RetiresAt = at
		}
		k.RevokedAt, k.ExpiresAt = at, at
		done.Key, rows[i] = k, k
		if err := s.store.UpdateKey(ctx, k); err != nil {
			return err
		}
		if err := s.keyEvent(ctx, broker.EventKeyRevoked, k, at); err != nil {
			return err
		}
		done.Heir, err = s.inherit(ctx, rows, spare, wanted, at)
		return err
	})
	done.Key.Private, done.Heir.Private = "", ""
	return done, err
}

// inherit sees to it that a key signs at a time after another was taken away: the
// last that is left does so for good, or spare where none is.
func (s *Service) inherit(ctx context.Context, rows []broker.Key, spare broker.Key, wanted []string, at time.Time) (broker.Key, error) {
	heir := heirOf(rows, spare.Alg, at)
	if heir.ID == "" {
		if !slices.Contains(wanted, spare.Alg) {
			return broker.Key{}, nil
		}
		spare.Generation = lastGeneration(rows, spare.Alg) + 1
		if err := s.store.CreateKey(ctx, spare); err != nil {
			return broker.Key{}, err
		}
		return spare, s.keyEvent(ctx, broker.EventKeyCreated, spare, at)
	}
	signs := slices.ContainsFunc(rows, func(k broker.Key) bool { return k.Alg == heir.Alg && k.State(at) == broker.KeySigning })
	heir.RetiresAt, heir.ExpiresAt = time.Time{}, time.Time{}
	if !signs {
		heir.SignsFrom = at
		if err := s.keyEvent(ctx, broker.EventKeyRotated, heir, at); err != nil {
			return broker.Key{}, err
		}
	}
	return heir, s.store.UpdateKey(ctx, heir)
}
