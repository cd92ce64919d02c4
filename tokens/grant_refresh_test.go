package tokens

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
)

func TestRefreshRotates(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		first := w.tokens("app")
		second := w.refresh("app", first.str("refresh_token"))
		if second.status != http.StatusOK || second.str("refresh_token") == first.str("refresh_token") || second.str("access_token") == first.str("access_token") ||
			second.str("scope") != first.str("scope") || second.str("id_token") == "" {
			t.Fatalf("refresh: %d %s", second.status, second.body)
		}
		for _, a := range []answer{first, second} { // the older access token lives until its end
			if got := w.userInfo(a.str("access_token")); got.status != http.StatusOK {
				t.Errorf("userinfo: %d %s", got.status, got.body)
			}
		}
		if g := w.grant(second.str("access_token")); g.RefreshGeneration != 2 || g.ID != w.grant(first.str("access_token")).ID {
			t.Errorf("grant %+v", g)
		}
	})
}

// TestRepeatedRefreshIsAnsweredAlike within the grace time: the same successor,
// no second branch.
func TestRepeatedRefreshIsAnsweredAlike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		token := w.tokens("app").str("refresh_token")
		first := w.refresh("app", token)
		time.Sleep(refreshGrace - time.Second)
		second := w.refresh("app", token)
		if second.status != http.StatusOK || second.str("refresh_token") != first.str("refresh_token") {
			t.Fatalf("repeat: %d %s, want the token of %s", second.status, second.body, first.body)
		}
		if second.str("access_token") == first.str("access_token") {
			t.Error("the access token is the same")
		}
	})
}

// TestReusedRefreshTokenEndsTheGrant: after the grace time the predecessor is
// as bad as an older one.
func TestReusedRefreshTokenEndsTheGrant(t *testing.T) {
	for name, reuse := range map[string]func(w *world, tokens []string) answer{
		"predecessor after the grace time": func(w *world, tokens []string) answer {
			time.Sleep(refreshGrace)
			return w.refresh("app", tokens[len(tokens)-2])
		},
		"older one at once": func(w *world, tokens []string) answer { return w.refresh("app", tokens[0]) },
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			a := w.tokens("app")
			tokens := []string{a.str("refresh_token")}
			for range 2 {
				a = w.refresh("app", tokens[len(tokens)-1])
				tokens = append(tokens, a.str("refresh_token"))
			}
			wantError(t, name, reuse(w, tokens), 400, "invalid_grant")
			wantError(t, name+", then the current one", w.refresh("app", tokens[2]), 400, "invalid_grant")
			wantError(t, name+", userinfo", w.userInfo(a.str("access_token")), 401, "invalid_token")
			events, err := w.db.Events(t.Context(), w.user.ID, 10)
			if err != nil || len(events) != 1 || events[0].Name != broker.EventRefreshReuse {
				t.Errorf("%s: events %+v, %v", name, events, err)
			}
		})
	}
}

func TestGraceCanBeTurnedOff(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.RefreshGrace = -1 })
	token := w.tokens("app").str("refresh_token")
	w.refresh("app", token)
	time.Sleep(time.Millisecond)
	wantError(t, "repeat", w.refresh("app", token), 400, "invalid_grant")
}

// TestRefreshTokenOfAnotherClientChangesNothing, used or not.
func TestRefreshTokenOfAnotherClientChangesNothing(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		first := w.tokens("app").str("refresh_token")
		wantError(t, "current", w.refresh("other", first), 400, "invalid_grant")
		wantError(t, "current, with scope", w.refresh("other", first, "scope", "openid"), 400, "invalid_grant")
		wantError(t, "current, with a scope that it has not", w.refresh("other", first, "scope", "x"), 400, "invalid_grant")
		second := w.refresh("app", first).str("refresh_token")
		third := w.refresh("app", second).str("refresh_token")
		for _, old := range []string{first, second, third} {
			wantError(t, "rotated", w.refresh("spa", old), 400, "invalid_grant")
		}
		if a := w.refresh("app", third); a.status != http.StatusOK {
			t.Errorf("the client itself: %d %s", a.status, a.body)
		}
	})
}

func TestRefreshNarrowsScope(t *testing.T) {
	w := newWorld(t)
	a := w.tokens("app")
	narrow := w.refresh("app", a.str("refresh_token"), "scope", "email openid")
	if narrow.str("scope") != "openid email" || narrow.str("refresh_token") == "" {
		t.Fatalf("narrowed: %d %s", narrow.status, narrow.body)
	}
	info := w.userInfo(narrow.str("access_token"))
	if info.str("email") == "" || info.json["name"] != nil {
		t.Errorf("userinfo with openid and email: %s", info.body)
	}
	// What the refresh token stands for stays as it was (RFC 6749, section 6).
	wide := w.refresh("app", narrow.str("refresh_token"))
	if wide.str("scope") != a.str("scope") {
		t.Errorf("afterwards: %s", wide.body)
	}
	only := w.refresh("app", wide.str("refresh_token"), "scope", "api")
	if only.json["id_token"] != nil || only.str("scope") != "api" {
		t.Errorf("without openid: %s", only.body)
	}
	wantError(t, "userinfo", w.userInfo(only.str("access_token")), 403, "insufficient_scope")
}

