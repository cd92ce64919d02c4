package providertest

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
)

// withApp lets through who proves by HTTP Basic to be the app in the path. It
// holds mu while h runs; h gets the token of the body, nil where there is no
// such live one.
func (g *GitHub) withApp(h func(http.ResponseWriter, *GitHubApp, *githubToken)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		at := g.Now()
		g.mu.Lock()
		defer g.mu.Unlock()
		if !githubPreamble(w, r) {
			return
		}
		id, secret, basic := r.BasicAuth()
		app := g.apps[id]
		if !basic || app == nil || id != r.PathValue("client") || subtle.ConstantTimeCompare([]byte(app.Secret), []byte(secret)) != 1 {
			githubFailure(w, http.StatusUnauthorized, "Bad credentials")
			return
		}
		var body struct {
			AccessToken string `json:"access_token"`
		}
		if json.NewDecoder(r.Body).Decode(&body) != nil || body.AccessToken == "" {
			githubFailure(w, http.StatusUnprocessableEntity, "Validation Failed")
			return
		}
		tok := g.tokenBy(body.AccessToken, at)
		if tok != nil && tok.app != id {
			tok = nil
		}
		h(w, app, tok)
	}
}

// deleteGrant takes back everything that the user gave the app.
func (g *GitHub) deleteGrant(w http.ResponseWriter, app *GitHubApp, tok *githubToken) {
	if tok == nil {
		githubFailure(w, http.StatusNotFound, "Not Found")
		return
	}
	for _, t := range g.tokens {
		if t.app == app.ClientID && t.user == tok.user {
			t.dead = true
		}
	}
	delete(g.granted, grantKey(app.ClientID, tok.user))
	w.WriteHeader(http.StatusNoContent)
}

// deleteToken kills one token.
func (g *GitHub) deleteToken(w http.ResponseWriter, _ *GitHubApp, tok *githubToken) {
	if tok == nil {
		githubFailure(w, http.StatusNotFound, "Not Found")
		return
	}
	tok.dead = true
	w.WriteHeader(http.StatusNoContent)
}

// checkToken tells whose a token is.
func (g *GitHub) checkToken(w http.ResponseWriter, app *GitHubApp, tok *githubToken) {
	if tok == nil {
		githubFailure(w, http.StatusNotFound, "Not Found")
		return
	}
	u := g.userByID(tok.user)
	if u == nil {
		githubFailure(w, http.StatusNotFound, "Not Found")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"token": tok.access, "scopes": tok.scopes, "app": map[string]any{"client_id": app.ClientID},
		"user": map[string]any{"login": u.Login, "id": u.ID, "type": u.Type},
	})
}
