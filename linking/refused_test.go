package linking_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestTokensOfARefusedJourneyEnd: whoever refuses, provider or rules, what came
// with the journey is ended at the provider by the outbox, and what somebody gave
// us before stays good.
func TestTokensOfARefusedJourneyEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, func(a *providers.App) {
			if a.ID == "two" {
				a.AllowedClaims = map[string][]string{"groups": {"staff"}}
			}
		})
		ada, bob := w.user("ada", "x"), w.user("bob", "x")
		w.link(ada, "one", "ada")
		w.outbox()
		for _, tt := range []struct {
			name, provider, subject string
			op                      *providertest.OpenID
			lie                     string
			browser                 *browser
			purpose                 broker.Purpose
			want                    *broker.Error
		}{
			{"somebody else's identity", "one", "ada", w.op, "", newBrowser().signedIn(bob, time.Minute), broker.PurposeLink, linking.ErrTaken},
			{"the provider's rule", "two", "eve", w.op2, "", newBrowser(), broker.PurposeSignIn, providers.ErrNotAllowed},
			{"a contradiction", "one", "eve", w.op, "userinfo other sub", newBrowser(), broker.PurposeSignIn, providers.ErrUpstream},
			{"a forged ID token", "one", "eve", w.op, "nonce other", newBrowser().signedIn(bob, time.Minute), broker.PurposeLink, providers.ErrUpstream},
		} {
			cb := w.out(tt.browser, tt.provider, tt.purpose, tt.subject)
			tt.op.Switch(func(s *providertest.Switches) { s.Lie = tt.lie })
			before := tt.op.Count(providertest.Revoke)
			_, err := w.back(tt.browser, tt.provider, cb)
			tt.op.Switch(func(s *providertest.Switches) { s.Lie = "" })
			wantError(t, tt.name, err, tt.want)
			if n := tt.op.Count(providertest.Revoke) - before; n != 0 {
				t.Fatalf("%s: the person waited for %d requests", tt.name, n)
			}
			_, revocations := w.outbox()
			if len(revocations) != 1 {
				t.Fatalf("%s: %d revocations wait", tt.name, len(revocations))
			}
			var r broker.Revocation
			must(t, json.Unmarshal(revocations[0], &r))
			if r.Provider != tt.provider || !r.Only || len(r.Tokens) != 1 || r.Tokens[0].Access == "" || r.Tokens[0].Refresh == "" {
				t.Errorf("%s: %+v", tt.name, r)
			}
			must(t, w.DeliverRevocation(t.Context(), revocations[0]))
			if n := tt.op.Count(providertest.Revoke) - before; n != 2 {
				t.Errorf("%s: %d tokens ended, want 2", tt.name, n)
			}
		}
		account, err := db.RemoteAccount(t.Context(), "one", w.op.Issuer, "ada")
		must(t, err)
		held, err := db.RemoteTokens(t.Context(), account.ID)
		must(t, err)
		if len(held) != 1 || !w.op.Live(held[0].AccessToken.Reveal()) {
			t.Error("what Ada gave us before is dead, or gone")
		}
	})
}

// TestRefusedJourneysAreTold to whoever counts them: each once, beginnings too.
func TestRefusedJourneysAreTold(t *testing.T) {
	w := newWorld(t, storetest.New(t))
	var told []string
	l := linking.New(w.db, w.apps, linking.Options{Issuer: base, Refused: func(provider string, err error) {
		var e *broker.Error
		if errors.As(err, &e) {
			told = append(told, provider+" "+e.Message)
		}
	}})
	w.Linker = l
	b := newBrowser()
	_, _ = w.back(b, "one", broker.Callback{State: "of nobody", Code: "c"})
	cb := w.out(b, "one", broker.PurposeSignIn, "")
	_, _ = w.back(b, "one", cb)
	_, _ = w.back(b, "one", cb)
	_, _ = w.back(b, "none", cb)
	w.op2.Fail(providertest.Discovery, providertest.Failure{Status: 500}, providertest.Failure{Status: 500})
	_, _ = l.Start(context.Background(), linking.StartRequest{Provider: "two", Purpose: broker.PurposeSignIn, Browser: b.cookie})
	want := []string{"one attempt.unknown", "one provider.denied", "one attempt.expired", "two provider.unavailable"}
	if len(told) != len(want) {
		t.Fatalf("%q", told)
	}
	for i := range want {
		if told[i] != want[i] {
			t.Errorf("%q, want %q", told[i], want[i])
		}
	}
}
