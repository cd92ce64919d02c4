package tokens

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// idClaims are the claims of an ID token (OpenID Connect Core 1.0, section 2).
// What a person is called stands in userinfo, but for clients that get no
// access token.
type idClaims struct {
	Issuer          string   `json:"iss"`
	Subject         string   `json:"sub"`
	Audience        string   `json:"aud"`
	AuthorizedParty string   `json:"azp"`
	ExpiresAt       int64    `json:"exp"`
	IssuedAt        int64    `json:"iat"`
	AuthTime        int64    `json:"auth_time,omitempty"`
	Nonce           string   `json:"nonce,omitempty"`
	AccessTokenHash string   `json:"at_hash,omitempty"`
	CodeHash        string   `json:"c_hash,omitempty"` // OpenID Connect Core 1.0, section 3.3.2.11
	AMR             []string `json:"amr,omitempty"`    // RFC 8176
	ACR             string   `json:"acr,omitempty"`
	SID             string   `json:"sid,omitempty"` // OpenID Connect Back-Channel Logout 1.0, section 2.1
	Provider        string   `json:"idp"`           // id of the identity provider that was used; "local": a password
	personClaims
}

// providerLocal is the "idp" of somebody who came with a password.
const providerLocal = "local"

// errNoKey: no key of the algorithm can sign now.
var errNoKey = errors.New("tokens: no signing key")

// idTokenRequest is what an ID token is made of.
type idTokenRequest struct {
	client       broker.Client
	recipient    *recipient // of the client; nil where it wants no encryption
	grant        broker.Grant
	access, code string // issued beside it; "" none
	nonce        string
	person       personClaims
	at           time.Time
}

// idToken makes the ID token of a grant for the client, signed with the
// algorithm that the client is registered for, and encrypted where it is
// registered for that. Everything in it but the times
// and the hashes stays the same when it is refreshed (OpenID Connect Core 1.0,
// section 12.2).
func (s *Service) idToken(r idTokenRequest) (string, error) {
	if r.recipient == nil && idTokenEncryption(r.client).alg != "" {
		return "", errCannotEncrypt // whoever calls forgot it
	}
	alg := idTokenAlg(r.client)
	key := s.keys.Load().signer(alg, r.at)
	if key == nil {
		return "", fmt.Errorf("%w: %s", errNoKey, alg)
	}
	g := r.grant
	claims := idClaims{
		Issuer: s.o.Issuer, Subject: s.subjectOf(r.client, g.UserID), Audience: r.client.ID, AuthorizedParty: r.client.ID,
		ExpiresAt: r.at.Add(s.o.IDTokenLifetime).Unix(), IssuedAt: r.at.Unix(),
		Nonce: r.nonce, AccessTokenHash: leftHash(alg, r.access), CodeHash: leftHash(alg, r.code),
		AMR: g.AMR, ACR: g.ACR, SID: g.SID, Provider: g.Provider, personClaims: r.person,
	}
	if !g.AuthTime.IsZero() {
		claims.AuthTime = g.AuthTime.Unix()
	}
	if claims.Provider == "" {
		claims.Provider = providerLocal
	}
	payload, err := withCustom(claims, r.person.custom)
	if err != nil {
		return "", err
	}
	signed, err := key.sign(payload)
	if err != nil || r.recipient == nil {
		return signed, err
	}
	return r.recipient.encrypt([]byte(signed), nestedType, nil) // signed, then encrypted (section 2)
}

// sign makes a JWT of a payload.
func (k *signingKey) sign(payload []byte) (string, error) {
	signed, err := k.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign with %s: %w", k.ID, err)
	}
	return signed.CompactSerialize()
}

// idTokenAlg is the algorithm of a client's ID tokens.
func idTokenAlg(c broker.Client) string {
	if c.IDTokenAlg == "" {
		return broker.RS256
	}
	return c.IDTokenAlg
}

// leftHash is at_hash and c_hash: the left half of the hash that the signature
// algorithm uses (OpenID Connect Core 1.0, section 3.1.3.6); "" for "". EdDSA
// with Ed25519 uses SHA-512 (RFC 8032, section 5.1).
func leftHash(alg, value string) string {
	if value == "" {
		return ""
	}
	var sum []byte
	switch {
	case strings.HasSuffix(alg, "256"):
		h := sha256.Sum256([]byte(value))
		sum = h[:]
	case strings.HasSuffix(alg, "384"):
		h := sha512.Sum384([]byte(value))
		sum = h[:]
	default:
		h := sha512.Sum512([]byte(value))
		sum = h[:]
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// maxHintToken bounds an ID token that comes back to us.
const maxHintToken = 8 << 10

// errHint: the text is not an ID token of ours.
var errHint = errors.New("tokens: not an ID token of ours")

// readHint reads an ID token that we issued, decrypted where it was encrypted, expired or not, signed by any key
// that we know, retired ones included.
func (s *Service) readHint(token string) (idClaims, error) {
	if len(token) > maxHintToken {
		return idClaims{}, errHint
	}
	jws, err := jose.ParseSignedCompact(token, josed())
	if err != nil {
		return idClaims{}, errHint
	}
	header := jws.Signatures[0].Protected
	key := s.keys.Load().byID(header.KeyID)
	typ, told := header.ExtraHeaders[jose.HeaderType]
	if key == nil || key.Alg != header.Algorithm || told && typ != "JWT" {
		return idClaims{}, errHint
	}
	payload, err := jws.Verify(key.public)
	if err != nil {
		return idClaims{}, errHint
	}
	var claims idClaims
	if err := json.Unmarshal(payload, &claims); err != nil || claims.Issuer != s.o.Issuer || claims.Subject == "" || claims.Audience == "" || claims.ExpiresAt == 0 { // signed userinfo has no end
		return idClaims{}, errHint
	}
	return claims, nil
}
