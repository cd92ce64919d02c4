package tokens

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"idbroker/broker"
)

func TestCodeIsRedeemed(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, client := range []string{"app", "post", "spa", "es", "strict"} {
			a := w.tokens(client)
			if a.str("token_type") != "Bearer" || a.json["expires_in"] != 600.0 || a.str("scope") != "openid profile email offline_access api" ||
				a.str("id_token") == "" || !strings.HasPrefix(a.str("refresh_token"), "ibr.") || len(a.json) != 6 {
				t.Errorf("%s: %s", client, a.body)
			}
			if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: headers %v", client, a.header)
			}
			g := w.grant(a.str("access_token"))
			if g.CodeUsedAt.IsZero() || g.RefreshGeneration != 1 || g.ExpiresAt.Sub(g.CodeUsedAt) != refreshAbsolute || g.RefreshExpiresAt.Sub(g.CodeUsedAt) != refreshIdle {
				t.Errorf("%s: grant %+v", client, g)
			}
		}
	})
}

func TestTokensFollowWhatWasGranted(t *testing.T) {
	w := newWorld(t)
	a := w.tokens("app", "scope", "api")
	if a.json["id_token"] != nil || a.json["refresh_token"] != nil || a.str("scope") != "api" {
		t.Errorf("without openid and offline_access: %s", a.body)
	}
	a = w.tokens("once")
	if a.json["refresh_token"] != nil || a.str("scope") != "openid profile email api" {
		t.Errorf("client without the refresh grant: %s", a.body)
	}
	if g := w.grant(a.str("access_token")); g.ExpiresAt.Sub(g.CodeUsedAt) != accessLifetime || g.RefreshGeneration != 0 {
		t.Errorf("grant %+v", g)
	}
}

// TestWrongVerifierBurnsTheCode: whoever tries once with a stolen code has no
// second try, with or without a verifier, and neither has anybody else.
func TestWrongVerifierBurnsTheCode(t *testing.T) {
	w := newWorld(t)
	for name, pairs := range map[string][]string{
		"wrong verifier":      {"code_verifier", oauth2.GenerateVerifier()},
		"no verifier":         {"code_verifier", ""},
		"the challenge":       {"code_verifier", request("spa").Get("code_challenge")},
		"another redirect":    {"redirect_uri", "https://app.example/other"},
		"no redirect":         {"redirect_uri", ""},
		"redirect with slash": {"redirect_uri", testCallback + "/"},
	} {
		for _, client := range []string{"spa", "app"} {
			code := w.code(request(client))
			wantError(t, name, w.redeem(client, code, pairs...), 400, "invalid_grant")
			wantError(t, name+", no verifier", w.redeem(client, code, "code_verifier", ""), 400, "invalid_grant")
			wantError(t, name+", then right", w.redeem(client, code), 400, "invalid_grant")
			g, err := w.db.GrantByCode(t.Context(), broker.Secret(code).Hash())
			if err != nil || g.RevokedReason != reasonCodeMismatch || !g.CodeUsedAt.IsZero() {
				t.Errorf("%s: grant %+v, %v", name, g, err)
			}
		}
	}
}

// TestVerifierWithoutChallengeBurnsTheCode: the challenge may have been
// stripped on the way (RFC 9700, section 4.8.2).
func TestVerifierWithoutChallengeBurnsTheCode(t *testing.T) {
	w := newWorld(t)
	code := w.code(with(request("app"), "code_challenge", "", "code_challenge_method", ""))
	wantError(t, "verifier", w.redeem("app", code), 400, "invalid_grant")
	wantError(t, "then none", w.redeem("app", code, "code_verifier", ""), 400, "invalid_grant")
	code = w.code(with(request("app"), "code_challenge", "", "code_challenge_method", ""))
	if a := w.redeem("app", code, "code_verifier", ""); a.status != http.StatusOK {
		t.Errorf("without PKCE: %d %s", a.status, a.body)
	}
}

