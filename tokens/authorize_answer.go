package tokens

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// prepare makes the grant of an approved request and the parameters of the
// answer. Nothing is written, so that no unit of work waits for a signature.
// The response type "none" gives nothing, so it has no grant.
func (s *Service) prepare(a *Authorization, sess *session) error {
	p, at := sess.approval, sess.at
	sess.answer = url.Values{}
	if a.responseType == responseNone {
		return nil
	}
	g := broker.Grant{
		ID: broker.GrantID(broker.NewID()), ClientID: a.Client.ID, UserID: p.User.ID, SID: p.Session.SID,
		Scopes: a.request.GetGrantedScopes(), Audience: a.request.GetGrantedAudience(),
		RedirectURI: param(a.request, "redirect_uri"), CodeChallenge: param(a.request, "code_challenge"), Nonce: param(a.request, "nonce"), Claims: a.claims.text(),
		AuthTime: p.Session.AuthTime, AMR: p.Session.AMR, ACR: a.toldACR(p.Session.ACR), Provider: p.Session.Provider,
		CreatedAt: at, LastUsedAt: at,
	}
	last := func(lifetime time.Duration) time.Time { // the grant lasts as long as the last thing that it gave
		end := at.Add(lifetime)
		if end.After(g.ExpiresAt) {
			g.ExpiresAt = end
		}
		return end
	}
	token := idTokenRequest{client: a.Client, recipient: a.recipient, nonce: g.Nonce, at: at}
	if a.answersWith(responseCode) {
		code := newCode()
		g.CodeHash, g.CodeExpiresAt = code.Hash(), last(s.o.CodeLifetime)
		token.code = code.Reveal()
		sess.answer.Set(responseCode, token.code)
	}
	if a.answersWith(responseToken) {
		end := last(s.o.AccessLifetime)
		token.access = s.mint.newAccess(accessToken{Grant: g.ID, IssuedAt: at, ExpiresAt: end})
		sess.answer.Set("access_token", token.access)
		sess.answer.Set("token_type", "Bearer")
		sess.answer.Set("expires_in", strconv.Itoa(int(s.o.AccessLifetime/time.Second)))
		sess.answer.Set("scope", joined(g.Scopes))
	}
	if a.answersWith(responseIDToken) {
		last(s.o.IDTokenLifetime)
		token.grant = g
		scopes := g.Scopes // no access token ever comes with it alone, so this is where claims go (OpenID Connect Core 1.0, section 5.4)
		if a.responseType != responseIDToken {
			scopes = nil
		}
		token.person = s.personOf(p.User, scopes, names(a.claims.IDToken)...)
		signed, err := s.idToken(token)
		if err != nil {
			return err
		}
		sess.answer.Set(responseIDToken, signed)
	}
	sess.grant = g
	return nil
}

// authorizeHandler writes the grant: the engine calls it for an approved request.
type authorizeHandler struct{ s *Service }

// HandleAuthorizeEndpointRequest implements fosite.AuthorizeEndpointHandler.
func (h *authorizeHandler) HandleAuthorizeEndpointRequest(ctx context.Context, ar fosite.AuthorizeRequester, resp fosite.AuthorizeResponder) error {
	sess := sessionOf(ar)
	if sess.grant.ID != "" {
		ar.SetID(string(sess.grant.ID))
		if err := h.s.store.CreateGrant(ctx, sess.grant); err != nil {
			return err
		}
	}
	for name := range sess.answer {
		resp.AddParameter(name, sess.answer.Get(name))
	}
	for _, word := range ar.GetResponseTypes() {
		ar.SetResponseTypeHandled(word)
	}
	return nil
}
