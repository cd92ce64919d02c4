package tokens

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// grantHandler is a grant type of the token endpoint. Discovery lists it, the
// engine calls it.
type grantHandler interface {
	fosite.TokenEndpointHandler
	grantType() string
}

// ServeToken serves the token endpoint (RFC 6749, section 3.2).
func (s *Service) ServeToken(w http.ResponseWriter, r *http.Request) {
	response, err := s.token(w, r)
	if err != nil {
		s.fail(w, r, "token", err)
		return
	}
	writeJSON(w, http.StatusOK, response)
}

func (s *Service) token(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	s.freshKeys(r.Context())
	form, err := readForm(w, r)
	if err != nil {
		return nil, err
	}
	switch t := form.Get("grant_type"); {
	case t == "":
		return nil, refuse(fosite.ErrInvalidRequest, "The grant_type is missing.")
	case !slices.Contains(s.grants, t):
		return nil, refuse(fosite.ErrUnsupportedGrantType, "The grant type is not supported.")
	}
	at := time.Now()
	return again(context.WithValue(r.Context(), atKey{}, at), s, func(ctx context.Context) (map[string]any, error) {
		request, err := s.engine.NewAccessRequest(ctx, r, &session{at: at})
		if err != nil {
			return nil, err
		}
		response, err := s.engine.NewAccessResponse(ctx, request)
		if err != nil {
			return nil, err
		}
		s.noteUse(ctx, clientOf(request), at)
		return response.ToMap(), nil
	})
}

// errGrant is every cause for which a code or refresh token is refused: which
// one it was is nobody's business but the log's.
var errGrant = refuse(fosite.ErrInvalidGrant, "The code or refresh token is unknown, expired, used, or was issued to another client.")

// issue puts the tokens of the session's grant into the response. Nothing is
// written. refresh is the generation of the refresh token; 0 none.
func (s *Service) issue(ctx context.Context, r fosite.AccessRequester, resp fosite.AccessResponder, scopes []string, nonce string, refresh int) error {
	sess := sessionOf(r)
	g, at := sess.grant, sess.at
	expires := at.Add(s.o.AccessLifetime)
	if !g.ExpiresAt.IsZero() && g.ExpiresAt.Before(expires) {
		expires = g.ExpiresAt
	}
	sess.access = s.mint.newAccess(accessToken{Grant: g.ID, IssuedAt: at, ExpiresAt: expires, Narrowed: sess.narrowed})
	resp.SetAccessToken(sess.access)
	resp.SetTokenType("Bearer")
	resp.SetExpiresIn(expires.Sub(at).Round(time.Second))
	if len(scopes) > 0 {
		resp.SetScopes(scopes)
	}
	if refresh > 0 {
		resp.SetExtra("refresh_token", s.mint.newRefresh(g.ID, refresh))
	}
	if g.UserID == "" || !slices.Contains(scopes, scopeOpenID) {
		return nil
	}
	person, err := s.person(ctx, sess)
	if err != nil {
		return err
	}
	to, err := s.recipientFor(ctx, clientOf(r), idTokenEncryption(clientOf(r)))
	if err != nil {
		return err
	}
	token, err := s.idToken(idTokenRequest{person: person, client: clientOf(r), recipient: to, grant: g, access: sess.access, nonce: nonce, at: at})
	if err != nil {
		return err
	}
	resp.SetExtra("id_token", token)
	return nil
}

// person are the claims that the client wants in its ID tokens. Few want any,
// and only they cost a look at the account, where that was not read with the grant.
func (s *Service) person(ctx context.Context, sess *session) (personClaims, error) {
	wanted := names(wishesOf(sess.grant).IDToken)
	if len(wanted) == 0 {
		return personClaims{}, nil
	}
	user := sess.user
	if user.ID != sess.grant.UserID {
		var err error
		if user, err = s.store.User(ctx, sess.grant.UserID); err != nil {
			return personClaims{}, err
		}
	}
	return s.personOf(user, nil, wanted...), nil
}

// incident ends a grant and records why, in one unit of work.
func (s *Service) incident(ctx context.Context, g broker.Grant, reason, event string, at time.Time) error {
	s.log.WarnContext(ctx, "grant ended", "grant", string(g.ID), "client", g.ClientID, "user", string(g.UserID), "reason", reason)
	return s.store.InTx(ctx, func(ctx context.Context) error {
		if err := s.store.RevokeGrant(ctx, g.ID, reason, at); err != nil {
			return err
		}
		return s.store.AddEvent(ctx, eventOf(ctx, g, event, at))
	})
}

func eventOf(ctx context.Context, g broker.Grant, name string, at time.Time) broker.Event {
	e := broker.NewEvent(ctx, name, at)
	e.UserID, e.ClientID, e.SID = g.UserID, g.ClientID, g.SID
	return e
}

// handles is the part that all grant types share.
func handles(r fosite.AccessRequester, grantType string) bool {
	return r.GetGrantTypes().ExactOne(grantType)
}

// may refuses clients that are not registered for the grant type.
func may(r fosite.AccessRequester, grantType string) error {
	if !clientOf(r).MayGrant(grantType) {
		return refuse(fosite.ErrUnauthorizedClient, "The client is not registered for this grant type.")
	}
	return nil
}

// joined is a scope parameter.
func joined(scopes []string) string { return strings.Join(scopes, " ") }