// TestCodeOfAnotherClientChangesNothing.
func TestCodeOfAnotherClientChangesNothing(t *testing.T) {
	w := newWorld(t)
	code := w.code(request("app"))
	for _, thief := range []string{"other", "spa"} {
		wantError(t, thief, w.redeem(thief, code), 400, "invalid_grant")
		wantError(t, thief, w.redeem(thief, code, "code_verifier", ""), 400, "invalid_grant")
	}
	a := w.redeem("app", code)
	if a.status != http.StatusOK {
		t.Fatalf("the client itself: %d %s", a.status, a.body)
	}
	wantError(t, "used code, another client", w.redeem("other", code), 400, "invalid_grant")
	if got := w.userInfo(a.str("access_token")); got.status != http.StatusOK {
		t.Errorf("userinfo after another client's replay: %d %s", got.status, got.body)
	}
}

// TestReplayedCodeEndsTheGrant: access and refresh token are dead afterwards,
// and the audit trail knows.
func TestReplayedCodeEndsTheGrant(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		code := w.code(request("app"))
		a := w.redeem("app", code)
		wantError(t, "replay by somebody without the verifier", w.redeem("app", code, "code_verifier", ""), 400, "invalid_grant")
		for range 2 {
			wantError(t, "replay", w.redeem("app", code), 400, "invalid_grant")
		}
		wantError(t, "userinfo", w.userInfo(a.str("access_token")), 401, "invalid_token")
		wantError(t, "refresh", w.refresh("app", a.str("refresh_token")), 400, "invalid_grant")
		if g := w.grant(a.str("access_token")); g.RevokedReason != reasonCodeReuse {
			t.Errorf("grant %+v", g)
		}
		events, err := w.db.Events(t.Context(), w.user.ID, 10)
		if err != nil || len(events) != 1 || events[0].Name != broker.EventCodeReuse || events[0].ClientID != "app" {
			t.Errorf("events %+v, %v", events, err)
		}
	})
}

// TestParallelRedemptionSucceedsOnce, however many try; the losers get
// invalid_grant and not an error of ours.
func TestParallelRedemptionSucceedsOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for range 3 {
			code := w.code(request("app"))
			answers := parallel(16, func() answer { return w.redeem("app", code) })
			var won []answer
			for _, a := range answers {
				if a.status == http.StatusOK {
					won = append(won, a)
				} else {
					wantError(t, "loser", a, 400, "invalid_grant")
				}
			}
			if len(won) != 1 {
				t.Fatalf("%d of 16 succeeded", len(won))
			}
			if g := w.grant(won[0].str("access_token")); g.RevokedReason != reasonCodeReuse {
				t.Errorf("grant after a replay: %+v", g)
			}
		}
	})
}

// parallel runs f n times at once.
func parallel(n int, f func() answer) []answer {
	answers := make([]answer, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			<-start
			answers[i] = f()
		})
	}
	close(start)
	wg.Wait()
	return answers
}

func TestCodeExpires(t *testing.T) {
	for wait, status := range map[time.Duration]int{59 * time.Second: 200, codeLifetime: 400} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			code := w.code(request("app"))
			time.Sleep(wait)
			if a := w.redeem("app", code); a.status != status {
				t.Errorf("after %s: %d %s", wait, a.status, a.body)
			}
		})
	}
}

// TestFailureToSignCostsNothing: the code is good for the next try.
func TestFailureToSignCostsNothing(t *testing.T) {
	w := newWorld(t)
	code := w.code(request("app"))
	keys := w.s.keys.Load()
	w.s.keys.Store(&keySet{})
	wantError(t, "no key", w.redeem("app", code), 500, "server_error")
	w.s.keys.Store(keys)
	if a := w.redeem("app", code); a.status != http.StatusOK {
		t.Errorf("with a key again: %d %s", a.status, a.body)
	}
}

func TestCodesThatAreNone(t *testing.T) {
	w := newWorld(t)
	for _, code := range []string{"x", "ibc.", "ibc." + strings.Repeat("A", 43), strings.Repeat("a", 10000)} {
		wantError(t, code[:min(len(code), 10)], w.redeem("app", code), 400, "invalid_grant")
	}
	wantError(t, "none", w.redeem("app", ""), 400, "invalid_request")
	a := w.tokens("app")
	wantError(t, "access token as code", w.redeem("app", a.str("access_token")), 400, "invalid_grant")
	wantError(t, "refresh token as code", w.redeem("app", a.str("refresh_token")), 400, "invalid_grant")
	g := w.grant(a.str("access_token"))
	wantError(t, "hash as code", w.redeem("app", g.CodeHash), 400, "invalid_grant")
}
