package tokens

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// introspection is the response of RFC 7662, section 2.2.
type introspection struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	TokenType string   `json:"token_type,omitempty"` // "" for a refresh token
	ExpiresAt int64    `json:"exp,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	Subject   string   `json:"sub,omitempty"` // the client itself where there is no person
	Audience  []string `json:"aud,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	SID       string   `json:"sid,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
	ACR       string   `json:"acr,omitempty"`
}

// ServeIntrospection tells a client about a token that was issued to it or is
// meant for it (RFC 7662). Of any other token it says no more than of rubbish.
func (s *Service) ServeIntrospection(w http.ResponseWriter, r *http.Request) {
	answer, err := s.introspect(w, r)
	if err != nil {
		s.fail(w, r, "introspect", err)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Service) introspect(w http.ResponseWriter, r *http.Request) (introspection, error) {
	form, err := readForm(w, r)
	if err != nil {
		return introspection{}, err
	}
	ctx, at := r.Context(), time.Now()
	client, err := s.authenticate(ctx, r, form, at)
	switch {
	case err != nil:
		return introspection{}, err
	case client.Public(): // nobody knows who asks
		return introspection{}, errClient
	case !form.Has("token"):
		return introspection{}, refuse(fosite.ErrInvalidRequest, "The token is missing.")
	}
	answer, g, err := s.look(ctx, form.Get("token"), at)
	switch {
	case errors.Is(err, errToken), err == nil && g.ClientID != client.ID && !slices.Contains(g.Audience, client.ID):
		return introspection{}, nil
	case err != nil:
		return introspection{}, err
	}
	answer.Active, answer.ClientID, answer.Issuer = true, g.ClientID, s.o.Issuer
	if g.ClientID != client.ID { // sub is that of the client that has the token
		if client, err = s.store.Client(ctx, g.ClientID); err != nil {
			return introspection{}, err
		}
	}
	answer.Subject, answer.Audience, answer.SID, answer.ACR = s.subjectOf(client, g.UserID), g.Audience, g.SID, g.ACR
	if g.UserID == "" {
		answer.Subject = g.ClientID
	}
	if !g.AuthTime.IsZero() {
		answer.AuthTime = g.AuthTime.Unix()
	}
	return answer, nil
}

// look finds out what kind of token it is: the prefix tells, so no hint is needed.
func (s *Service) look(ctx context.Context, token string, at time.Time) (introspection, broker.Grant, error) {
	id, generation, ok := s.mint.readRefresh(token)
	if !ok {
		t, err := s.access(ctx, token, at)
		return introspection{
			Scope: joined(t.scopes), TokenType: "Bearer", ExpiresAt: t.ExpiresAt.Unix(), IssuedAt: t.IssuedAt.Unix(),
		}, t.grant, err
	}
	g, err := s.store.Grant(ctx, id)
	switch {
	case errors.Is(err, broker.ErrNotFound),
		err == nil && (!g.Live(at) || g.RefreshGeneration != generation || !g.RefreshExpiresAt.IsZero() && !at.Before(g.RefreshExpiresAt)):
		return introspection{}, broker.Grant{}, errToken
	case err != nil:
		return introspection{}, broker.Grant{}, err
	}
	answer := introspection{Scope: joined(g.Scopes)}
	if !g.RefreshExpiresAt.IsZero() {
		answer.ExpiresAt = g.RefreshExpiresAt.Unix()
	}
	return answer, g, nil
}
