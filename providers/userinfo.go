package providers

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"

	"idbroker/broker"
)

// protocolClaims are about the ID token itself: userinfo never adds or changes
// them.
var protocolClaims = []string{
	"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "azp", "nonce", "at_hash", "c_hash", "auth_time", "acr", "amr", "sid",
}

// userInfo asks the userinfo endpoint (OpenID Connect Core 1.0, section 5.3)
// and returns its claims, which are about subject.
func (p *openID) userInfo(ctx context.Context, m metadata, token broker.Secret, subject string) (claims, error) {
	a, err := p.env.client.get(ctx, m.UserInfo, token, "application/json, application/jwt")
	if err != nil {
		return nil, err
	}
	if err := a.ok("userinfo"); err != nil {
		return nil, err
	}
	var c claims
	refused := ErrUpstream.Why(whyBroken)
	switch {
	case a.mediaType() == "application/jwt":
		refused = ErrUpstream
		c, err = p.signedUserInfo(ctx, m, string(a.Body))
	case a.Status != http.StatusOK || !a.isJSON():
		err = errors.New("the answer is no JSON")
	default:
		c, err = parseClaims(a.Body)
	}
	switch {
	case broker.KindOf(err) == broker.KindUnavailable:
		return nil, err
	case err != nil:
		return nil, refused.Becausef("userinfo: %w", redact(err))
	}
	if !same(c.str("sub"), subject) {
		return nil, ErrUpstream.Becausef("userinfo: sub is not the ID token's")
	}
	return c, nil
}

// signedUserInfo verifies a userinfo answer that is a JWT. It has an issuer and
// an audience (section 5.3.2), and need not expire.
func (p *openID) signedUserInfo(ctx context.Context, m metadata, raw string) (claims, error) {
	keys, err := p.dir.keySet(ctx)
	if err != nil {
		return nil, err
	}
	watched := &watchedKeys{KeySet: keys}
	_, c, err := verifyJWT(ctx, raw, watched, oidc.Config{
		ClientID: p.app.ClientID, SupportedSigningAlgs: signingAlgs, SkipExpiryCheck: true,
	}, m.Issuer, p.env.now())
	if watched.err != nil {
		return nil, watched.err
	}
	return c, err
}

// merge adds what userinfo tells to the claims of the ID token, and replaces
// nothing. An address and what is known of it stay together: a verified one of
// userinfo does not verify another of the ID token.
func merge(idToken, info claims) claims {
	all := maps.Clone(idToken)
	for name, v := range info {
		if !all.has(name) && !slices.Contains(protocolClaims, name) && name != "email" && name != "email_verified" {
			all[name] = v
		}
	}
	switch {
	case !idToken.has("email"):
		all["email"], all["email_verified"] = info["email"], info["email_verified"]
	case !idToken.has("email_verified") && idToken.str("email") == info.str("email"):
		all["email_verified"] = info["email_verified"]
	}
	return all
}
