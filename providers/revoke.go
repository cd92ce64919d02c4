package providers

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"idbroker/broker"
)

// Revoke ends tokens by RFC 7009, where discovery names an endpoint; refresh
// tokens first, since most providers end the rest with them.
func (p *openID) Revoke(ctx context.Context, tokens []broker.RemoteToken) error {
	if p.rules.revoke != nil {
		return p.rules.revoke(ctx, p, tokens)
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return err
	}
	if m.Revocation == "" {
		return nil
	}
	style, err := m.authStyle(p.app)
	if err != nil {
		return ErrMisconfigured.Because(err)
	}
	return revokeAll(tokens, func(hint string, token broker.Secret) error {
		return p.env.client.revoke(ctx, m.Revocation, p.app, style, hint, token)
	})
}

// revokeAll calls revoke for every refresh token, then for every access token,
// and returns all errors.
func revokeAll(tokens []broker.RemoteToken, revoke func(hint string, token broker.Secret) error) error {
	var errs []error
	for _, t := range tokens {
		if t.RefreshToken != "" {
			errs = append(errs, revoke("refresh_token", t.RefreshToken))
		}
	}
	for _, t := range tokens {
		if t.AccessToken != "" {
			errs = append(errs, revoke("access_token", t.AccessToken))
		}
	}
	return errors.Join(errs...)
}

// revoke posts one token to a revocation endpoint. A token that is unknown there
// is revoked (RFC 7009, section 2.2).
func (c *client) revoke(ctx context.Context, endpoint string, app App, style, hint string, token broker.Secret) error {
	a, err := c.postForm(ctx, endpoint, url.Values{"token": {token.Reveal()}, "token_type_hint": {hint}}, app, style)
	if err != nil {
		return classify(fmt.Errorf("revoke: %w", err))
	}
	if a.Status >= 200 && a.Status <= 299 {
		return nil
	}
	var answer struct {
		Error string `json:"error"`
	}
	_ = decodeJSON(a.Body, &answer) // "" where it is no JSON
	switch answer.Error {
	case "invalid_token", "invalid_grant", "unsupported_token_type":
		return nil
	case "invalid_client", "unauthorized_client":
		return ErrMisconfigured.Becausef("revoke: status %d, error %q", a.Status, answer.Error)
	}
	return a.ok("revoke")
}
