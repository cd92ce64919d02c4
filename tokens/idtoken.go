package tokens

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// idClaims are the claims of an ID token (OpenID Connect Core 1.0, section 2).
// What a person is called stands in userinfo.
type idClaims struct {
	Issuer          string   `json:"iss"`
	Subject         string   `json:"sub"`
	Audience        string   `json:"aud"`
	AuthorizedParty string   `json:"azp"`
	ExpiresAt       int64    `json:"exp"`
	IssuedAt        int64    `json:"iat"`
	AuthTime        int64    `json:"auth_time,omitempty"`
	Nonce           string   `json:"nonce,omitempty"`
	AccessTokenHash string   `json:"at_hash"`
	AMR             []string `json:"amr,omitempty"` // RFC 8176
	ACR             string   `json:"acr,omitempty"`
	SID             string   `json:"sid,omitempty"` // OpenID Connect Back-Channel Logout 1.0, section 2.1
	Provider        string   `json:"idp"`           // id of the identity provider that was used; "local": a password
}

// providerLocal is the "idp" of somebody who came with a password.
const providerLocal = "local"

// errNoKey: no key of the algorithm can sign now.
var errNoKey = errors.New("tokens: no signing key")

// idToken makes the ID token of a grant for the client, signed with the
// algorithm that the client is registered for. Everything in it but the times
// and at_hash stays the same when it is refreshed (OpenID Connect Core 1.0,
// section 12.2).
func (s *Service) idToken(c broker.Client, g broker.Grant, access, nonce string, at time.Time) (string, error) {
	alg := c.IDTokenAlg
	if alg == "" {
		alg = broker.RS256
	}
	key := s.keys.Load().signer(alg, at)
	if key == nil {
		return "", fmt.Errorf("%w: %s", errNoKey, alg)
	}
	claims := idClaims{
		Issuer: s.o.Issuer, Subject: string(g.UserID), Audience: c.ID, AuthorizedParty: c.ID,
		ExpiresAt: at.Add(s.o.IDTokenLifetime).Unix(), IssuedAt: at.Unix(),
		Nonce: nonce, AccessTokenHash: leftHash(access), AMR: g.AMR, ACR: g.ACR, SID: g.SID, Provider: g.Provider,
	}
	if !g.AuthTime.IsZero() {
		claims.AuthTime = g.AuthTime.Unix()
	}
	if claims.Provider == "" {
		claims.Provider = providerLocal
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := key.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign with %s: %w", key.ID, err)
	}
	return signed.CompactSerialize()
}

// leftHash is at_hash: the left half of the hash that the signature algorithm
// uses (OpenID Connect Core 1.0, section 3.1.3.6). Both of ours use SHA-256.
func leftHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:sha256.Size/2])
}

// maxHintToken bounds an ID token that comes back to us.
const maxHintToken = 8 << 10

// errHint: the text is not an ID token of ours.
var errHint = errors.New("tokens: not an ID token of ours")

// readHint reads an ID token that we issued, expired or not, signed by any key
// that we know, retired ones included.
func (s *Service) readHint(token string) (idClaims, error) {
	if len(token) > maxHintToken {
		return idClaims{}, errHint
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
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
	if err := json.Unmarshal(payload, &claims); err != nil || claims.Issuer != s.o.Issuer || claims.Subject == "" || claims.Audience == "" {
		return idClaims{}, errHint
	}
	return claims, nil
}
