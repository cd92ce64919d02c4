package tokens

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

const day = 24 * time.Hour

func TestDue(t *testing.T) {
	begin := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name     string
		age      time.Duration // since the key signs
		lifetime time.Duration
		want     time.Duration // since the key signs; 0: not due
	}{
		{"new", 0, 90 * day, 0},
		{"a moment early", 90*day - time.Hour - 1, 90 * day, 0},
		{"in time", 90*day - time.Hour, 90 * day, 90 * day},
		{"a little late", 90*day - time.Minute, 90 * day, 90*day + 59*time.Minute},
		{"asleep for a year", 455 * day, 90 * day, 455*day + time.Hour},
		{"not yet signing", -time.Minute, 90 * day, 0},
		{"off", 999 * day, -1, 0},
	} {
		from, ok := due(broker.Key{ID: "k", SignsFrom: begin}, begin.Add(tt.age), tt.lifetime, time.Hour)
		if ok != (tt.want != 0) || ok && !from.Equal(begin.Add(tt.want)) {
			t.Errorf("%s: %s, %t", tt.name, from.Sub(begin), ok)
		}
	}
	if _, ok := due(broker.Key{}, begin, 90*day, time.Hour); ok {
		t.Error("a successor of nobody")
	}
}

// signing is the key that signs ES256 now.
func (w *world) signing() string { return w.s.keys.Load().signer(broker.ES256, time.Now()).ID }

// TestKeysAreRotatedOnSchedule lets a year go by. At every step what is signed
// verifies with what an application fetched up to jwksMaxAge before.
func TestKeysAreRotatedOnSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		must(t, w.s.KeepKeys(t.Context())) // the keys of the harness are from 1970: due, with the whole overlap
		signers, fetched := map[string]bool{}, w.published()
		for began := time.Now(); time.Since(began) < 365*day; {
			step := 6 * time.Hour
			if waits(w) {
				step = jwksMaxAge // look closely
			}
			time.Sleep(step)
			must(t, w.s.KeepKeys(t.Context()))
			id := w.signing()
			if signers[id] = true; !fetched[id] {
				t.Fatal("a key signs that applications have not fetched")
			}
			fetched = w.published()
			if len(fetched) > 4 { // two algorithms, each with at most a key and its neighbour
				t.Fatalf("%d keys published", len(fetched))
			}
		}
		if len(signers) < 4 || len(signers) > 6 {
			t.Errorf("%d keys signed in a year", len(signers))
		}
		keys, err := w.s.ListKeys(t.Context())
		must(t, err)
		events, err := w.db.Events(t.Context(), "", 100)
		if err != nil || len(events) != len(keys)-2 { // but for those of the harness
			t.Errorf("%d events for %d keys, %v", len(events), len(keys), err)
		}
	})
}

func waits(w *world) bool {
	at := time.Now()
	return slices.ContainsFunc(w.s.keys.Load().rows(), func(k broker.Key) bool {
		return k.State(at) == broker.KeyPublished || k.State(at) == broker.KeyVerifying
	})
}

func TestScheduleCanBeTurnedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *Options) { o.KeyLifetime = -1 })
		before := w.published()
		time.Sleep(1000 * day)
		must(t, w.s.KeepKeys(t.Context()))
		if !maps.Equal(before, w.published()) {
			t.Error("keys were rotated")
		}
	})
}

// TestReplicasMakeOneKey: replicas that find the same key due at the same
// moment, or start on the same empty database, make one.
func TestReplicasMakeOneKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const replicas = 6
		together := func(do func(s *Service) error) {
			t.Helper()
			var wg sync.WaitGroup
			start := make(chan struct{})
			for range replicas {
				s, err := New(db, Options{Issuer: testIssuer, Secret: [32]byte{1}, KeyLifetime: 2 * time.Hour})
				must(t, err)
				wg.Go(func() {
					<-start
					if err := do(s); err != nil {
						t.Error(err)
					}
				})
			}
			close(start)
			wg.Wait()
		}
		count := func(want int) []broker.Key {
			t.Helper()
			keys, err := db.Keys(t.Context())
			if err != nil || len(keys) != want {
				t.Fatalf("%d keys, want %d, %v", len(keys), want, err)
			}
			return keys
		}
		together(func(s *Service) error {
			if err := s.EnsureKeys(t.Context()); err != nil || !s.HasSigningKey() {
				return errors.Join(err, errNoKey)
			}
			return nil
		})
		for _, k := range count(len(algorithms)) {
			k.SignsFrom = time.Now().Add(-2 * time.Hour)
			must(t, db.UpdateKey(t.Context(), k))
		}
		together(func(s *Service) error { return s.KeepKeys(t.Context()) })
		for _, k := range count(2 * len(algorithms)) {
			if k.Generation < 1 || k.Generation > 2 || (k.Generation == 1) == k.RetiresAt.IsZero() {
				t.Errorf("%+v", k)
			}
		}
		together(func(s *Service) error { return s.KeepKeys(t.Context()) })
		count(2 * len(algorithms))
	})
}

