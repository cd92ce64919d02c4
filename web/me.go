package web

import (
	"net/http"
	"time"

	"idbroker/broker"
)

const mePath = "/account/me"

// meJSON is who is signed in, and how.
type meJSON struct {
	ID        string
	Email     string
	Name      string
	Username  string
	Locale    string
	SID       string // of the session
	Provider  string // id of the one that was used to sign in; "" none
	AMR       []string
	ACR       string
	AuthTime  time.Time // when they proved who they are
	ExpiresAt time.Time // when the session ends at the latest
	Fresh     bool      // recent enough for what asks for a recent sign-in
}

// getMe serves GET /account/me, to programs alone.
func (s *Server) getMe(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	v.onlyJSON = true
	if v.user == nil {
		return broker.ErrSignIn
	}
	u, row := v.user, v.session
	return s.give(w, r, http.StatusOK, jsonMediaType, plainOf(meJSON{
		ID: string(u.ID), Email: u.Email, Name: u.Name, Username: u.Username, Locale: u.Locale,
		SID: row.SID, Provider: row.Provider, AMR: row.AMR, ACR: row.ACR,
		AuthTime: row.AuthTime, ExpiresAt: row.ExpiresAt, Fresh: row.Fresh(s.o.FreshFor, v.at),
	}))
}
