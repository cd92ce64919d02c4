package providers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"idbroker/broker"
)

// Revoke takes back what the person gave our app: all tokens of person and app
// end at once, so one live token is enough. A grant that is gone is no error.
func (p *githubProvider) Revoke(ctx context.Context, tokens []broker.RemoteToken) error {
	var errs []error
	for _, t := range tokens {
		errs = append(errs, p.revokeGrant(ctx, t))
	}
	return errors.Join(errs...)
}

func (p *githubProvider) revokeGrant(ctx context.Context, t broker.RemoteToken) error {
	gone, err := p.end(ctx, "grant", t.AccessToken)
	if err != nil || !gone || t.RefreshToken == "" {
		return err
	}
	// The access token has expired, and GitHub finds the grant by a live one.
	fresh, err := p.env.client.refresh(ctx, &p.oauth, t.RefreshToken)
	if errors.Is(err, ErrRestart) {
		return nil // so is the refresh token
	}
	if err != nil {
		return err
	}
	_, err = p.end(ctx, "grant", broker.Secret(fresh.AccessToken))
	return err
}

// dropTokens ends the token of a refused sign-in, and no other: the person may
// have given us one before, which stays good.
func (p *githubProvider) dropTokens(ctx context.Context, t *oauth2.Token) error {
	_, err := p.end(ctx, "token", broker.Secret(t.AccessToken))
	return err
}

// end deletes the grant or the token that an access token stands for, and tells
// whether it was gone already.
func (p *githubProvider) end(ctx context.Context, what string, token broker.Secret) (gone bool, err error) {
	if token == "" {
		return true, nil
	}
	body, err := json.Marshal(map[string]string{"access_token": token.Reveal()})
	if err != nil {
		return false, err
	}
	address := p.api + "/applications/" + url.PathEscape(p.app.ClientID) + "/" + what
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, address, bytes.NewReader(body))
	if err != nil {
		return false, redact(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(p.app.ClientID, p.app.ClientSecret.Reveal())
	githubHeader(req)
	a, err := p.env.client.do(ctx, req)
	switch {
	case err != nil:
		return false, err
	case a.Status == http.StatusNotFound:
		return true, nil
	case a.Status == http.StatusUnauthorized:
		return false, ErrMisconfigured.Because(&errStatus{"DELETE /applications/…/" + what, a.Status})
	case githubLimited(a):
		return false, ErrUnavailable.Because(&errStatus{"DELETE /applications/…/" + what, a.Status})
	}
	return false, a.ok("DELETE /applications/…/" + what)
}
