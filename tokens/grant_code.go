package tokens

import (
	"context"
	"errors"
	"slices"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// codeHandler redeems authorization codes: once, by the client that asked, with
// the redirect URI and the verifier that belong to the request. Whoever has the
// code and not the rest is not the client, so the code is burnt.
type codeHandler struct{ *Service }

func (h *codeHandler) grantType() string { return broker.GrantCode }

// CanSkipClientAuth implements fosite.TokenEndpointHandler.
func (h *codeHandler) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

// CanHandleTokenEndpointRequest implements fosite.TokenEndpointHandler.
func (h *codeHandler) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return handles(r, broker.GrantCode)
}

// HandleTokenEndpointRequest checks the code. It writes nothing unless the code
// must die.
func (h *codeHandler) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	if err := may(r, broker.GrantCode); err != nil {
		return err
	}
	code := broker.Secret(param(r, "code"))
	if code == "" {
		return refuse(fosite.ErrInvalidRequest, "The code is missing.")
	}
	client, at := clientOf(r), sessionOf(r).at
	state, err := h.store.GrantStateByCode(ctx, code.Hash(), client.ID)
	if errors.Is(err, broker.ErrNotFound) {
		return errGrant
	}
	if err != nil {
		return err
	}
	if err := h.confirm(ctx, client, state.Caller); err != nil {
		return err
	}
	g := state.Grant
	switch {
	case g.ClientID != client.ID: // changes nothing: anybody could send it
		h.log.WarnContext(ctx, "code of another client", "client", client.ID, "grant", string(g.ID))
		return errGrant
	case !g.CodeUsedAt.IsZero():
		return h.reused(ctx, g, r)
	case g.Revoked(), !at.Before(g.CodeExpiresAt):
		return errGrant
	case !sameRedirect(g, client, param(r, "redirect_uri")), !verifies(param(r, "code_verifier"), g.CodeChallenge):
		h.log.WarnContext(ctx, "code burnt", "client", client.ID, "grant", string(g.ID))
		if err := h.store.RevokeGrant(ctx, g.ID, reasonCodeMismatch, at); err != nil {
			return err
		}
		return errGrant
	}
	present(r, g)
	sessionOf(r).user = state.User
	return nil
}

// sameRedirect compares the redirect URI with that of the authorization request
// (RFC 6749, section 4.1.3). Where that had none, it may be told or left out.
func sameRedirect(g broker.Grant, c broker.Client, sent string) bool {
	if g.RedirectURI == "" {
		return sent == "" || len(c.RedirectURIs) == 1 && c.RedirectURIs[0] == sent
	}
	return g.RedirectURI == sent
}

// PopulateTokenEndpointResponse signs first and redeems last, so that a failure
// to sign costs the person nothing.
func (h *codeHandler) PopulateTokenEndpointResponse(ctx context.Context, r fosite.AccessRequester, resp fosite.AccessResponder) error {
	if !handles(r, broker.GrantCode) {
		return fosite.ErrUnknownRequest
	}
	sess := sessionOf(r)
	g := &sess.grant
	g.CodeUsedAt, g.LastUsedAt = sess.at, sess.at
	g.ExpiresAt = sess.at.Add(h.o.AccessLifetime)
	if clientOf(r).MayGrant(broker.GrantRefresh) && slices.Contains(g.Scopes, scopeOffline) {
		g.RefreshGeneration = 1
		g.ExpiresAt = sess.at.Add(h.o.RefreshAbsolute)
		g.RefreshExpiresAt = sess.at.Add(h.o.RefreshIdle)
		if g.RefreshExpiresAt.After(g.ExpiresAt) {
			g.RefreshExpiresAt = g.ExpiresAt
		}
	}
	if err := h.issue(ctx, r, resp, g.Scopes, g.Nonce, g.RefreshGeneration); err != nil {
		return err
	}
	err := h.store.RedeemCode(ctx, *g, sess.at)
	if !errors.Is(err, broker.ErrSpent) {
		return err
	}
	now, err := h.store.Grant(ctx, g.ID) // somebody was faster
	if err != nil {
		return err
	}
	if now.CodeUsedAt.IsZero() {
		return errGrant
	}
	return h.reused(ctx, now, r)
}

// reused answers a code that had been redeemed. Two have it, and nobody knows
// which of them is the client: what was issued ends (RFC 6749, section 4.1.2).
func (h *codeHandler) reused(ctx context.Context, g broker.Grant, r fosite.AccessRequester) error {
	if !g.Revoked() {
		if err := h.incident(ctx, g, reasonCodeReuse, broker.EventCodeReuse, sessionOf(r).at); err != nil {
			return err
		}
	}
	return errGrant
}
