package tokens

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/url"

	"github.com/ory/fosite"
)

// Lengths in RFC 7636, sections 4.1 and 4.2. A challenge is always a SHA-256 in
// unpadded base64url.
const (
	minVerifier     = 43
	maxVerifier     = 128
	challengeLength = 43
)

const challengeS256 = "S256"

// checkPKCE requires a challenge of public clients and of whoever is registered
// so, and S256 of everybody: without a method it would be "plain", which hides
// nothing (RFC 9700, section 2.1.1).
func (s *Service) checkPKCE(_ context.Context, a *Authorization, form url.Values) error {
	challenge, method := form.Get("code_challenge"), form.Get("code_challenge_method")
	switch {
	case challenge == "" && method != "":
		return refuse(fosite.ErrInvalidRequest, "The code_challenge is missing.")
	case challenge == "" && a.answersWith(responseCode) && (a.Client.Public() || a.Client.RequirePKCE):
		return refuse(fosite.ErrInvalidRequest, "This client must use PKCE; the code_challenge is missing.")
	case challenge == "":
		return nil
	case method != challengeS256:
		return refuse(fosite.ErrInvalidRequest, "The code_challenge_method must be S256.")
	case len(challenge) != challengeLength || !unreserved(challenge):
		return refuse(fosite.ErrInvalidRequest, "The code_challenge is not a SHA-256 in base64url.")
	}
	return nil
}

// verifies tells whether verifier answers challenge. Where there was no
// challenge there must be no verifier: otherwise an attacker who stripped the
// challenge from the request would go unnoticed (RFC 9700, section 4.8.2).
func verifies(verifier, challenge string) bool {
	if challenge == "" {
		return verifier == ""
	}
	if len(verifier) < minVerifier || len(verifier) > maxVerifier || !unreserved(verifier) {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// unreserved tells whether text has unreserved characters only (RFC 3986,
// section 2.3).
func unreserved(text string) bool {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~') {
			return false
		}
	}
	return true
}
