package providers_test

import (
	"errors"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers"
)

// wantRotation refreshes at a server that is not ours, replaces refresh tokens and
// ends all of a grant when one is used twice.
func wantRotation(t *testing.T, r *providers.Registry, p broker.Profile) {
	t.Helper()
	refresh := func(was broker.RemoteToken) (broker.RemoteToken, error) {
		renewal, err := r.Refresh(t.Context(), "op", p.Subject, was)
		if renewal.Unanswered {
			t.Errorf("answered, and not understood: %v", err)
		}
		return renewal.Token, err
	}
	first := p.Tokens[0]
	second, err := refresh(first)
	if err != nil || second.RefreshToken == "" || second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken || second.IDToken == "" ||
		second.ExpiresAt.Before(time.Now()) || len(second.Scopes) != len(first.Scopes) {
		t.Fatalf("%+v, %v", second, err)
	}
	third, err := refresh(second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := refresh(second); !errors.Is(err, providers.ErrRestart) {
		t.Errorf("a refresh token works twice: %v", err)
	}
	if _, err := refresh(third); !errors.Is(err, providers.ErrRestart) {
		t.Errorf("reuse has not ended the grant: %v", err)
	}
}
