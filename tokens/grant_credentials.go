package tokens

import (
	"context"
	"slices"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// credentialsHandler gives a client tokens in its own name (RFC 6749, section
// 4.4). Scopes that tell of a person are not to be had: there is none.
type credentialsHandler struct{ *Service }

func (h *credentialsHandler) grantType() string { return broker.GrantCredentials }

// CanSkipClientAuth implements fosite.TokenEndpointHandler.
func (h *credentialsHandler) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool {
	return false
}

// CanHandleTokenEndpointRequest implements fosite.TokenEndpointHandler.
func (h *credentialsHandler) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return handles(r, broker.GrantCredentials)
}

// HandleTokenEndpointRequest grants the scopes that are asked for; all that the
// client has where none are.
func (h *credentialsHandler) HandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) error {
	client := clientOf(r)
	if err := may(r, broker.GrantCredentials); err != nil {
		return err
	}
	if client.Public() {
		return refuse(fosite.ErrUnauthorizedClient, "A public client has no credentials to show.")
	}
	personal := h.o.personalScopes()
	allowed := slices.DeleteFunc(slices.Clone(client.Scopes), func(s string) bool { return slices.Contains(personal, s) })
	scopes, err := parseScopes(param(r, "scope"), allowed)
	if err != nil {
		return err
	}
	if param(r, "scope") == "" {
		scopes = allowed
	}
	for _, scope := range scopes {
		r.GrantScope(scope)
	}
	return nil
}

// PopulateTokenEndpointResponse writes the grant's row and issues the token.
func (h *credentialsHandler) PopulateTokenEndpointResponse(ctx context.Context, r fosite.AccessRequester, resp fosite.AccessResponder) error {
	if !handles(r, broker.GrantCredentials) {
		return fosite.ErrUnknownRequest
	}
	sess := sessionOf(r)
	sess.grant = broker.Grant{
		ID: broker.GrantID(broker.NewID()), ClientID: clientOf(r).ID, Scopes: r.GetGrantedScopes(),
		ExpiresAt: sess.at.Add(h.o.AccessLifetime), CreatedAt: sess.at, LastUsedAt: sess.at,
	}
	r.SetID(string(sess.grant.ID))
	if err := h.store.CreateGrantFor(ctx, sess.grant, clientOf(r).Stamp()); err != nil {
		return err
	}
	return h.issue(ctx, r, resp, sess.grant.Scopes, "", 0)
}
