package providertest

import (
	"crypto"
	_ "crypto/sha256" // links the hashes of halfHash
	_ "crypto/sha512"
	"encoding/base64"
	"strings"
)

// idToken makes the ID token of a grant, or a lie.
func (s *OpenID) idToken(g Grant, access string) any {
	now := s.Now()
	person, ok := s.person(&g)
	if !ok {
		person = g.Person
	}
	c := personClaims(person, g.Scope)
	c["iss"], c["aud"], c["azp"] = s.Issuer, g.Client.ID, g.Client.ID
	c["iat"], c["exp"], c["auth_time"] = now.Unix(), now.Add(s.o.Lifetime).Unix(), g.AuthTime.Unix()
	c["sid"] = g.SID
	if g.Nonce != "" {
		c["nonce"] = g.Nonce
	}
	c["at_hash"] = halfHash(s.o.Alg, access)
	if s.o.IDTokenClaims != nil {
		s.o.IDTokenClaims(g, c)
	}
	return s.lieInIDToken(g, c)
}

// halfHash is at_hash (OpenID Connect Core 1.0, section 3.1.3.6).
func halfHash(alg, token string) string {
	hash := crypto.SHA256
	switch {
	case strings.HasSuffix(alg, "384"):
		hash = crypto.SHA384
	case strings.HasSuffix(alg, "512"):
		hash = crypto.SHA512
	}
	h := hash.New()
	h.Write([]byte(token))
	sum := h.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
