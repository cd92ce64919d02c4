package local

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
)

// TestVector checks the hash against one made by the reference implementation
// (argon2 -id -t 2 -m 16 -p 1, salt "somesalt", password "password").
func TestVector(t *testing.T) {
	const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	h := newHasher(Argon2{}, 1, "", Peppers{}, nil)
	if ok, outdated, _, err := h.verify(t.Context(), phc, "password"); !ok || !outdated || err != nil {
		t.Errorf("verify = %v, %v, %v", ok, outdated, err)
	}
	if ok, _, _, err := h.verify(t.Context(), phc, "passwore"); ok || err != nil {
		t.Errorf("a wrong password: %v, %v", ok, err)
	}
}

func TestDummyMatchesNothing(t *testing.T) {
	h := newHasher(Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, 1, "", Peppers{}, nil)
	if ok, _, _, err := h.verify(t.Context(), "", ""); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	h.dummy.matches = func([]byte) bool { return true } // also if somebody found the password that it is of
	for _, hash := range []broker.Secret{"", "no hash at all"} {
		if ok, _, _, err := h.verify(t.Context(), hash, "guessed"); ok || err != nil {
			t.Errorf("%q: %v, %v", hash.Reveal(), ok, err)
		}
	}
	if h.dummy.argon2 == nil || *h.dummy.argon2 != h.params {
		t.Error("the dummy is no hash of ours")
	}
}

// TestHashingIsBounded: who finds no free slot is told that we are busy, and
// hashing goes on when the slot is free again.
func TestHashingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, 1, "", Peppers{}, nil)
		done, err := h.turn(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, _, _, err := h.verify(t.Context(), "", "x"); !errors.Is(err, errBusy) || time.Since(start) != hashWait {
			t.Errorf("a full house: %v after %s", err, time.Since(start))
		}
		if _, err := h.make(t.Context(), "x"); !errors.Is(err, errBusy) {
			t.Errorf("a full house: %v", err)
		}
		done()
		if _, _, _, err := h.verify(t.Context(), "", "x"); err != nil {
			t.Errorf("a free slot: %v", err)
		}
	})
}

// BenchmarkHash is the cost of one password, as it is configured by default.
func BenchmarkHash(b *testing.B) {
	h := newHasher(Argon2{}, 1, "", Peppers{}, nil)
	for b.Loop() {
		if _, err := h.make(b.Context(), "correct horse battery"); err != nil {
			b.Fatal(err)
		}
	}
}
