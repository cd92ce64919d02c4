package tokens

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

func (w *world) revoke(client, token string) answer {
	return w.call(w.s.ServeRevocation, client, url.Values{"token": {token}, "token_type_hint": {"access_token"}})
}

func TestRevocationEndsTheGrant(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, client := range []string{"app", "spa", "post"} {
			for _, kind := range []string{"access_token", "refresh_token"} {
				a := w.tokens(client)
				for range 2 { // a second time is fine
					if got := w.revoke(client, a.str(kind)); got.status != http.StatusOK || len(got.body) != 0 {
						t.Fatalf("%s, %s: %d %s", client, kind, got.status, got.body)
					}
				}
				wantError(t, "userinfo", w.userInfo(a.str("access_token")), 401, "invalid_token")
				wantError(t, "refresh", w.refresh(client, a.str("refresh_token")), 400, "invalid_grant")
				if g := w.grant(a.str("access_token")); g.RevokedReason != reasonClient {
					t.Errorf("grant %+v", g)
				}
			}
		}
	})
}

// TestRevocationOfAnotherClientsTokenChangesNothing, and says so.
func TestRevocationOfAnotherClientsTokenChangesNothing(t *testing.T) {
	w := newWorld(t)
	a := w.tokens("app")
	for _, token := range []string{a.str("access_token"), a.str("refresh_token")} {
		wantError(t, "other", w.revoke("other", token), 400, "invalid_grant")
		wantError(t, "spa", w.revoke("spa", token), 400, "invalid_grant")
		wantError(t, "nobody", w.revoke("", token), 401, "invalid_client")
	}
	if got := w.userInfo(a.str("access_token")); got.status != http.StatusOK {
		t.Errorf("userinfo: %d %s", got.status, got.body)
	}
}

func TestRevocationOfNothing(t *testing.T) {
	w := newWorld(t)
	for _, token := range []string{"x", "iba.a.b.c.d.e.f", w.s.mint.newRefresh("nothing", 1)} {
		if got := w.revoke("app", token); got.status != http.StatusOK {
			t.Errorf("%q: %d %s", token, got.status, got.body)
		}
	}
	wantError(t, "no token", w.revoke("app", ""), 400, "invalid_request")
}

// TestRevocationOfAnExpiredTokenChangesNothing: it is over already.
func TestRevocationOfAnExpiredTokenChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.tokens("app")
		time.Sleep(accessLifetime)
		if got := w.revoke("app", a.str("access_token")); got.status != http.StatusOK {
			t.Errorf("%d %s", got.status, got.body)
		}
		if got := w.refresh("app", a.str("refresh_token")); got.status != http.StatusOK {
			t.Errorf("refresh: %d %s", got.status, got.body)
		}
	})
}

// TestRevocationThatCannotBeIsNotAcknowledged: the database is gone.
func TestRevocationThatCannotBeIsNotAcknowledged(t *testing.T) {
	w := newWorld(t)
	token := w.tokens("app").str("access_token")
	w.s.store = brokenStore{w.s.store}
	if got := w.revoke("app", token); got.status < 500 {
		t.Errorf("%d %s", got.status, got.body)
	}
}