// TestRefusedScopeRotatesNothing: the client keeps a token that works.
func TestRefusedScopeRotatesNothing(t *testing.T) {
	w := newWorld(t)
	token := w.tokens("app", "scope", "openid offline_access").str("refresh_token")
	for _, scope := range []string{"openid email", "OPENID", "api", "openid offline_access more"} {
		wantError(t, scope, w.refresh("app", token, "scope", scope), 400, "invalid_scope")
	}
	if g := w.grant(w.refresh("app", token).str("access_token")); g.RefreshGeneration != 2 {
		t.Errorf("generation %d after one refresh", g.RefreshGeneration)
	}
}

// TestParallelRefreshIsOneRefresh: 50 at once rotate once and get one successor.
func TestParallelRefreshIsOneRefresh(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		token := w.tokens("app").str("refresh_token")
		successors := map[string]bool{}
		for _, a := range parallel(50, func() answer { return w.refresh("app", token) }) {
			if a.status != http.StatusOK {
				t.Fatalf("%d %s", a.status, a.body)
			}
			successors[a.str("refresh_token")] = true
		}
		if len(successors) != 1 {
			t.Errorf("%d successors", len(successors))
		}
		for next := range successors {
			if a := w.refresh("app", next); a.status != http.StatusOK || w.grant(a.str("access_token")).RefreshGeneration != 3 {
				t.Errorf("successor: %d %s", a.status, a.body)
			}
		}
	})
}

// TestRefreshEnds when it is not used, and when its time is over.
func TestRefreshEnds(t *testing.T) {
	day := 24 * time.Hour
	for _, tt := range []struct {
		name  string
		every time.Duration
		times int // the last refresh is refused
	}{
		{"idle", 30 * day, 1},
		{"absolute", 29 * day, 13}, // 12 × 29 days are within a year
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			token := w.tokens("app").str("refresh_token")
			for i := range tt.times {
				time.Sleep(tt.every)
				a := w.refresh("app", token)
				if last := i == tt.times-1; last {
					wantError(t, tt.name, a, 400, "invalid_grant")
				} else if a.status != http.StatusOK {
					t.Fatalf("%s, refresh %d: %d %s", tt.name, i, a.status, a.body)
				}
				token = a.str("refresh_token")
			}
		})
	}
}

// TestRefreshedIDTokenSaysTheSame, but for its times and at_hash (OpenID Connect
// Core 1.0, section 12.2); parameters of the request do not get in.
func TestRefreshedIDTokenSaysTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.tokens("app")
		first := claimsOf(t, w, a.str("id_token"))
		time.Sleep(time.Hour)
		b := w.refresh("app", a.str("refresh_token"), "nonce", "forged", "max_age", "1", "acr_values", "x")
		second := claimsOf(t, w, b.str("id_token"))
		if second.IssuedAt != first.IssuedAt+3600 || second.Nonce != "" || second.AccessTokenHash != leftHash("RS256", b.str("access_token")) {
			t.Errorf("refreshed: %+v", second)
		}
		second.IssuedAt, second.ExpiresAt, second.AccessTokenHash, second.Nonce = first.IssuedAt, first.ExpiresAt, first.AccessTokenHash, first.Nonce
		if !equalClaims(first, second) {
			t.Errorf("%+v became %+v", first, second)
		}
	})
}

func TestRefreshTokensThatAreNone(t *testing.T) {
	w := newWorld(t)
	a := w.tokens("app")
	token := a.str("refresh_token")
	g := w.grant(a.str("access_token"))
	for name, forged := range map[string]string{
		"rubbish":              "x",
		"access token":         a.str("access_token"),
		"without MAC":          token[:strings.LastIndexByte(token, '.')],
		"with another MAC":     token[:strings.LastIndexByte(token, '.')+1] + strings.Repeat("A", 43),
		"next generation":      strings.Replace(token, ".1.", ".2.", 1),
		"ahead of the row":     w.s.mint.newRefresh(g.ID, 7),
		"of nobody":            w.s.mint.newRefresh("nobody", 1),
		"of another secret":    testMint(t, 9).newRefresh(g.ID, 1),
		"MAC only":             token[strings.LastIndexByte(token, '.'):],
		"of a grant not there": w.s.mint.newRefresh(broker.GrantID(broker.NewID()), 1),
	} {
		wantError(t, name, w.refresh("other", forged), 400, "invalid_grant")
		wantError(t, name, w.refresh("app", forged), 400, "invalid_grant")
	}
	wantError(t, "none", w.refresh("app", ""), 400, "invalid_request")
	if a := w.refresh("app", token); a.status != http.StatusOK {
		t.Errorf("forgeries changed something: %d %s", a.status, a.body)
	}
}

func TestRefreshBeforeTheCodeIsRedeemed(t *testing.T) {
	w := newWorld(t)
	code := w.code(request("app"))
	g, err := w.db.GrantByCode(t.Context(), broker.Secret(code).Hash())
	must(t, err)
	for generation := range 3 {
		wantError(t, "refresh", w.refresh("app", w.s.mint.newRefresh(g.ID, generation)), 400, "invalid_grant")
	}
	if a := w.redeem("app", code); a.status != http.StatusOK {
		t.Errorf("the code: %d %s", a.status, a.body)
	}
}
