package tokens

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

func keyOf384(t testing.TB, token string) string {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, josed())
	must(t, err)
	return jws.Signatures[0].Protected.KeyID
}

// refusesHint checks that a token is worth nothing wherever one comes back.
func (w *world) refusesHint(token string) {
	t := w.t
	t.Helper()
	if _, err := w.s.readHint(token); err == nil {
		t.Error("a token of a revoked key is read")
	}
	if _, err := w.s.ParseAuthorization(t.Context(), with(request("es"), "id_token_hint", token, "prompt", "none")); err == nil {
		t.Error("a token of a revoked key is a hint")
	}
	if l, err := w.s.ParseLogout(t.Context(), map[string][]string{"id_token_hint": {token}}); err != nil || l.HintValid {
		t.Errorf("a token of a revoked key signs people out: %+v, %v", l, err)
	}
}

// TestRevokedKeyIsWithdrawnAtOnce: whoever stole a key can use it nowhere with
// us, whatever state it was in, and somebody signs at every moment.
func TestRevokedKeyIsWithdrawnAtOnce(t *testing.T) {
	for _, state := range []broker.KeyState{broker.KeySigning, broker.KeyVerifying, broker.KeyRetired, broker.KeyPublished} {
		t.Run(string(state), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.t = t
				victim := w.signing()
				token := w.tokens("es").str("id_token")
				if state != broker.KeySigning {
					made, err := w.s.RotateKeys(t.Context(), broker.ES256)
					must(t, err)
					switch state {
					case broker.KeyPublished:
						victim, token = made[0].ID, ""
					case broker.KeyVerifying:
						time.Sleep(keyOverlap)
					default:
						time.Sleep(keyOverlap + w.s.keyTail())
					}
					must(t, w.s.ReloadKeys(t.Context()))
				}
				done, err := w.s.RevokeKey(t.Context(), victim)
				must(t, err)
				if done.Before != state || done.Key.ID != victim || done.Key.Private != "" || done.Heir.Private != "" || done.Heir.ID == victim {
					t.Errorf("%+v", done)
				}
				if p := w.published(); p[victim] || !p[done.Heir.ID] {
					t.Errorf("published %v", p)
				}
				if token != "" {
					w.refusesHint(token)
				}
				fresh := w.tokens("es").str("id_token")
				if got := keyOf(t, fresh); got != done.Heir.ID {
					t.Errorf("signed with %s, heir %s", got, done.Heir.ID)
				}
				if _, err := w.s.readHint(fresh); err != nil {
					t.Error(err)
				}
				time.Sleep(100 * day) // and the heir stays
				must(t, w.s.ReloadKeys(t.Context()))
				if w.signing() != done.Heir.ID {
					t.Error("the heir stopped")
				}
				if p := w.published(); p[victim] || !p[done.Heir.ID] {
					t.Errorf("later published %v", p)
				}
				events, err := w.db.Events(t.Context(), "", 10)
				must(t, err)
				found := false
				for _, e := range events {
					found = found || e.Name == broker.EventKeyRevoked && e.Detail["key"] == victim
				}
				if !found {
					t.Errorf("events %+v", events)
				}
				if _, err := w.s.RevokeKey(t.Context(), victim); !errors.Is(err, ErrKeyRevoked) {
					t.Errorf("again: %v", err)
				}
			})
		})
	}
	w := newWorld(t)
	if _, err := w.s.RevokeKey(t.Context(), "none"); !errors.Is(err, ErrKeyUnknown) {
		t.Errorf("unknown: %v", err)
	}
}

// TestRevocationSurvivesARotation: neither undoes the other where they meet.
func TestRevocationSurvivesARotation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		replica := func() *Service {
			s, err := New(db, Options{Issuer: testIssuer, Secret: [32]byte{1}})
			must(t, err)
			must(t, s.EnsureKeys(t.Context()))
			return s
		}
		one, two := replica(), replica()
		for range 5 {
			must(t, one.ReloadKeys(t.Context()))
			victim := one.keys.Load().signer(broker.ES256, time.Now()).ID
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, err := one.RevokeKey(t.Context(), victim); err != nil {
					t.Error(err)
				}
			})
			wg.Go(func() { _, _ = two.RotateKeysNow(t.Context(), broker.ES256) }) // may be told to look again
			wg.Wait()
			must(t, two.ReloadKeys(t.Context()))
			if two.keys.Load().byID(victim) != nil || !two.HasSigningKey() {
				t.Fatal("the revoked key is back, or none signs")
			}
		}
	})
}

