package tokens

import (
	"net/http"
	"net/url"
	"testing"

	"idbroker/broker"
)

func (w *world) credentials(client string, pairs ...string) answer {
	return w.call(w.s.ServeToken, client, with(url.Values{"grant_type": {"client_credentials"}}, pairs...))
}

func TestClientCredentials(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, tt := range []struct{ scope, want string }{{"api", "api"}, {"", "api more"}, {"more api more", "more api"}} {
			a := w.credentials("machine", "scope", tt.scope)
			if a.status != http.StatusOK || a.str("scope") != tt.want || a.json["id_token"] != nil || a.json["refresh_token"] != nil {
				t.Errorf("scope %q: %d %s", tt.scope, a.status, a.body)
				continue
			}
			g := w.grant(a.str("access_token"))
			if g.UserID != "" || g.ClientID != "machine" || g.ExpiresAt.Sub(g.CreatedAt) != accessLifetime {
				t.Errorf("grant %+v", g)
			}
			got := w.call(w.s.ServeIntrospection, "machine", url.Values{"token": {a.str("access_token")}})
			if got.json["active"] != true || got.str("sub") != "machine" || got.str("scope") != tt.want {
				t.Errorf("introspection: %s", got.body)
			}
			wantError(t, "userinfo", w.userInfo(a.str("access_token")), 403, "insufficient_scope")
		}
	})
}

// TestClientCredentialsHaveNoPerson: a client cannot ask for what tells of one.
func TestClientCredentialsHaveNoPerson(t *testing.T) {
	w := newWorld(t)
	for _, scope := range []string{"openid", "api openid", "email", "offline_access", "admin", "API"} {
		wantError(t, scope, w.credentials("machine", "scope", scope), 400, "invalid_scope")
	}
	wantError(t, "not registered", w.credentials("app", "scope", "api"), 400, "unauthorized_client")
	wantError(t, "public", w.credentials("spa", "scope", "api"), 400, "unauthorized_client")
	must(t, w.db.CreateClient(t.Context(), broker.Client{ID: "open", AuthMethod: broker.AuthNone, Scopes: []string{"api"}, GrantTypes: []string{broker.GrantCredentials}}))
	wantError(t, "public and registered", w.call(w.s.ServeToken, "", url.Values{"grant_type": {"client_credentials"}, "client_id": {"open"}}), 400, "unauthorized_client")
}
