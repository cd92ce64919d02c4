package providers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

const (
	// clockSkew is how far a provider's clock may be off.
	clockSkew = time.Minute
	// maxTokenAge is how long ago an ID token may have been issued. It has just
	// been asked for, and the nonce ties it to that; a day forgives
	// providers that answer from a cache.
	maxTokenAge = 24 * time.Hour
	// maxJWT bounds an ID token.
	maxJWT = 128 << 10
)

// verifyJWT checks signature, issuer, audience, expiry and nbf of a JWT from the
// provider, and returns its claims.
func verifyJWT(ctx context.Context, raw string, keys oidc.KeySet, cfg oidc.Config, issuer string, at time.Time) (*oidc.IDToken, claims, error) {
	if len(raw) > maxJWT || strings.Count(raw, ".") != 2 {
		return nil, nil, errors.New("no compact JWS of a sensible size")
	}
	cfg.Now = func() time.Time { return at.Add(-clockSkew) } // exp; nbf has five minutes of its own
	token, err := oidc.NewVerifier(issuer, keys, &cfg).Verify(ctx, raw)
	if err != nil {
		return nil, nil, err
	}
	var payload rawJSON
	if err := token.Claims(&payload); err != nil {
		return nil, nil, err
	}
	c, err := parseClaims(payload)
	if err != nil {
		return nil, nil, err
	}
	return token, c, nil
}

// rawJSON keeps a document as it is.
type rawJSON []byte

// UnmarshalJSON implements json.Unmarshaler.
func (r *rawJSON) UnmarshalJSON(b []byte) error {
	*r = slices.Clone(b)
	return nil
}

// verifyIDToken holds an ID token to OpenID Connect Core 1.0, section 3.1.3.7.
// nonce "" is for a token that came with a refresh, which need not repeat it.
func verifyIDToken(ctx context.Context, raw string, keys oidc.KeySet, m metadata, clientID, nonce, accessToken string, at time.Time) (claims, error) {
	token, c, err := verifyJWT(ctx, raw, keys, oidc.Config{ClientID: clientID, SupportedSigningAlgs: m.SigningAlgs}, m.Issuer, at)
	if err != nil {
		return nil, fmt.Errorf("ID token: %w", err)
	}
	issued := c.time("iat")
	switch {
	case c.str("iss") != m.Issuer:
		return nil, errors.New("ID token: iss is another's")
	case !validSubject(c.str("sub")) || token.Subject != c.str("sub"):
		return nil, errors.New("ID token: sub is no 1 to 255 ASCII characters")
	case c.has("events"): // a logout token says of whom, and no more
		return nil, errors.New("ID token: it is a token about an event")
	case len(token.Audience) > 1 && !c.has("azp"):
		return nil, errors.New("ID token: several audiences and no azp")
	case c.has("azp") && c.str("azp") != clientID:
		return nil, errors.New("ID token: azp is another client")
	case issued.IsZero():
		return nil, errors.New("ID token: iat is missing")
	case issued.After(at.Add(clockSkew)):
		return nil, errors.New("ID token: iat is in the future")
	case at.Sub(issued) > maxTokenAge:
		return nil, errors.New("ID token: iat is long ago")
	case c.has("nbf") && c.time("nbf").After(at.Add(clockSkew)):
		return nil, errors.New("ID token: nbf is in the future")
	case nonce != "" && !same(c.str("nonce"), nonce):
		return nil, errors.New("ID token: nonce is another attempt's")
	}
	if token.AccessTokenHash != "" {
		if err := token.VerifyAccessToken(accessToken); err != nil {
			return nil, errors.New("ID token: at_hash is of another access token")
		}
	}
	return c, nil
}
