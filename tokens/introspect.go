package tokens

import (
	"context"
	"errors"
	"net/http"
	"net/url"
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
	at := time.Now()
	return again(r.Context(), s, func(ctx context.Context) (introspection, error) { return s.introspectOnce(ctx, r, form, at) })
}

func (s *Service) introspectOnce(ctx context.Context, r *http.Request, form url.Values, at time.Time) (introspection, error) {
	client, err := s.recognize(ctx, r, form, at)
	switch {
	case err != nil:
		return introspection{}, err
	case client.Public(): // nobody knows who asks
		return introspection{}, errClient
	case !form.Has("token"):
		return introspection{}, refuse(fosite.ErrInvalidRequest, "The token is missing.")
	}
	answer, state, err := s.look(ctx, form.Get("token"), client.ID, at)
	if err != nil && !errors.Is(err, errToken) {
		return introspection{}, err
	}
	if stale := s.confirm(ctx, client, state.Caller); stale != nil {
		return introspection{}, stale
	}
	g := state.Grant
	if err != nil || g.ClientID != client.ID && !slices.Contains(g.Audience, client.ID) {
		return introspection{}, nil
	}
	answer.Active, answer.ClientID, answer.Issuer = true, g.ClientID, s.o.Issuer
	answer.Subject, answer.Audience, answer.SID, answer.ACR = s.subjectOf(state.Client, g.UserID), g.Audience, g.SID, g.ACR
	if g.UserID == "" {
		answer.Subject = g.ClientID
	}
	if !g.AuthTime.IsZero() {
		answer.AuthTime = g.AuthTime.Unix()
	}
	return answer, nil
}

// look finds out what kind of token it is: the prefix tells, so no hint is needed.
func (s *Service) look(ctx context.Context, token, caller string, at time.Time) (introspection, broker.GrantState, error) {
	id, generation, ok := s.mint.readRefresh(token)
	if !ok {
		t, err := s.access(ctx, token, caller, at)
		return introspection{
			Scope: joined(t.scopes), TokenType: "Bearer", ExpiresAt: t.ExpiresAt.Unix(), IssuedAt: t.IssuedAt.Unix(),
		}, t.state, err
	}
	state, err := s.store.GrantState(ctx, id, caller)
	g := state.Grant
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return introspection{}, broker.GrantState{}, errToken
	case err != nil:
		return introspection{}, broker.GrantState{}, err
	case !stands(state, at) || g.RefreshGeneration != generation || !g.RefreshExpiresAt.IsZero() && !at.Before(g.RefreshExpiresAt):
		return introspection{}, broker.GrantState{Caller: state.Caller}, errToken
	}
	answer := introspection{Scope: joined(g.Scopes)}
	if !g.RefreshExpiresAt.IsZero() {
		answer.ExpiresAt = g.RefreshExpiresAt.Unix()
	}
	return answer, state, nil
}
