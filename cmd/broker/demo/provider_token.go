package demo

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// idTokenLifetime is how long the broker may take to read the ID token.
const idTokenLifetime = 5 * time.Minute

// postToken serves POST {path}/token (RFC 6749, section 4.1.3).
func (p *provider) postToken(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.tokenError(w, http.StatusBadRequest, "invalid_request", "the form cannot be read")
		return
	}
	if !p.authenticated(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="`+p.app.ID+`"`)
		p.tokenError(w, http.StatusUnauthorized, "invalid_client", "the client id or the secret is wrong")
		return
	}
	if r.PostForm.Get("grant_type") != broker.GrantCode {
		p.tokenError(w, http.StatusBadRequest, "unsupported_grant_type", "grant_type must be authorization_code")
		return
	}
	at, code := time.Now(), broker.Secret(r.PostForm.Get("code"))
	g, ok, again := p.codes.spend(code, at)
	if again && g.access != "" {
		p.tokens.drop(g.access) // RFC 6749, section 4.1.2
	}
	switch {
	case !ok:
		p.tokenError(w, http.StatusBadRequest, "invalid_grant", "the code is unknown, expired or used")
		return
	case r.PostForm.Get("redirect_uri") != g.redirectURI:
		p.tokenError(w, http.StatusBadRequest, "invalid_grant", "the redirect URI is another one")
		return
	case !proves(r.PostForm.Get("code_verifier"), g.challenge):
		p.tokenError(w, http.StatusBadRequest, "invalid_grant", "the code verifier is wrong")
		return
	}
	access := p.tokens.put(g, at)
	g.access = access
	p.codes.change(code, g)
	id, err := p.idToken(g, access, at)
	if err != nil {
		p.log.Error("demo provider cannot sign", "provider", p.app.ID, "err", err)
		p.tokenError(w, http.StatusInternalServerError, "server_error", "the ID token could not be signed")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": access.Reveal(), "token_type": "Bearer", "expires_in": int(accessLifetime.Seconds()),
		"scope": g.scope, "id_token": id,
	})
}

// authenticated checks client_secret_basic or client_secret_post (RFC 6749,
// section 2.3.1), and never both.
func (p *provider) authenticated(r *http.Request) bool {
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, pass, ok := r.BasicAuth(); ok {
		if secret != "" {
			return false
		}
		var err1, err2 error
		id, err1 = url.QueryUnescape(user)
		secret, err2 = url.QueryUnescape(pass)
		if err1 != nil || err2 != nil {
			return false
		}
	}
	return subtle.ConstantTimeCompare([]byte(id), []byte(p.app.ClientID)) == 1 &&
		broker.Secret(secret).Matches(p.app.ClientSecret.Hash())
}

// proves tells whether the verifier belongs to the challenge (RFC 7636, section 4.6).
func proves(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

func (p *provider) tokenError(w http.ResponseWriter, status int, code, description string) {
	p.log.Info("demo provider refused a token request", "provider", p.app.ID, "error", code, "description", description)
	writeJSON(w, status, map[string]string{"error": code, "error_description": description})
}

// idToken signs the claims (OpenID Connect Core 1.0, section 2).
func (p *provider) idToken(g grant, access broker.Secret, at time.Time) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: p.alg, Key: p.key()}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(access.Reveal()))
	claims := p.claims(g)
	claims["iss"], claims["aud"] = p.app.Issuer, p.app.ClientID
	claims["iat"], claims["exp"] = at.Unix(), at.Add(idTokenLifetime).Unix()
	claims["auth_time"], claims["nonce"] = g.authTime.Unix(), g.nonce
	claims["at_hash"] = base64.RawURLEncoding.EncodeToString(sum[:16])
	claims["amr"] = []string{"user"} // RFC 8176: somebody was there
	b, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(b)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// claims tells of the person what the scopes ask for (OpenID Connect Core 1.0,
// section 5.4).
func (p *provider) claims(g grant) map[string]any {
	c := map[string]any{"sub": p.subject(g.person.Key)}
	scopes := strings.Fields(g.scope)
	if slices.Contains(scopes, "profile") {
		c["name"], c["preferred_username"] = g.person.Name, g.person.Username
	}
	if slices.Contains(scopes, "email") && g.person.Email != "" {
		c["email"], c["email_verified"] = g.person.Email, g.person.EmailVerified
	}
	return c
}

// serveUserInfo serves GET and POST {path}/userinfo; the token travels in the
// header only (RFC 6750, section 2.1).
func (p *provider) serveUserInfo(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	g, ok := p.tokens.get(broker.Secret(token), time.Now())
	if !strings.EqualFold(scheme, "Bearer") || !ok {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	writeJSON(w, http.StatusOK, p.claims(g))
}
