package tokens

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// errForeign: RFC 7009, section 2.1, has the client told.
var errForeign = refuse(fosite.ErrInvalidGrant, "The token was issued to another client.")

// ServeRevocation ends the grant of a token (RFC 7009): access tokens have no
// life of their own, so either kind ends both. A token that is unknown or dead
// is revoked already, which is what was asked for.
func (s *Service) ServeRevocation(w http.ResponseWriter, r *http.Request) {
	if err := s.revoke(w, r); err != nil {
		s.fail(w, r, "revoke", err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

func (s *Service) revoke(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	at := time.Now()
	_, err = again(r.Context(), s, func(ctx context.Context) (struct{}, error) { return struct{}{}, s.revokeOnce(ctx, r, form, at) })
	return err
}

func (s *Service) revokeOnce(ctx context.Context, r *http.Request, form url.Values, at time.Time) error {
	client, err := s.recognize(ctx, r, form, at)
	if err != nil {
		return err
	}
	if !form.Has("token") {
		return refuse(fosite.ErrInvalidRequest, "The token is missing.")
	}
	id, _, ok := s.mint.readRefresh(form.Get("token"))
	if !ok {
		t, ok := s.mint.readAccess(form.Get("token"))
		if !ok || !at.Before(t.ExpiresAt) {
			return s.confirm(ctx, client, broker.ClientStamp{})
		}
		id = t.Grant
	}
	state, err := s.store.GrantState(ctx, id, client.ID)
	if err != nil && !errors.Is(err, broker.ErrNotFound) {
		return err
	}
	if stale := s.confirm(ctx, client, state.Caller); stale != nil {
		return stale
	}
	g := state.Grant
	switch {
	case err != nil:
		return nil // there is no such grant
	case g.ClientID != client.ID:
		s.log.WarnContext(ctx, "revocation of another client's token", "client", client.ID, "grant", string(g.ID))
		return errForeign
	case g.Revoked():
		return nil
	}
	s.log.InfoContext(ctx, "grant ended", "grant", string(g.ID), "client", client.ID, "reason", reasonClient)
	return s.store.RevokeGrant(ctx, g.ID, reasonClient, at)
}
