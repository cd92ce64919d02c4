package tokens

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// refreshHandler answers refresh tokens. Each answer brings the next one; the
// one before it is answered alike for Options.RefreshGrace, since requests are
// repeated and browsers have tabs; any older one ends the grant (RFC 9700,
// section 4.14.2).
//
// A refresh token is issued where offline_access was granted and the client is
// registered for the grant type, and not otherwise (OpenID Connect Core 1.0,
// section 11): who signs in does not leave a key behind unasked.
type refreshHandler struct{ *Service }

func (h *refreshHandler) grantType() string { return broker.GrantRefresh }

// CanSkipClientAuth implements fosite.TokenEndpointHandler.
func (h *refreshHandler) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool {
	return false
}

// CanHandleTokenEndpointRequest implements fosite.TokenEndpointHandler.
func (h *refreshHandler) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return handles(r, broker.GrantRefresh)
}

// HandleTokenEndpointRequest checks the token's MAC, and the scope where one is
// sent: a refused request must not rotate anything.
func (h *refreshHandler) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	if err := may(r, broker.GrantRefresh); err != nil {
		return err
	}
	token := param(r, "refresh_token")
	if token == "" {
		return refuse(fosite.ErrInvalidRequest, "The refresh_token is missing.")
	}
	id, generation, ok := h.mint.readRefresh(token)
	if !ok {
		return errGrant
	}
	if _, err := h.recipientFor(ctx, clientOf(r), idTokenEncryption(clientOf(r))); err != nil { // before anything is rotated
		return err
	}
	sess := sessionOf(r)
	sess.grant.ID, sess.generation = id, generation
	asked := strings.Fields(param(r, "scope"))
	if len(asked) == 0 {
		return nil
	}
	state, err := h.store.GrantState(ctx, id, clientOf(r).ID)
	if err == nil {
		err = h.confirm(ctx, clientOf(r), state.Caller)
	}
	switch {
	case errors.Is(err, broker.ErrNotFound), err == nil && state.Grant.ClientID != clientOf(r).ID:
		return errGrant
	case err != nil:
		return err
	}
	sess.user = state.User
	if sess.narrowed, ok = narrow(state.Grant.Scopes, asked); !ok {
		return refuse(fosite.ErrInvalidScope, "The scope goes beyond what was granted.")
	}
	return nil
}

// PopulateTokenEndpointResponse rotates and answers.
func (h *refreshHandler) PopulateTokenEndpointResponse(ctx context.Context, r fosite.AccessRequester, resp fosite.AccessResponder) error {
	if !handles(r, broker.GrantRefresh) {
		return fosite.ErrUnknownRequest
	}
	sess, client := sessionOf(r), clientOf(r)
	g, outcome, err := h.store.Refresh(ctx, sess.grant.ID, client.ID, client.Stamp(), sess.generation, sess.at, h.o.RefreshGrace, h.o.RefreshIdle)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return errGrant
	case err != nil:
		return err
	}
	switch outcome {
	case broker.RefreshRotated, broker.RefreshRepeat:
	case broker.RefreshReuse:
		h.log.WarnContext(ctx, "grant ended", "grant", string(g.ID), "client", client.ID, "user", string(g.UserID), "reason", "refresh reuse")
		if err := h.store.AddEvent(ctx, eventOf(ctx, g, broker.EventRefreshReuse, sess.at)); err != nil {
			return err
		}
		return errGrant
	default:
		return errGrant
	}
	if !slices.Contains(g.Scopes, scopeOffline) || !g.Live(sess.at) { // the store promised; what it costs to look is nothing
		return errGrant
	}
	present(r, g)
	scopes := accessToken{Narrowed: sess.narrowed}.scopes(g.Scopes)
	// No nonce: it belongs to the authorization (OpenID Connect Core 1.0, section 12.2).
	return h.issue(ctx, r, resp, scopes, "", g.RefreshGeneration)
}
