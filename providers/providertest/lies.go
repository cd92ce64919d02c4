package providertest

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// lieAbout is an ID token that a relying party must refuse. It edits the claims,
// or signs them itself.
type lieAbout struct {
	claims func(s *OpenID, c map[string]any)
	sign   func(s *OpenID, g Grant, payload []byte) any
}

// idTokenLies by name.
var idTokenLies = map[string]lieAbout{
	"alg none": {sign: func(s *OpenID, g Grant, payload []byte) any {
		enc := base64.RawURLEncoding.EncodeToString
		return enc([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + enc(payload) + "."
	}},
	"HS256 with the client secret": {sign: func(s *OpenID, g Grant, payload []byte) any {
		secret := []byte(g.Client.Secret)
		for len(secret) < 32 {
			secret = append(secret, 0)
		}
		return sign(jose.HS256, secret, s.signing().kid, payload)
	}},
	"HS256 with the public key": {sign: func(s *OpenID, g Grant, payload []byte) any {
		der, err := x509.MarshalPKIXPublicKey(s.signing().private.Public())
		if err != nil {
			panic(err)
		}
		return sign(jose.HS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), s.signing().kid, payload)
	}},
	"unknown kid": {sign: func(s *OpenID, g Grant, payload []byte) any {
		k := s.signing()
		k.kid = "nobody-knows"
		return k.sign(payload)
	}},
	"foreign key": {sign: func(s *OpenID, g Grant, payload []byte) any {
		k := s.foreignKey()
		return k.sign(payload)
	}},
	"signature cut": {sign: func(s *OpenID, g Grant, payload []byte) any {
		t := s.signing().sign(payload)
		return t[:len(t)-10]
	}},
	"payload swapped": {sign: func(s *OpenID, g Grant, payload []byte) any {
		parts := strings.Split(s.signing().sign(payload), ".")
		parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), `"sub":"`, `"sub":"x`, 1)))
		return strings.Join(parts, ".")
	}},
	"JSON serialization": {sign: func(s *OpenID, g Grant, payload []byte) any {
		jws, err := jose.ParseSignedCompact(s.signing().sign(payload), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(s.o.Alg)})
		if err != nil {
			panic(err)
		}
		return jws.FullSerialize()
	}},
	"id_token number":  {sign: func(*OpenID, Grant, []byte) any { return 42 }},
	"id_token missing": {sign: func(*OpenID, Grant, []byte) any { return nil }},
	"id_token garbage": {sign: func(*OpenID, Grant, []byte) any { return "not.a.token" }},
	"nonce twice": {sign: func(s *OpenID, g Grant, payload []byte) any {
		return s.signing().sign([]byte(strings.Replace(string(payload), "{", `{"nonce":"another",`, 1)))
	}},
	"sub twice": {sign: func(s *OpenID, g Grant, payload []byte) any {
		return s.signing().sign([]byte(strings.Replace(string(payload), "{", `{"sub":"another",`, 1)))
	}},
	"Sub beside sub": {sign: func(s *OpenID, g Grant, payload []byte) any {
		return s.signing().sign([]byte(strings.Replace(string(payload), "{", `{"Sub":"another",`, 1)))
	}},
	"payload null":       {sign: func(s *OpenID, g Grant, _ []byte) any { return s.signing().sign([]byte("null")) }},
	"payload list":       {sign: func(s *OpenID, g Grant, _ []byte) any { return s.signing().sign([]byte("[]")) }},
	"iss other":          {claims: set("iss", "https://evil.example")},
	"iss missing":        {claims: unset("iss")},
	"aud other":          {claims: set("aud", "somebody-else")},
	"aud missing":        {claims: unset("aud")},
	"aud empty list":     {claims: set("aud", []string{})},
	"aud list of others": {claims: set("aud", []string{"a", "b"})},
	"aud more, no azp": {claims: func(s *OpenID, c map[string]any) {
		c["aud"] = []any{c["aud"], "somebody-else"}
		delete(c, "azp")
	}},
	"azp other":        {claims: set("azp", "somebody-else")},
	"azp number":       {claims: set("azp", 7)},
	"expired":          {claims: func(s *OpenID, c map[string]any) { c["exp"] = s.Now().Add(-time.Hour).Unix() }},
	"exp missing":      {claims: unset("exp")},
	"exp string":       {claims: set("exp", "soon")},
	"iat missing":      {claims: unset("iat")},
	"iat in future":    {claims: func(s *OpenID, c map[string]any) { c["iat"] = s.Now().Add(time.Hour).Unix() }},
	"iat long ago":     {claims: func(s *OpenID, c map[string]any) { c["iat"] = s.Now().Add(-72 * time.Hour).Unix() }},
	"nbf in future":    {claims: func(s *OpenID, c map[string]any) { c["nbf"] = s.Now().Add(time.Hour).Unix() }},
	"nonce missing":    {claims: unset("nonce")},
	"nonce other":      {claims: set("nonce", "of-another-attempt")},
	"nonce empty":      {claims: set("nonce", "")},
	"nonce number":     {claims: set("nonce", 7)},
	"at_hash wrong":    {claims: set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA")},
	"at_hash number":   {claims: set("at_hash", 7)},
	"sub empty":        {claims: set("sub", "")},
	"sub missing":      {claims: unset("sub")},
	"sub 256":          {claims: set("sub", strings.Repeat("x", 256))},
	"sub number":       {claims: set("sub", 12345)},
	"sub not ASCII":    {claims: set("sub", "jürgen")},
	"sub with newline": {claims: set("sub", "a\nb")},
}

