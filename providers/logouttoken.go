package providers

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"idbroker/broker"
)

const (
	// maxLogoutToken bounds a logout token, in bytes; real ones have less than one
	// KiB. Strangers can send them.
	maxLogoutToken = 16 << 10
	// maxLogoutAge is how long ago a logout token may have been issued. Providers
	// tell at once; some minutes forgive one that had to try again.
	maxLogoutAge = 5 * time.Minute
	// maxJTI bounds the id of a logout token, in bytes.
	maxJTI = 255
	// logoutEvent is what a logout token is about (section 2.4).
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
)

// ErrLogoutToken: what came is no logout token that counts.
var ErrLogoutToken = &broker.Error{Kind: broker.KindBadRequest, Message: "provider.logout_token"}

// VerifyLogout reads a logout token (OpenID Connect Back-Channel Logout 1.0). The
// caller sees to it that none counts twice, by JTI and until ExpiresAt. A provider
// that is hidden by now is heard all the same. ErrLogoutToken, ErrUnavailable
// where its keys cannot be had; ErrUnknown where no such provider tells of logouts.
func (r *Registry) VerifyLogout(ctx context.Context, id, raw string) (l broker.UpstreamLogout, err error) {
	e, ok := r.byID[id]
	if !ok || !e.toldOfSessions() {
		return l, ErrUnknown.With("provider", id)
	}
	defer func() { err = r.finish(ctx, e, recover(), err) }()
	ctx, cancel := context.WithTimeout(ctx, completeTimeout)
	defer cancel()
	return e.provider.(logoutVerifier).verifyLogout(ctx, raw)
}

// verifyLogout implements logoutVerifier.
func (p *openID) verifyLogout(ctx context.Context, raw string) (broker.UpstreamLogout, error) {
	at := p.env.now()
	// What anybody can see to be wrong costs neither a key nor a lookup of keys.
	c, err := peekLogoutToken(raw)
	if err == nil {
		err = checkLogoutClaims(c, p.app.Issuer, p.app.ClientID, at)
	}
	if err != nil {
		return broker.UpstreamLogout{}, ErrLogoutToken.Because(err)
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return broker.UpstreamLogout{}, err
	}
	keys, err := p.dir.keySet(ctx)
	if err != nil {
		return broker.UpstreamLogout{}, err
	}
	watched := &watchedKeys{KeySet: keys}
	_, c, err = verifyJWT(ctx, raw, watched, oidc.Config{ClientID: p.app.ClientID, SupportedSigningAlgs: m.SigningAlgs}, p.app.Issuer, at)
	switch {
	case watched.err != nil:
		return broker.UpstreamLogout{}, watched.err
	case err != nil:
		return broker.UpstreamLogout{}, ErrLogoutToken.Because(redact(err))
	}
	if err := checkLogoutClaims(c, p.app.Issuer, p.app.ClientID, at); err != nil { // of what was signed
		return broker.UpstreamLogout{}, ErrLogoutToken.Because(err)
	}
	return broker.UpstreamLogout{
		Provider: p.app.ID, Issuer: p.app.Issuer, Subject: c.str("sub"), SID: c.str("sid"), JTI: c.str("jti"),
		ExpiresAt: c.time("iat").Add(maxLogoutAge + clockSkew),
	}, nil
}

// peekLogoutToken reads the claims of a compact JWS without looking at its
// signature. Its type must be that of a logout token, or what was usual before
// there was one (section 2.4): the event and the missing nonce tell it from an ID
// token then.
func peekLogoutToken(raw string) (claims, error) {
	if len(raw) > maxLogoutToken {
		return nil, fmt.Errorf("logout token: longer than %d bytes", maxLogoutToken)
	}
	head, payload, err := peekJWT(raw)
	if err != nil {
		return nil, fmt.Errorf("logout token: %w", err)
	}
	typ, isText := head["typ"].(string)
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	if head.has("typ") && (!isText || typ != "logout+jwt" && typ != "jwt") {
		return nil, errors.New("logout token: typ is that of another kind of token")
	}
	return payload, nil
}

// peekJWT reads header and payload of a compact JWS, as far as its text goes.
func peekJWT(raw string) (header, payload claims, err error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return nil, nil, errors.New("no compact JWS")
	}
	for i, to := range []*claims{&header, &payload} {
		b, err := base64.RawURLEncoding.Strict().DecodeString(parts[i])
		if err != nil {
			return nil, nil, errors.New("no compact JWS")
		}
		if *to, err = parseClaims(b); err != nil {
			return nil, nil, err
		}
	}
	return header, payload, nil
}

// onlyAudience tells whether "aud" is one recipient and no other.
func (c claims) onlyAudience(want string) bool {
	if list, ok := c["aud"].([]any); ok {
		return len(list) == 1 && list[0] == any(want)
	}
	return c.str("aud") == want
}

// checkLogoutClaims holds the claims of a logout token to section 2.6, all but
// what needs a key or a memory. HMAC is never accepted, as with ID tokens.
func checkLogoutClaims(c claims, issuer, clientID string, at time.Time) error {
	issued := c.time("iat")
	_, isObject := c.object("events")[logoutEvent].(map[string]any)
	_, nonce := c["nonce"]
	switch {
	case c.str("iss") != issuer:
		return errors.New("logout token: iss is another's")
	case !c.onlyAudience(clientID):
		return errors.New("logout token: aud is not us alone")
	case issued.IsZero():
		return errors.New("logout token: iat is missing")
	case issued.After(at.Add(clockSkew)):
		return errors.New("logout token: iat is in the future")
	case at.Sub(issued) > maxLogoutAge+clockSkew:
		return errors.New("logout token: iat is long ago")
	case !c.has("exp"):
		return errors.New("logout token: exp is missing")
	case !c.time("exp").After(at.Add(-clockSkew)):
		return errors.New("logout token: it has expired")
	case c.str("jti") == "" || len(c.str("jti")) > maxJTI:
		return errors.New("logout token: jti is missing, or too long")
	case !isObject:
		return errors.New("logout token: events does not name a logout")
	case nonce:
		return errors.New("logout token: nonce is there, which makes it an ID token")
	case !c.has("sub") && !c.has("sid"):
		return errors.New("logout token: neither sub nor sid")
	case c.has("sub") && !validSubject(c.str("sub")), c.has("sid") && !validSubject(c.str("sid")):
		return errors.New("logout token: sub or sid is no 1 to 255 ASCII characters")
	}
	return nil
}
