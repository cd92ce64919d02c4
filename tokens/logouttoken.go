package tokens

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

const (
	// logoutTokenLifetime is the most that OpenID Connect Back-Channel Logout
	// 1.0, section 4, recommends. Every attempt gets a token of its own.
	logoutTokenLifetime = 2 * time.Minute

	logoutType  = "logout+jwt"
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
)

// Poster posts a form to an application and returns the status of the answer. It
// follows no redirects and refuses addresses that applications have no business
// to be at; broker.Permanent marks what trying again cannot mend. fetch.Client is
// one.
type Poster interface {
	Post(ctx context.Context, to string, form url.Values) (status int, err error)
}

// errNoPoster: this process cannot reach applications; another can.
var errNoPoster = errors.New("tokens: no client to tell applications with")

// logoutClaims are those of OpenID Connect Back-Channel Logout 1.0, section 2.4.
// There is no nonce, so that nobody takes the token for an ID token.
type logoutClaims struct {
	Issuer    string              `json:"iss"`
	Subject   string              `json:"sub"`
	Audience  string              `json:"aud"`
	IssuedAt  int64               `json:"iat"`
	ExpiresAt int64               `json:"exp"`
	ID        string              `json:"jti"`
	SID       string              `json:"sid,omitempty"`
	Events    map[string]struct{} `json:"events"`
}

// logoutToken makes the logout token of a notice, signed and encrypted like the
// client's ID tokens.
func (s *Service) logoutToken(ctx context.Context, n broker.LogoutNotice, at time.Time) (string, error) {
	to, err := s.recipientFor(ctx, broker.Client{ID: n.ClientID, Metadata: broker.ClientMetadata{JWKS: n.JWKS, JWKSURI: n.JWKSURI}}, encryption{n.EncryptionAlg, n.EncryptionEnc})
	if err != nil {
		return "", err
	}
	alg := n.Alg
	if alg == "" {
		alg = broker.RS256
	}
	key := s.keys.Load().signer(alg, at)
	if key == nil {
		return "", fmt.Errorf("%w: %s", errNoKey, alg)
	}
	payload, err := json.Marshal(logoutClaims{
		Issuer: s.o.Issuer, Subject: n.Subject, Audience: n.ClientID, IssuedAt: at.Unix(), ExpiresAt: at.Add(logoutTokenLifetime).Unix(),
		ID: broker.NewID(), SID: n.SID, Events: map[string]struct{}{logoutEvent: {}},
	})
	if err != nil {
		return "", err
	}
	signed, err := key.logout.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign with %s: %w", key.ID, err)
	}
	token, err := signed.CompactSerialize()
	if err != nil || to == nil {
		return token, err
	}
	return to.encrypt([]byte(token), nestedType, map[string]any{"iss": s.o.Issuer}) // OpenID Connect Back-Channel Logout 1.0, section 2.4
}

// logoutSigner signs logout tokens with a key.
func logoutSigner(key jose.SigningKey) (jose.Signer, error) {
	return jose.NewSigner(key, (&jose.SignerOptions{}).WithType(logoutType))
}

// DeliverLogout is the outbox handler of broker.OutboxLogout: it posts a logout
// token to the application (section 2.5). An application that answers 400 has
// understood and refused, so it is not asked again; everything else is.
func (s *Service) DeliverLogout(ctx context.Context, payload []byte) error {
	var n broker.LogoutNotice
	if err := json.Unmarshal(payload, &n); err != nil {
		return broker.Permanent(fmt.Errorf("read logout notice: %w", err))
	}
	if s.o.Notices == nil {
		return errNoPoster
	}
	s.freshKeys(ctx)
	token, err := s.logoutToken(ctx, n, time.Now())
	if err != nil {
		return err
	}
	status, err := s.o.Notices.Post(ctx, n.URI, url.Values{"logout_token": {token}})
	switch {
	case err != nil:
		return fmt.Errorf("tell client %s: %w", n.ClientID, err)
	case status >= 200 && status <= 299:
		s.log.InfoContext(ctx, "application told of a sign-out", "client", n.ClientID, "user", n.Subject, "sid", n.SID)
		return nil
	case status == http.StatusBadRequest:
		return broker.Permanent(fmt.Errorf("client %s refused the logout token: status %d", n.ClientID, status))
	}
	return fmt.Errorf("client %s answered with status %d", n.ClientID, status)
}