// TestClocksOfReplicasDiffer: a replica that is five minutes behind signs and
// reads what one that is ahead has made, whatever the moment.
func TestClocksOfReplicasDiffer(t *testing.T) {
	w := newWorld(t)
	at := time.Now()
	made, err := newKey("ES384", at.Add(5*time.Minute), at.Add(5*time.Minute)) // "now", to the other
	must(t, err)
	made.Generation = 1
	must(t, w.db.CreateKey(t.Context(), made))
	w.signed("ahead", "ES384", "")
	if k := keyOf384(t, w.tokens("ahead").str("id_token")); k != made.ID {
		t.Errorf("signed with %s", k)
	}
	keys, err := w.db.Keys(t.Context())
	if err != nil || len(keys) != len(algorithms)+1 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
}

// TestKeysNobodyWantsRetire.
func TestKeysNobodyWantsRetire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.signed("ed", "EdDSA", "")
		token := w.tokens("ed").str("id_token")
		must(t, w.db.DeleteClient(t.Context(), "ed"))
		time.Sleep(90 * day)
		must(t, w.s.KeepKeys(t.Context()))
		if _, err := w.s.readHint(token); err != nil {
			t.Errorf("hint: %v", err)
		}
		if w.s.keys.Load().signer("EdDSA", time.Now()) != nil {
			t.Error("it still signs")
		}
		w.signed("ed2", "EdDSA", "")
		w.tokens("ed2") // has a key of its own
		for _, k := range w.s.keys.Load().rows() {
			if k.Alg == "EdDSA" && (k.Generation == 1) != (k.State(time.Now()) == broker.KeyVerifying) {
				t.Errorf("%d: %s", k.Generation, k.State(time.Now()))
			}
		}
	})
}

// TestSleeperCatchesUp: a replica that slept through a rotation and a withdrawal
// knows of both before it signs, publishes or reads anything.
func TestSleeperCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		forged := w.tokens("es").str("id_token")
		other, err := New(w.db, Options{Issuer: testIssuer, Secret: [32]byte{1}})
		must(t, err)
		must(t, other.EnsureKeys(t.Context()))
		done, err := other.RevokeKey(t.Context(), w.signing())
		must(t, err)
		if _, err := w.s.readHint(forged); err != nil {
			t.Fatal("the test shows nothing: the sleeper knew")
		}
		time.Sleep(keysStale)
		rec := httptest.NewRecorder()
		w.s.ServeJWKS(rec, httptest.NewRequest(http.MethodGet, "/", nil))
		if p := w.published(); p[done.Key.ID] || !p[done.Heir.ID] {
			t.Errorf("published %v", p)
		}
		if l, err := w.s.ParseLogout(t.Context(), map[string][]string{"id_token_hint": {forged}}); err != nil || l.HintValid {
			t.Errorf("%+v, %v", l, err)
		}
		if got := keyOf(t, w.tokens("es").str("id_token")); got != done.Heir.ID {
			t.Errorf("signed with %s", got)
		}
		if got := w.counted(func() { w.s.ServeJWKS(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)) }); len(got) != 0 {
			t.Errorf("statements %v", got)
		}
	})
}

// TestJWKSMayBeKeptForLessThanTheOverlap.
func TestJWKSMayBeKeptForLessThanTheOverlap(t *testing.T) {
	for overlap, want := range map[time.Duration]string{0: "public, max-age=600", 30 * day: "public, max-age=600", 4 * time.Minute: "public, max-age=120"} {
		w := newWorld(t, func(o *Options) { o.KeyOverlap = overlap })
		rec := httptest.NewRecorder()
		w.s.ServeJWKS(rec, httptest.NewRequest(http.MethodGet, "/", nil))
		if got := rec.Header().Get("Cache-Control"); got != want {
			t.Errorf("overlap %s: %s, want %s", overlap, got, want)
		}
	}
}
