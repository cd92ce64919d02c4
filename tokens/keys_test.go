package tokens

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
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

// published are the ids in the JWKS.
func (w *world) published() map[string]bool {
	w.t.Helper()
	var set jose.JSONWebKeySet
	must(w.t, json.Unmarshal(w.s.keys.Load().jwks.body, &set))
	ids := map[string]bool{}
	for _, k := range set.Keys {
		ids[k.KeyID] = true
	}
	return ids
}

func keyOf(t testing.TB, token string) string {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	must(t, err)
	return jws.Signatures[0].Protected.KeyID
}

func TestFirstKeysSignAtOnce(t *testing.T) {
	storetest.Each(t, testFirstKeys)
}

// TestRotationOverlaps: the new key is published before it signs, and the old
// one until the last token that it signed has expired; after that it still
// verifies hints.
func TestRotationOverlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		at := func(d time.Duration) string { // sleeps, reloads, and signs
			time.Sleep(d)
			must(t, w.s.ReloadKeys(t.Context()))
			return w.tokens("es").str("id_token")
		}
		before := at(0)
		old := keyOf(t, before)
		made, err := w.s.RotateKeys(t.Context(), broker.ES256)
		must(t, err)
		if len(made) != 1 || made[0].Alg != broker.ES256 || made[0].Private != "" {
			t.Fatalf("RotateKeys = %+v", made)
		}
		next := made[0].ID
		if p := w.published(); !p[old] || !p[next] || len(p) != 3 {
			t.Errorf("published %v", p)
		}
		if got := keyOf(t, at(keyOverlap-time.Second)); got != old {
			t.Error("the new key signs too early")
		}
		last := at(0)
		if got := keyOf(t, at(time.Second)); got != next {
			t.Error("the old key signs too long")
		}
		at(idTokenLifetime)
		if p := w.published(); !p[old] {
			t.Error("the old key is gone before its last token")
		}
		at(keyMargin)
		if p := w.published(); p[old] || !p[next] || len(p) != 2 {
			t.Errorf("published %v", p)
		}
		for _, hint := range []string{before, last} {
			if _, err := w.s.readHint(hint); err != nil {
				t.Errorf("hint of a retired key: %v", err)
			}
		}
		events, err := w.db.Events(t.Context(), "", 10)
		if err != nil || len(events) != 1 || events[0].Name != broker.EventKeyRotated || events[0].Detail["key"] != next {
			t.Errorf("events %+v, %v", events, err)
		}
	})
}

func TestRotationOfEveryKey(t *testing.T) {
	w := newWorld(t)
	made, err := w.s.RotateKeys(t.Context(), "")
	if err != nil || len(made) != 2 {
		t.Fatalf("RotateKeys = %v, %v", made, err)
	}
	if _, err := w.s.RotateKeys(t.Context(), "none"); broker.KindOf(err) != broker.KindInvalid {
		t.Errorf("RotateKeys(none): %v", err)
	}
	list, err := w.s.ListKeys(t.Context())
	if err != nil || len(list) != 4 || list[0].CreatedAt.Before(list[3].CreatedAt) {
		t.Errorf("ListKeys = %v, %v", list, err)
	}
	for _, k := range list {
		if k.Private != "" {
			t.Errorf("key %s shows its private part", k.ID)
		}
	}
}

// TestRotationTwiceInARow leaves no time without a key.
func TestRotationTwiceInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for range 3 {
			_, err := w.s.RotateKeys(t.Context(), broker.ES256)
			must(t, err)
			time.Sleep(10 * time.Minute)
		}
		for range 20 {
			must(t, w.s.ReloadKeys(t.Context()))
			if !w.s.HasSigningKey() {
				t.Fatal("no key")
			}
			claimsOf(t, w, w.tokens("es").str("id_token")) // is published
			time.Sleep(10 * time.Minute)
		}
	})
}

// TestJWKSHasNoPrivateParts.
func TestJWKSHasNoPrivateParts(t *testing.T) {
	w := newWorld(t)
	var set struct{ Keys []map[string]any }
	must(t, json.Unmarshal(w.s.keys.Load().jwks.body, &set))
	for _, k := range set.Keys {
		for name := range k {
			if !strings.Contains(" kty kid alg use n e crv x y ", " "+name+" ") {
				t.Errorf("%s in %v", name, k["kid"])
			}
		}
		if k["kid"] == "" || k["use"] != "sig" || k["alg"] == nil {
			t.Errorf("key %v", k)
		}
	}
}

// TestBadKeyLeavesTheOldOnes in use.
func TestBadKeyLeavesTheOldOnes(t *testing.T) {
	w := newWorld(t)
	for _, bad := range []broker.Key{
		{ID: "text", Alg: broker.RS256, Private: "x"},
		{ID: "swapped", Alg: broker.RS256, Private: testKeys()[1].Private},
		{ID: "pem", Alg: broker.ES256, Private: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"},
	} {
		if _, err := w.s.newKeySet([]broker.Key{bad}, time.Now()); err == nil || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%s: %v", bad.ID, err)
		}
	}
	must(t, w.db.CreateKey(t.Context(), broker.Key{ID: "bad", Alg: broker.RS256, Private: "x", CreatedAt: time.Now(), SignsFrom: time.Now()}))
	if err := w.s.ReloadKeys(t.Context()); err == nil {
		t.Error("ReloadKeys says nothing")
	}
	if !w.s.HasSigningKey() {
		t.Error("the old keys are gone")
	}
}

func TestWithoutKeysNothingIsServed(t *testing.T) {
	s, err := New(storetest.New(t), Options{Issuer: testIssuer, Secret: [32]byte{1}})
	must(t, err)
	if s.HasSigningKey() {
		t.Error("a key out of nothing")
	}
	if _, err := s.idToken(idTokenRequest{client: broker.Client{ID: "app"}, at: time.Now()}); !errors.Is(err, errNoKey) {
		t.Errorf("idToken: %v", err)
	}
}

// TestRotationWhileSigning: the keys change under the feet of 8 signers.
func TestRotationWhileSigning(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if _, err := w.s.idToken(idTokenRequest{client: broker.Client{ID: "es", IDTokenAlg: broker.ES256}, grant: broker.Grant{UserID: "u"}, at: time.Now()}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 10 {
		if _, err := w.s.RotateKeys(t.Context(), broker.ES256); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}

func TestKeysDoNotPrint(t *testing.T) {
	w := newWorld(t)
	k := w.s.keys.Load().keys[0]
	if text := fmt.Sprintf("%+v", k.Key); strings.Contains(text, "PRIVATE") || k.Private != "" {
		t.Error("a loaded key still has its PEM")
	}
	var out strings.Builder
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", testKeys()[0])
	if strings.Contains(out.String(), "PRIVATE") {
		t.Error(out.String())
	}
}

func testFirstKeys(t *testing.T, db *store.DB) {
	s, err := New(db, Options{Issuer: testIssuer, Secret: [32]byte{1}})
	must(t, err)
	must(t, s.EnsureKeys(t.Context()))
	if !s.HasSigningKey() {
		t.Error("no signing key")
	}
	first, err := s.ListKeys(t.Context())
	must(t, err)
	replica, err := New(db, Options{Issuer: testIssuer, Secret: [32]byte{1}})
	must(t, err)
	must(t, replica.EnsureKeys(t.Context()))
	second, err := replica.ListKeys(t.Context())
	if err != nil || len(first) != len(algorithms) || len(second) != len(first) {
		t.Errorf("%d keys, then %d, %v", len(first), len(second), err)
	}
}
