package web

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"idbroker/broker"
)

// errLogoutParams: the request holds no logout token, or several.
var errLogoutParams = &broker.Error{Kind: broker.KindBadRequest, Message: "provider.logout_token"}

// postBackchannel serves POST /oauth/backchannel/{app}/: an OpenID Provider tells
// that somebody has signed out there (OpenID Connect Back-Channel Logout 1.0,
// section 2.5). It looks at no cookie; browsers of other origins are kept out by
// the adapter as everywhere. A token costs a signature at most, keys are looked up
// seldom (providers.keySet), and the database is touched by what the provider
// signed alone: strangers need no limit of their own.
func (s *Server) postBackchannel(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header(), s.headers.machines) // Cache-Control: no-store among them
	err := s.backchannel(r)
	if err == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	ctx, request := r.Context(), broker.RequestOf(r.Context()).ID
	level, code := slog.LevelInfo, "invalid_request"
	switch broker.KindOf(err) {
	case broker.KindBadRequest, broker.KindConflict, broker.KindNotFound:
	case broker.KindUnavailable, broker.KindUpstream:
		level, code = slog.LevelWarn, "temporarily_unavailable"
	default:
		level, code = slog.LevelError, "server_error"
	}
	s.log.Log(ctx, level, "logout token refused", "request", request, "provider", printable(r.PathValue("app"), maxID), "err", err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest) // whatever it was (section 2.8)
	about := "nobody was signed out"
	if errors.Is(err, errLogoutParams) {
		about += ": the request must be a form in UTF-8 with one logout_token"
	} else if code == "invalid_request" {
		about += ": the logout_token is not good"
	}
	_ = json.NewEncoder(w).Encode(map[string]string{
		"error": code, "error_description": about + "; the log of the broker says why under " + request,
	})
}

func (s *Server) backchannel(r *http.Request) error {
	v := visitOf(r)
	if err := v.read(r, s.operation(r)); err != nil {
		return errLogoutParams.Because(err)
	}
	sent := v.form.All("logout_token")
	if len(sent) != 1 || sent[0] == "" {
		return errLogoutParams.Becausef("%d logout tokens", len(sent))
	}
	n, err := s.linker.SignedOutThere(r.Context(), r.PathValue("app"), sent[0], s.sessionEnded)
	if err == nil && n > 0 {
		s.o.Wake()
	}
	return err
}
