package tokens

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"idbroker/broker"
)

func (w *world) introspect(client, token string) answer {
	return w.call(w.s.ServeIntrospection, client, url.Values{"token": {token}})
}

func TestIntrospectionTellsTheClientItsTokens(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		a := w.tokens("app")
		g := w.grant(a.str("access_token"))
		got := w.introspect("app", a.str("access_token"))
		if got.status != http.StatusOK || got.json["active"] != true || got.str("client_id") != "app" || got.str("sub") != string(w.user.ID) ||
			got.str("iss") != testIssuer || got.str("token_type") != "Bearer" || got.str("scope") != a.str("scope") || got.str("sid") != w.session.SID ||
			got.json["exp"].(float64)-got.json["iat"].(float64) != 600 || got.json["auth_time"] != float64(w.session.AuthTime.Unix()) {
			t.Errorf("access token: %s", got.body)
		}
		got = w.introspect("app", a.str("refresh_token"))
		if got.json["active"] != true || got.json["exp"] != float64(g.RefreshExpiresAt.Unix()) || got.json["token_type"] != nil {
			t.Errorf("refresh token: %s", got.body)
		}
	})
}

// TestIntrospectionTellsNobodyElse: to another client, a token is rubbish.
func TestIntrospectionTellsNobodyElse(t *testing.T) {
	w := newWorld(t)
	a := w.tokens("app")
	old := a.str("refresh_token")
	next := w.refresh("app", old)
	for name, got := range map[string]answer{
		"another client":           w.introspect("other", a.str("access_token")),
		"another client, refresh":  w.introspect("other", next.str("refresh_token")),
		"rubbish":                  w.introspect("app", "x"),
		"ID token":                 w.introspect("app", a.str("id_token")),
		"code":                     w.introspect("app", w.code(request("app"))),
		"rotated refresh token":    w.introspect("app", old),
		"refresh token of nothing": w.introspect("app", w.s.mint.newRefresh("nothing", 1)),
	} {
		if got.status != http.StatusOK || string(got.body) != `{"active":false}` {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	wantError(t, "public client", w.introspect("spa", a.str("access_token")), 401, "invalid_client")
	wantError(t, "nobody", w.introspect("", a.str("access_token")), 401, "invalid_client")
	wantError(t, "no token", w.introspect("app", ""), 400, "invalid_request")
	must(t, w.db.RevokeGrant(t.Context(), w.grant(a.str("access_token")).ID, "user", time.Now()))
	for _, token := range []string{a.str("access_token"), next.str("refresh_token")} {
		if got := w.introspect("app", token); string(got.body) != `{"active":false}` {
			t.Errorf("revoked: %s", got.body)
		}
	}
}

// TestIntrospectionTellsTheAudience: a resource server may look at a token that
// is meant for it.
func TestIntrospectionTellsTheAudience(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	g := broker.Grant{ID: "meant", ClientID: "app", UserID: w.user.ID, Scopes: []string{"api"}, Audience: []string{"other"}, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
	must(t, w.db.CreateGrant(t.Context(), g))
	token := w.s.mint.newAccess(accessToken{Grant: g.ID, IssuedAt: now, ExpiresAt: now.Add(time.Minute)})
	if got := w.introspect("other", token); got.json["active"] != true || got.str("client_id") != "app" {
		t.Errorf("audience: %s", got.body)
	}
	if got := w.introspect("post", token); string(got.body) != `{"active":false}` {
		t.Errorf("another: %s", got.body)
	}
}
