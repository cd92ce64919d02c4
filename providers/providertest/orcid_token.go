package providertest

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// orcidTokenLifetime is what expires_in says: about twenty years.
const orcidTokenLifetime = 631138518 * time.Second

// token serves POST /oauth/token. Clients authenticate in the body alone, and
// code_verifier is dropped without a word.
func (o *ORCID) token(w http.ResponseWriter, r *http.Request) {
	at := o.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if mt, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mt != "application/x-www-form-urlencoded" {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	if r.ParseForm() != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	form := r.PostForm
	client := o.authenticated(form)
	if client == nil {
		orcidTokenError(w, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
		return
	}
	switch form.Get("grant_type") {
	case "authorization_code":
		o.redeem(w, client, form, at)
	case "refresh_token":
		o.refresh(w, client, form, at)
	case "client_credentials":
		if form.Get("scope") != "/read-public" {
			orcidTokenError(w, http.StatusBadRequest, "invalid_scope", "Invalid scope: "+form.Get("scope"))
			return
		}
		tok := o.issue(client.ID, "", "", []string{"/read-public"}, at)
		writeJSON(w, http.StatusOK, o.answer(tok, at))
	case "":
		orcidTokenError(w, http.StatusBadRequest, "unsupported_grant_type", "grant_type is missing")
	default:
		orcidTokenError(w, http.StatusBadRequest, "unsupported_grant_type", "Unsupported grant type: "+form.Get("grant_type"))
	}
}

// authenticated is the client that the body proves; nil none. The caller holds mu.
func (o *ORCID) authenticated(form url.Values) *ORCIDClient {
	c := o.clients[form.Get("client_id")]
	if c == nil || subtle.ConstantTimeCompare([]byte(c.Secret), []byte(form.Get("client_secret"))) != 1 {
		return nil
	}
	return c
}

// redeem exchanges a code; a second use revokes what the first one gave.
func (o *ORCID) redeem(w http.ResponseWriter, client *ORCIDClient, form url.Values, at time.Time) {
	text := form.Get("code")
	c := o.codes[text]
	if c != nil && c.used {
		for _, tok := range o.tokens {
			if tok.code == text {
				tok.dead = true
			}
		}
	}
	if c == nil || c.used || c.client != client.ID || at.After(c.expires) {
		orcidTokenError(w, http.StatusBadRequest, "invalid_grant", "Invalid authorization code: "+text)
		return
	}
	c.used = true
	if form.Get("redirect_uri") != c.redirect {
		orcidTokenError(w, http.StatusBadRequest, "invalid_grant", "Redirect URI mismatch.")
		return
	}
	if c.challenge && o.settings.ChallengeFails { // the verifier never arrives behind the front controller
		orcidTokenError(w, http.StatusBadRequest, "invalid_grant", "code_verifier is missing")
		return
	}
	tok := o.issue(client.ID, c.orcid, text, strings.Fields(c.scope), at)
	out := o.answer(tok, at)
	if slices.Contains(tok.scopes, "openid") {
		out["id_token"] = o.idToken(client, c, tok, at)
	}
	writeJSON(w, http.StatusOK, out)
}

// refresh makes a new pair; the old one dies unless revoke_old is "false".
func (o *ORCID) refresh(w http.ResponseWriter, client *ORCIDClient, form url.Values, at time.Time) {
	i := slices.IndexFunc(o.tokens, func(t *orcidToken) bool {
		return t.refresh != "" && t.refresh == form.Get("refresh_token") && t.client == client.ID && !t.dead
	})
	if i < 0 {
		orcidTokenError(w, http.StatusBadRequest, "invalid_grant", "Invalid refresh token: "+form.Get("refresh_token"))
		return
	}
	old, scopes := o.tokens[i], o.tokens[i].scopes
	if s := strings.Fields(form.Get("scope")); len(s) > 0 {
		if slices.ContainsFunc(s, func(x string) bool { return !slices.Contains(old.scopes, x) }) {
			orcidTokenError(w, http.StatusBadRequest, "invalid_scope", "The given scope is not a subset of the parent's")
			return
		}
		scopes = s
	}
	if form.Get("revoke_old") != "false" {
		old.dead = true
	}
	tok := o.issue(old.client, old.orcid, old.code, scopes, at)
	if n, err := strconv.Atoi(form.Get("expires_in")); err == nil && n > 0 {
		tok.expires = at.Add(time.Duration(n) * time.Second)
	}
	writeJSON(w, http.StatusOK, o.answer(tok, at))
}

// issue makes a token. The caller holds mu.
func (o *ORCID) issue(client, orcid, code string, scopes []string, at time.Time) *orcidToken {
	tok := &orcidToken{
		access: uuid(), refresh: uuid(), client: client, orcid: orcid, code: code, scopes: scopes, expires: at.Add(orcidTokenLifetime),
	}
	o.tokens = append(o.tokens, tok)
	return tok
}

// answer is the body of a token response. The caller holds mu.
func (o *ORCID) answer(tok *orcidToken, at time.Time) map[string]any {
	out := map[string]any{
		"access_token": tok.access, "token_type": "bearer", "refresh_token": tok.refresh,
		"expires_in": int64(tok.expires.Sub(at) / time.Second), "scope": strings.Join(tok.scopes, " "), "orcid": nil,
	}
	if rec := o.records[tok.orcid]; rec != nil {
		out["orcid"], out["name"] = rec.ID, rec.publicName()
	}
	return out
}

// idToken makes the ID token of a code. The caller holds mu.
func (o *ORCID) idToken(client *ORCIDClient, c *orcidCode, tok *orcidToken, at time.Time) string {
	life := o.settings.IDTokenLifetime
	if life == 0 {
		life = 24 * time.Hour
	}
	claims := map[string]any{
		"iss": o.URL, "sub": c.orcid, "aud": client.ID, "iat": at.Unix(), "exp": at.Add(life).Unix(),
		"auth_time": c.authTime.Unix(), "at_hash": o.keys.halfHash(tok.access), "jti": uuid(),
	}
	if c.nonce != "" && !o.settings.NoNonce {
		claims["nonce"] = c.nonce
	}
	if rec := o.records[c.orcid]; rec != nil && !rec.NamePrivate {
		claims["given_name"] = rec.Given
		if rec.Family != "" {
			claims["family_name"] = rec.Family
			claims["name"] = rec.publicName()
		}
	}
	if client.Member { // a plain string, although RFC 8176 has an array
		claims["amr"] = "pwd"
		if o.settings.AMR != "" {
			claims["amr"] = o.settings.AMR
		}
	}
	if o.settings.Claims != nil {
		o.settings.Claims(claims)
	}
	return o.keys.sign(claims, o.settings.Forge, client.Secret)
}

func (rec *ORCIDRecord) publicName() string {
	if rec.NamePrivate {
		return ""
	}
	return strings.TrimSpace(rec.Given + " " + rec.Family)
}

func orcidTokenError(w http.ResponseWriter, status int, code, description string) {
	writeJSON(w, status, map[string]string{"error": code, "error_description": description})
}

// uuid is a random UUID (RFC 9562, version 4).
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
