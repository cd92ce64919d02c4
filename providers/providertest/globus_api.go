package providertest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// claims are what userinfo and ID tokens tell. The caller holds mu.
func (g *Globus) claims(identity string, scopes []string) map[string]any {
	i := g.identities[identity]
	out := map[string]any{"sub": i.ID}
	if slices.Contains(scopes, "profile") {
		out["name"], out["preferred_username"], out["organization"] = i.Name, i.Username, orNil(i.Organization)
		out["identity_provider"], out["identity_provider_display_name"] = i.IdP, i.IdPName
	}
	if slices.Contains(scopes, "email") {
		out["email"] = orNil(i.Email) // and never email_verified
	}
	if slices.Contains(scopes, GlobusViewIdentities) {
		out["last_authentication"] = unixOrNil(i.LastAuthentication)
		set := []map[string]any{}
		for _, id := range g.accountOf(identity).identities {
			l := g.identities[id]
			set = append(set, map[string]any{
				"sub": l.ID, "username": l.Username, "email": orNil(l.Email), "name": l.Name, "organization": orNil(l.Organization),
				"identity_provider": l.IdP, "identity_provider_display_name": l.IdPName, "last_authentication": unixOrNil(l.LastAuthentication),
			})
		}
		out["identity_set"] = set
	}
	return out
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func unixOrNil(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}

// holder finds the live token of a request, or answers: 401 without one, 403
// where it is for another resource server or lacks the scope. The caller holds mu.
func (g *Globus) holder(w http.ResponseWriter, r *http.Request, server, scope string, at time.Time) *globusToken {
	access := bearer(r)
	for _, tok := range g.tokens {
		if access == "" || tok.access != access || !tok.live(at) || g.identities[tok.identity].Closed {
			continue
		}
		if tok.server != server || !slices.Contains(tok.scopes, scope) {
			globusFailure(w, http.StatusForbidden, "FORBIDDEN", "forbidden", "Forbidden")
			return nil
		}
		return tok
	}
	globusFailure(w, http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized", "Unauthorized")
	return nil
}

// userinfo serves /v2/oauth2/userinfo.
func (g *Globus) userinfo(w http.ResponseWriter, r *http.Request) {
	at := g.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if tok := g.holder(w, r, globusAuthServer, "openid", at); tok != nil {
		out := g.claims(tok.identity, tok.scopes)
		if g.settings.UserInfo != nil {
			g.settings.UserInfo(out)
		}
		writeJSON(w, http.StatusOK, out)
	}
}

// identityList serves GET /v2/api/identities to a client.
func (g *Globus) identityList(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.client(w, r) == nil {
		return
	}
	q := r.URL.Query()
	ids, names := strings.Split(q.Get("ids"), ","), strings.Split(q.Get("usernames"), ",")
	out := []map[string]any{}
	for _, i := range g.identities {
		if !slices.Contains(ids, i.ID) && !slices.Contains(names, i.Username) {
			continue
		}
		status := "used"
		switch {
		case i.Closed:
			status = "closed"
		case i.LastAuthentication.IsZero():
			status = "unused"
		}
		out = append(out, map[string]any{
			"id": i.ID, "username": i.Username, "name": i.Name, "email": orNil(i.Email), "organization": orNil(i.Organization),
			"identity_provider": i.IdP, "identity_type": "login", "status": status,
		})
	}
	writeJSON(w, http.StatusOK, map[string]any{"identities": out})
}

// introspect serves POST /v2/oauth2/token/introspect.
func (g *Globus) introspect(w http.ResponseWriter, r *http.Request) {
	at := g.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	client := g.client(w, r)
	if client == nil {
		return
	}
	for _, tok := range g.tokens {
		i := g.identities[tok.identity]
		if tok.access != r.PostForm.Get("token") || tok.client != client.ID || !tok.live(at) || i.Closed {
			continue
		}
		out := map[string]any{
			"active": true, "scope": strings.Join(tok.scopes, " "), "sub": i.ID, "username": i.Username, "email": orNil(i.Email), "name": i.Name,
			"aud": []string{tok.server, client.ID}, "iss": g.URL, "exp": tok.expires.Unix(), "iat": tok.expires.Add(-globusTokenLifetime).Unix(),
			"nbf": tok.expires.Add(-globusTokenLifetime).Unix(), "client_id": client.ID, "token_type": "Bearer",
		}
		include := strings.Split(r.PostForm.Get("include"), ",")
		if slices.Contains(include, "identity_set") {
			out["identity_set"] = g.accountOf(i.ID).identities
		}
		if slices.Contains(include, "session_info") {
			out["session_info"] = map[string]any{"session_id": uuid(), "authentications": map[string]any{
				i.ID: map[string]any{"idp": i.IdP, "auth_time": unixOrNil(i.LastAuthentication), "acr": nil, "amr": nil},
			}}
		}
		writeJSON(w, http.StatusOK, out)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"active": false})
}

// revoke serves POST /v2/oauth2/token/revoke: always 200 to a known client.
func (g *Globus) revoke(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	client := g.client(w, r)
	if client == nil {
		return
	}
	text := r.PostForm.Get("token")
	for _, tok := range g.tokens {
		switch {
		case text == "" || tok.client != client.ID:
		case tok.access == text:
			tok.dead = true
		case tok.refresh == text:
			tok.refreshDead = true
			tok.dead = tok.dead || g.settings.RefreshKillsAll
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"active": false})
}

// myGroups serves the Groups API, which wants a token of its own.
func (g *Globus) myGroups(w http.ResponseWriter, r *http.Request) {
	at := g.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if tok := g.holder(w, r, globusGroupsServer, GlobusViewGroups, at); tok != nil {
		memberships := g.settings.Memberships
		if memberships == nil {
			memberships = map[string]string{GlobusGroup: "active"}
		}
		out := []map[string]any{}
		for id, status := range memberships {
			out = append(out, map[string]any{
				"id": id, "name": "Example group",
				"my_memberships": []map[string]any{{"identity_id": tok.identity, "status": status, "role": "member"}},
			})
		}
		writeJSON(w, http.StatusOK, out)
	}
}