func set(name string, value any) func(*OpenID, map[string]any) {
	return func(_ *OpenID, c map[string]any) { c[name] = value }
}

func unset(name string) func(*OpenID, map[string]any) {
	return func(_ *OpenID, c map[string]any) { delete(c, name) }
}

// Lies about the rest, by name; see the functions below.
var (
	metadataLies = []string{
		"issuer other", "issuer with slash", "issuer missing", "issuer twice", "token endpoint on file", "no token endpoint", "no keys",
		"only HS256", "token endpoint number", "unknown auth methods",
	}
	jwksLies   = []string{"jwks huge", "jwks many keys", "jwks oct", "jwks private", "jwks empty", "jwks garbage", "jwks for encryption"}
	answerLies = []string{
		"expires_in word", "expires_in negative", "expires_in object", "access_token missing", "access_token number", "token_type mac",
		"token answer twice", "token answer list",
	}
	userInfoLies = []string{"userinfo other sub", "userinfo no sub", "userinfo sub twice", "userinfo list", "userinfo JWT of a foreign key", "userinfo JWT alg none", "userinfo JWT for another"}
)

// Lies are the names of everything that a relying party must refuse, for
// Switches.Lie.
func Lies() []string {
	return slices.Concat(slices.Sorted(maps.Keys(idTokenLies)), metadataLies, jwksLies, answerLies, userInfoLies)
}

func (s *OpenID) lieInIDToken(g Grant, c map[string]any) any {
	lie := idTokenLies[s.switched().Lie]
	if lie.claims != nil {
		lie.claims(s, c)
	}
	payload := mustJSON(c)
	if lie.sign != nil {
		return lie.sign(s, g, payload)
	}
	return s.signing().sign(payload)
}

func (s *OpenID) lieInMetadata(w http.ResponseWriter, m map[string]any) {
	switch s.switched().Lie {
	case "issuer other":
		m["issuer"] = "https://evil.example"
	case "issuer with slash":
		m["issuer"] = s.Issuer + "/"
	case "issuer missing":
		delete(m, "issuer")
	case "issuer twice":
		raw := strings.Replace(string(mustJSON(m)), "{", `{"issuer":"https://evil.example",`, 1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(raw))
		return
	case "token endpoint on file":
		m["token_endpoint"] = "file:///etc/passwd"
	case "no token endpoint":
		delete(m, "token_endpoint")
	case "no keys":
		delete(m, "jwks_uri")
	case "only HS256":
		m["id_token_signing_alg_values_supported"] = []string{"HS256", "none"}
	case "token endpoint number":
		m["token_endpoint"] = 7
	case "unknown auth methods":
		m["token_endpoint_auth_methods_supported"] = []string{"private_key_jwt", "tls_client_auth"}
	}
	writeJSON(w, http.StatusOK, m)
}

