package providertest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// globusTokenLifetime is that of access and ID tokens: 48 hours.
	globusTokenLifetime = 172800 * time.Second
	// globusRefreshIdle is how long an unused refresh token lives.
	globusRefreshIdle = 182 * 24 * time.Hour
)

// client authenticates by HTTP Basic and nothing else. The caller holds mu.
func (g *Globus) client(w http.ResponseWriter, r *http.Request) *GlobusClient {
	id, secret, basic := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	c := g.clients[id]
	if !basic || c == nil || r.ParseForm() != nil || subtle.ConstantTimeCompare([]byte(c.Secret), []byte(secret)) != 1 {
		globusFailure(w, http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized", "Unauthorized")
		return nil
	}
	return c
}

// token serves POST /v2/oauth2/token. A bad code is 401, not 400.
func (g *Globus) token(w http.ResponseWriter, r *http.Request) {
	at := g.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	client := g.client(w, r)
	if client == nil {
		return
	}
	badGrant := func() { writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_grant"}) }
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		c := g.codes[r.PostForm.Get("code")]
		if c == nil || c.used || c.client != client.ID || at.After(c.expires) || c.redirect != r.PostForm.Get("redirect_uri") || !c.verified(r.PostForm.Get("code_verifier")) {
			if c != nil {
				c.used = true
			}
			badGrant()
			return
		}
		c.used = true
		g.redeem(w, client, c, at)
	case "refresh_token":
		text := r.PostForm.Get("refresh_token")
		i := slices.IndexFunc(g.tokens, func(t *globusToken) bool {
			return t.refresh != "" && t.refresh == text && t.client == client.ID && !t.refreshDead && at.Sub(t.lastUse) < globusRefreshIdle
		})
		if i < 0 {
			badGrant()
			return
		}
		old := g.tokens[i]
		old.lastUse = at
		tok := g.issue(client, old.identity, old.server, old.scopes, false, at)
		tok.refresh, tok.lastUse = old.refresh, at // not rotated
		writeJSON(w, http.StatusOK, tok.answer())
	default:
		globusFailure(w, http.StatusBadRequest, "BAD_REQUEST", "unsupported_grant_type", "Bad Request")
	}
}

// verified is PKCE: a verifier for a challenge, and none where there was none.
func (c *globusCode) verified(verifier string) bool {
	if c.challenge == "" {
		return verifier == ""
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:]) == c.challenge
}

// redeem answers with one token a resource server. The caller holds mu.
func (g *Globus) redeem(w http.ResponseWriter, client *GlobusClient, c *globusCode, at time.Time) {
	byServer := map[string][]string{}
	for _, s := range c.scopes {
		byServer[globusServers[s]] = append(byServer[globusServers[s]], s)
	}
	var answers []map[string]any
	var auth *globusToken
	for _, server := range []string{globusAuthServer, globusGroupsServer} {
		if scopes := byServer[server]; len(scopes) > 0 {
			tok := g.issue(client, c.identity, server, scopes, c.offline, at)
			answers = append(answers, tok.answer())
			if server == globusAuthServer {
				auth = tok
			}
		}
	}
	if g.settings.AuthTokenLast {
		slices.Reverse(answers)
	}
	out := answers[0]
	out["other_tokens"], out["state"] = append([]map[string]any{}, answers[1:]...), c.state
	if auth != nil && slices.Contains(auth.scopes, "openid") {
		out["id_token"] = g.idToken(client, c, auth, at)
	}
	writeJSON(w, http.StatusOK, out)
}

// issue makes an access token, and a refresh token where offline access was
// asked for. The caller holds mu.
func (g *Globus) issue(client *GlobusClient, identity, server string, scopes []string, offline bool, at time.Time) *globusToken {
	tok := &globusToken{
		access: "Ag" + randomText(36), client: client.ID, identity: identity, server: server, scopes: scopes,
		expires: at.Add(globusTokenLifetime), lastUse: at,
	}
	if offline {
		tok.refresh = "Ag" + randomText(36)
	}
	g.tokens = append(g.tokens, tok)
	return tok
}

func (t *globusToken) answer() map[string]any {
	out := map[string]any{
		"access_token": t.access, "scope": strings.Join(t.scopes, " "), "expires_in": int(globusTokenLifetime / time.Second),
		"token_type": "Bearer", "resource_server": t.server,
	}
	if t.refresh != "" {
		out["refresh_token"] = t.refresh
	}
	return out
}

// idToken makes the ID token of a code. The caller holds mu.
func (g *Globus) idToken(client *GlobusClient, c *globusCode, auth *globusToken, at time.Time) string {
	claims := g.claims(c.identity, auth.scopes)
	for k, v := range map[string]any{
		"iss": g.URL, "aud": client.ID, "iat": at.Unix(), "exp": at.Add(globusTokenLifetime).Unix(), "at_hash": g.keys.halfHash(auth.access),
	} {
		claims[k] = v
	}
	if c.nonce != "" && !g.settings.NoNonce {
		claims["nonce"] = c.nonce
	}
	if g.settings.Claims != nil {
		g.settings.Claims(claims)
	}
	return g.keys.sign(claims, g.settings.Forge, client.Secret)
}

// globusFailure is the error envelope of the API.
func globusFailure(w http.ResponseWriter, status int, code, short, title string) {
	writeJSON(w, status, map[string]any{
		"errors": []map[string]string{{"status": strconv.Itoa(status), "id": uuid(), "code": code, "title": title, "detail": title}},
		"error":  short, "error_description": title,
	})
}
