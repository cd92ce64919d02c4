package providertest

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

func random() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(mustJSON(v))
}

func (s *OpenID) tokenError(w http.ResponseWriter, status int, code, description string) {
	e := TokenError{Status: status, Code: code, Description: description}
	if s.o.OnTokenError != nil {
		s.o.OnTokenError(&e)
	}
	if e.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="fake"`)
	}
	writeJSON(w, e.Status, map[string]string{"error": e.Code, "error_description": e.Description})
}

// authenticate checks the client by the methods that the fake accepts, and by
// one of them only (RFC 6749, section 2.3).
func (s *OpenID) authenticate(w http.ResponseWriter, r *http.Request) (Client, bool) {
	no := func(description string) (Client, bool) {
		s.tokenError(w, http.StatusUnauthorized, "invalid_client", description)
		return Client{}, false
	}
	if t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); t != "application/x-www-form-urlencoded" {
		s.tokenError(w, http.StatusUnsupportedMediaType, "invalid_request", "a form is wanted")
		return Client{}, false
	}
	if err := r.ParseForm(); err != nil || r.URL.RawQuery != "" {
		s.tokenError(w, http.StatusBadRequest, "invalid_request", "malformed form, or parameters in the URL")
		return Client{}, false
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			s.tokenError(w, http.StatusBadRequest, "invalid_request", "parameter twice: "+name)
			return Client{}, false
		}
	}
	id, secret, basic := r.BasicAuth()
	method := "client_secret_basic"
	if basic {
		if r.PostForm.Has("client_secret") {
			return no("two authentication methods")
		}
		var err1, err2 error
		id, err1 = url.QueryUnescape(id)
		secret, err2 = url.QueryUnescape(secret)
		if err1 != nil || err2 != nil {
			return no("malformed credentials")
		}
	} else {
		id, secret, method = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret"), "client_secret_post"
	}
	s.mu.Lock()
	client, known := s.clients[id]
	s.mu.Unlock()
	switch {
	case !known:
		return no("unknown client")
	case client.Secret == "" && (basic || secret != ""):
		return no("a public client has no secret")
	case client.Secret == "":
		return client, true
	case !slices.Contains(s.o.AuthMethods, method):
		return no(method + " is not accepted")
	case subtle.ConstantTimeCompare([]byte(secret), []byte(client.Secret)) != 1:
		return no("wrong secret")
	}
	return client, true
}

func (s *OpenID) serveToken(w http.ResponseWriter, r *http.Request) {
	client, ok := s.authenticate(w, r)
	if !ok {
		return
	}
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		s.redeemCode(w, r, client)
	case "refresh_token":
		s.redeemRefresh(w, r, client)
	default:
		s.tokenError(w, http.StatusBadRequest, "unsupported_grant_type", "")
	}
}

func (s *OpenID) redeemCode(w http.ResponseWriter, r *http.Request, client Client) {
	now := s.Now()
	s.mu.Lock()
	g, known := s.codes[r.PostForm.Get("code")]
	problem := ""
	switch {
	case !known:
		problem = "Code not valid"
	case g.used:
		problem = "Code not valid: it was used"
		g.revoked = true // RFC 6749, section 4.1.2
	case now.After(g.expires):
		problem = "Code not valid: it has expired"
	case g.Client.ID != client.ID:
		problem = "Code not valid: another client's"
	case g.RedirectURI != r.PostForm.Get("redirect_uri"):
		problem = "redirect_uri differs"
	case s.switches.IgnorePKCE:
	case g.challenge != s256(r.PostForm.Get("code_verifier")):
		problem = "code_verifier differs"
	}
	if known {
		g.used = true
	}
	s.mu.Unlock()
	if problem != "" {
		s.tokenError(w, http.StatusBadRequest, "invalid_grant", problem)
		return
	}
	s.issue(w, g)
}

// s256 is the challenge of a verifier (RFC 7636); "" of none.
func s256(verifier string) string {
	if verifier == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (s *OpenID) redeemRefresh(w http.ResponseWriter, r *http.Request, client Client) {
	token := r.PostForm.Get("refresh_token")
	s.mu.Lock()
	g, known := s.refresh[token]
	if again := s.used[token]; again != nil && s.switches.RefreshAgain {
		g, known = again, true
	} else if again != nil {
		again.revoked = true // thief or person: the fake cannot know
	}
	ok := known && !g.revoked && g.Client.ID == client.ID
	if ok && !s.switches.KeepRefresh {
		delete(s.refresh, token) // they rotate
		s.used[token] = g
	}
	s.mu.Unlock()
	if !ok {
		s.tokenError(w, http.StatusBadRequest, "invalid_grant", "Token is not active")
		return
	}
	s.issue(w, g)
}

// issue answers with tokens of a grant.
func (s *OpenID) issue(w http.ResponseWriter, g *Grant) {
	access, refresh := random(), random()
	if s.o.AccessToken != nil {
		s.mu.Lock()
		given := *g
		s.mu.Unlock()
		access = s.o.AccessToken(given)
	}
	s.mu.Lock()
	g.refreshed, g.answered = g.answered, true
	g.expires = time.Now().Add(s.offset + s.o.Lifetime)
	s.access[access], s.refresh[refresh] = g, g
	given := *g
	s.mu.Unlock()
	answer := map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": int(s.o.Lifetime.Seconds()),
		"refresh_token": refresh, "scope": given.Scope, "id_token": s.idToken(given, access),
	}
	if s.switched().KeepRefresh && given.refreshed {
		delete(answer, "refresh_token")
	}
	if s.o.TokenAnswer != nil {
		s.o.TokenAnswer(given, answer)
	}
	s.lieInAnswer(w, answer)
}

// person returns who the grant is of, as they are now.
func (s *OpenID) person(g *Grant) (Person, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.people[g.Person.Subject]
	return p, ok
}

// personClaims are the claims that scopes give.
func personClaims(p Person, scope string) map[string]any {
	c := map[string]any{"sub": p.Subject}
	set := func(name, value string) {
		if value != "" {
			c[name] = value
		}
	}
	if hasScope(scope, "profile") {
		set("name", p.Name)
		set("preferred_username", p.Username)
	}
	if hasScope(scope, "email") {
		set("email", p.Email)
		if p.EmailVerified != nil {
			c["email_verified"] = p.EmailVerified
		}
	}
	maps.Copy(c, p.Claims)
	return c
}
