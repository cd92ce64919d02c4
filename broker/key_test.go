package broker

import (
	"testing"
	"time"
)

// TestKeyState: a key's times say what it does; nobody has to come by.
func TestKeyState(t *testing.T) {
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	k := Key{SignsFrom: at.Add(time.Hour), RetiresAt: at.Add(2 * time.Hour), ExpiresAt: at.Add(3 * time.Hour)}
	for after, want := range map[time.Duration]KeyState{
		0: KeyPublished, time.Hour - 1: KeyPublished, time.Hour: KeySigning, 2*time.Hour - 1: KeySigning,
		2 * time.Hour: KeyVerifying, 3*time.Hour - 1: KeyVerifying, 3 * time.Hour: KeyRetired, 9000 * time.Hour: KeyRetired,
	} {
		if got := k.State(at.Add(after)); got != want {
			t.Errorf("after %s: %s, want %s", after, got, want)
		}
		revoked := k
		if revoked.RevokedAt = at; revoked.State(at.Add(after)) != KeyRevoked || revoked.Open(at.Add(after)) {
			t.Errorf("after %s: a revoked key is of use", after)
		}
	}
	if got := (Key{SignsFrom: at}).State(at.Add(9000 * time.Hour)); got != KeySigning {
		t.Errorf("an open key: %s", got)
	}
	// Passed over before it began.
	if got := (Key{SignsFrom: at.Add(time.Hour), RetiresAt: at.Add(time.Minute)}).State(at.Add(2 * time.Minute)); got != KeyVerifying {
		t.Errorf("a key that never signs: %s", got)
	}
}