func (s *OpenID) lieInJWKS(w http.ResponseWriter, set jose.JSONWebKeySet) {
	k := s.signing()
	switch s.switched().Lie {
	case "jwks huge":
		writeJSON(w, http.StatusOK, map[string]any{"keys": set.Keys, "padding": strings.Repeat("x", 2<<20)})
		return
	case "jwks many keys":
		one := set.Keys[0]
		for i := range 100 {
			one.KeyID = fmt.Sprint("k", i)
			set.Keys = append([]jose.JSONWebKey{one}, set.Keys...)
		}
	case "jwks oct":
		set.Keys = []jose.JSONWebKey{{Key: []byte(strings.Repeat("k", 32)), KeyID: k.kid}}
	case "jwks private":
		set.Keys = []jose.JSONWebKey{{Key: k.private, KeyID: k.kid, Use: "sig"}}
	case "jwks empty":
		set.Keys = nil
	case "jwks garbage":
		writeJSON(w, http.StatusOK, map[string]any{"keys": "none today"})
		return
	case "jwks for encryption":
		for i := range set.Keys {
			set.Keys[i].Use = "enc"
		}
	}
	writeJSON(w, http.StatusOK, set)
}

func (s *OpenID) lieInAnswer(w http.ResponseWriter, m map[string]any) {
	switch s.switched().Lie {
	case "expires_in word":
		m["expires_in"] = "soon"
	case "expires_in negative":
		m["expires_in"] = -1
	case "expires_in object":
		m["expires_in"] = map[string]any{"seconds": 3600}
	case "access_token missing":
		delete(m, "access_token")
	case "access_token number":
		m["access_token"] = 7
	case "token_type mac":
		m["token_type"] = "mac"
	case "token answer twice":
		raw := strings.Replace(string(mustJSON(m)), "{", `{"id_token":"a.b.c",`, 1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(raw))
		return
	case "token answer list":
		writeJSON(w, http.StatusOK, []any{m})
		return
	}
	writeJSON(w, http.StatusOK, m)
}

func (s *OpenID) lieInUserInfo(w http.ResponseWriter, g Grant, c map[string]any) {
	switches := s.switched()
	jwt := func(text string) {
		w.Header().Set("Content-Type", "application/jwt")
		_, _ = w.Write([]byte(text))
	}
	signed := maps.Clone(c)
	signed["iss"], signed["aud"] = s.Issuer, g.Client.ID
	switch switches.Lie {
	case "userinfo other sub":
		c["sub"] = "another"
	case "userinfo no sub":
		delete(c, "sub")
	case "userinfo sub twice":
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(strings.Replace(string(mustJSON(c)), "{", `{"sub":"another",`, 1)))
		return
	case "userinfo list":
		writeJSON(w, http.StatusOK, []any{c})
		return
	case "userinfo JWT of a foreign key":
		jwt(s.foreignKey().sign(mustJSON(signed)))
		return
	case "userinfo JWT alg none":
		jwt(idTokenLies["alg none"].sign(s, g, mustJSON(signed)).(string))
		return
	case "userinfo JWT for another":
		signed["aud"] = "somebody-else"
		jwt(s.signing().sign(mustJSON(signed)))
		return
	}
	if switches.SignedUserInfo {
		jwt(s.signing().sign(mustJSON(signed)))
		return
	}
	writeJSON(w, http.StatusOK, c)
}

// LieAbout switches a lie on for the rest of the test.
func (s *OpenID) LieAbout(t testing.TB, name string) {
	t.Helper()
	if !slices.Contains(Lies(), name) {
		t.Fatalf("no lie %q", name)
	}
	s.Switch(func(w *Switches) { w.Lie = name })
}
