package providertest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func (s *OpenID) serveDiscovery(w http.ResponseWriter, r *http.Request) {
	m := map[string]any{
		"issuer": s.Issuer, "authorization_endpoint": s.Endpoint(Authorize), "token_endpoint": s.Endpoint(Token), "jwks_uri": s.Endpoint(JWKS),
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{s.o.Alg}, "token_endpoint_auth_methods_supported": s.o.AuthMethods,
		"scopes_supported": []string{"openid", "profile", "email"},
	}
	for name, endpoint := range map[string]string{"userinfo_endpoint": UserInfo, "revocation_endpoint": Revoke, "end_session_endpoint": EndSession} {
		if u := s.Endpoint(endpoint); u != "" {
			m[name] = u
		}
	}
	switches := s.switched()
	if !switches.OmitIssuer {
		m["authorization_response_iss_parameter_supported"] = true
	}
	if !switches.IgnorePKCE {
		m["code_challenge_methods_supported"] = []string{"S256"}
	}
	if s.o.Metadata != nil {
		s.o.Metadata(m)
	}
	s.lieInMetadata(w, m)
}

func (s *OpenID) serveJWKS(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	set := jose.JSONWebKeySet{}
	for _, k := range s.keys {
		set.Keys = append(set.Keys, k.public())
	}
	s.mu.Unlock()
	s.lieInJWKS(w, set)
}

// bearer finds the grant of the access token in the request.
func (s *OpenID) bearer(w http.ResponseWriter, r *http.Request) (*Grant, bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	now := s.Now()
	s.mu.Lock()
	g := s.access[token]
	live := ok && g != nil && !g.revoked && now.Before(g.expires)
	s.mu.Unlock()
	if !live {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token", "error_description": "Token verification failed"})
		return nil, false
	}
	return g, true
}

// Live tells whether an access token works now.
func (s *OpenID) Live(access string) bool {
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.access[access]
	return g != nil && !g.revoked && now.Before(g.expires)
}

func (s *OpenID) serveUserInfo(w http.ResponseWriter, r *http.Request) {
	g, ok := s.bearer(w, r)
	if !ok {
		return
	}
	p, ok := s.person(g)
	if !ok {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token", "error_description": "User not found"})
		return
	}
	c := personClaims(p, g.Scope)
	if s.o.OnUserInfo != nil {
		s.o.OnUserInfo(*g, c)
	}
	s.lieInUserInfo(w, *g, c)
}

func (s *OpenID) serveRevoke(w http.ResponseWriter, r *http.Request) {
	client, ok := s.authenticate(w, r)
	if !ok {
		return
	}
	token := r.PostForm.Get("token")
	s.mu.Lock()
	if g := s.refresh[token]; g != nil && g.Client.ID == client.ID {
		g.revoked = true // and the access tokens of the grant
	}
	if g := s.access[token]; g != nil && g.Client.ID == client.ID {
		delete(s.access, token)
	}
	s.mu.Unlock()
	w.WriteHeader(http.StatusOK) // whether it existed or not: RFC 7009, section 2.2
}

// serveEndSession ends a session and goes where the client registered: the
// redirect URIs stand for post-logout ones too. The client is known by a hint
// that we signed, or by its id; nobody's request gets a page.
func (s *OpenID) serveEndSession(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	id := q.Get("client_id")
	if hint := q.Get("id_token_hint"); hint != "" {
		k := s.signing()
		jws, err := jose.ParseSignedCompact(hint, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(k.alg)})
		if err == nil {
			_, err = jws.Verify(k.private.Public())
		}
		var c struct{ Aud string }
		if err != nil || json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &c) != nil || id != "" && id != c.Aud {
			http.Error(w, "Invalid parameter: id_token_hint", http.StatusBadRequest)
			return
		}
		id = c.Aud
	}
	target := q.Get("post_logout_redirect_uri")
	s.mu.Lock()
	client, known := s.clients[id]
	s.mu.Unlock()
	switch {
	case !known || target == "":
		_, _ = io.WriteString(w, "Do you want to log out?")
	case !slices.Contains(client.RedirectURIs, target):
		http.Error(w, "Invalid redirect uri", http.StatusBadRequest)
	default:
		http.Redirect(w, r, target+"?"+url.Values{"state": {q.Get("state")}}.Encode(), http.StatusSeeOther)
	}
}

// LiveRefreshTokens is how many refresh tokens still work.
func (s *OpenID) LiveRefreshTokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, g := range s.refresh {
		if !g.revoked {
			n++
		}
	}
	return n
}

// GiveRefreshToken makes a refresh token as if a person had signed in to a client.
func (s *OpenID) GiveRefreshToken(client, subject, scope string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := random()
	s.refresh[token] = &Grant{Person: s.people[subject], Client: s.clients[client], Scope: scope, AuthTime: time.Now(), used: true, answered: true}
	return token
}