// TestRotateNow: the new key signs as soon as every replica publishes it.
func TestRotateNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		old := w.signing()
		_, err := w.s.RotateKeys(t.Context(), broker.ES256) // under way: overtaken
		must(t, err)
		made, err := w.s.RotateKeysNow(t.Context(), broker.ES256)
		must(t, err)
		if w.signing() != old || !w.published()[made[0].ID] {
			t.Error("it signs before other replicas publish it")
		}
		time.Sleep(replicaLag)
		must(t, w.s.ReloadKeys(t.Context()))
		if got := w.signing(); got != made[0].ID {
			t.Errorf("%s signs", got)
		}
		time.Sleep(2 * keyOverlap)
		must(t, w.s.ReloadKeys(t.Context()))
		if got := w.signing(); got != made[0].ID || !w.published()[made[0].ID] {
			t.Errorf("later %s signs", got)
		}
	})
}

// TestRevocationsThatMeet: two keys that two replicas withdraw at the same moment
// are each the heir of the other. Both go, and a third signs.
func TestRevocationsThatMeet(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		replica := func() *Service {
			s, err := New(db, Options{Issuer: testIssuer, Secret: [32]byte{1}})
			must(t, err)
			must(t, s.EnsureKeys(t.Context()))
			return s
		}
		replicas := []*Service{replica(), replica()}
		for range 15 {
			one := replicas[0]
			must(t, one.ReloadKeys(t.Context()))
			at := time.Now()
			victims := []string{one.keys.Load().signer(broker.ES256, at).ID}
			made, err := one.RotateKeys(t.Context(), broker.ES256)
			must(t, err)
			victims = append(victims, made[0].ID)
			var wg sync.WaitGroup
			for i, s := range replicas {
				wg.Go(func() {
					if _, err := s.RevokeKey(t.Context(), victims[i]); err != nil {
						t.Errorf("replica %d: %v", i, err)
					}
				})
			}
			wg.Wait()
			must(t, one.ReloadKeys(t.Context()))
			if set := one.keys.Load(); set.byID(victims[0]) != nil || set.byID(victims[1]) != nil || !one.HasSigningKey() {
				t.Fatal("a revoked key is there, or none signs")
			}
		}
	})
}

// TestRotationDoesNotUndoAWithdrawal that another replica makes between what the
// rotation reads and what it writes. SQLite has one writer, so there it cannot be.
func TestRotationDoesNotUndoAWithdrawal(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		if !strings.HasPrefix(dsn, "postgres") {
			return
		}
		keyring := store.NewKeyring()
		replica := func() *Service {
			s, err := New(storetest.Open(t, dsn, storetest.Keys(keyring)), Options{Issuer: testIssuer, Secret: [32]byte{1}})
			must(t, err)
			must(t, s.EnsureKeys(t.Context()))
			return s
		}
		one, two := replica(), replica()
		for _, victim := range []func(signing, heir string) string{
			func(signing, _ string) string { return signing }, func(_, heir string) string { return heir },
		} {
			must(t, one.ReloadKeys(t.Context()))
			signing := one.keys.Load().signer(broker.ES256, time.Now()).ID
			heir, err := two.RotateKeys(t.Context(), broker.ES256)
			must(t, err)
			rows := one.store
			one.store = &overtaken{Store: rows, then: func() {
				_, err := two.RevokeKey(t.Context(), victim(signing, heir[0].ID))
				must(t, err)
			}}
			_, err = one.RotateKeys(t.Context(), broker.ES256)
			must(t, err)
			one.store = rows
			keys, err := rows.Keys(t.Context())
			must(t, err)
			if !slices.ContainsFunc(keys, func(k broker.Key) bool { return k.Alg == broker.ES256 && k.State(time.Now()) == broker.KeySigning }) {
				t.Errorf("none signs: %+v", keys)
			}
		}
	})
}

// overtaken is a database in which something happens after the keys were read.
type overtaken struct {
	Store
	then func()
}

func (o *overtaken) Keys(ctx context.Context) ([]broker.Key, error) {
	keys, err := o.Store.Keys(ctx)
	if then := o.then; then != nil {
		o.then = nil
		then()
	}
	return keys, err
}
