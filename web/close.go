package web

import (
	"errors"
	"net/http"
	"time"

	"idbroker/broker"
)

// getClose serves GET /account/settings/close/: what closing the account means.
func (s *Server) getClose(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if !s.fresh(v) {
		return s.redirect(w, r, proveAgain(closePath))
	}
	p := confirmPage{base: s.base(r), Action: closePath, Danger: true, BackURL: dataPath}
	p.Title, p.Button, p.Cancel = p.T("close.confirm"), p.T("close.button"), p.T("close.keep")
	p.Lines = []string{
		p.T("close.at_once"), p.T("close.later", "date", p.date(v.at.Add(s.accounts.CloseAfter()))), p.T("close.applications"),
	}
	return s.show(w, r, http.StatusOK, &p)
}

// postClose serves POST /account/settings/close/.
func (s *Server) postClose(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if !s.fresh(v) {
		return s.redirect(w, r, proveAgain(closePath))
	}
	until, err := s.accounts.Close(r.Context(), v.session)
	if err != nil {
		return err
	}
	s.o.Wake()
	b := s.base(r)
	if err := s.drop(w, r); err != nil { // it has ended with all the others
		return err
	}
	if err := s.say(w, r, sessionNotice{Key: "close.done", Args: map[string]string{"date": b.date(until)}}); err != nil {
		return err
	}
	return s.redirect(w, r, "/")
}

// offerReopen answers somebody who has proven a credential of a closed account:
// with a form that reopens it. Its secret stands in the page alone.
func (s *Server) offerReopen(w http.ResponseWriter, r *http.Request, c *broker.Closed) error {
	token, err := s.accounts.OfferReopen(r.Context(), c.User)
	if err != nil {
		return err
	}
	return s.showReopen(w, r, http.StatusForbidden, token, c.EraseAt)
}

func (s *Server) showReopen(w http.ResponseWriter, r *http.Request, status int, token broker.Secret, until time.Time) error {
	p := confirmPage{base: s.base(r), Action: broker.ReopenPath, Fields: []hidden{{"token", token.Reveal()}}, BackURL: "/"}
	p.Title, p.Button, p.Cancel = p.T("reopen.confirm"), p.T("reopen.button"), p.T("reopen.keep")
	p.Refusal = broker.ErrClosed
	p.Lines = []string{p.T("reopen.until", "date", p.exact(until)), p.T("reopen.effect")}
	return s.show(w, r, status, &p)
}

// getReopen serves GET /reopen-account/: what the link in the mail about a closed
// account opens. It spends nothing.
func (s *Server) getReopen(w http.ResponseWriter, r *http.Request) error {
	token := broker.Secret(visitOf(r).query.Get("token"))
	u, err := s.accounts.ReopenFor(r.Context(), token)
	if err != nil {
		return err
	}
	return s.showReopen(w, r, http.StatusOK, token, u.EraseAt)
}

// postReopen serves POST /reopen-account/. It signs nobody in.
func (s *Server) postReopen(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.accounts.Reopen(r.Context(), broker.Secret(visitOf(r).form.Get("token"))); err != nil {
		return err
	}
	if err := s.say(w, r, sessionNotice{Key: "reopen.done"}); err != nil {
		return err
	}
	return s.redirect(w, r, "/login/")
}

// mayReopen shows the offer where err is about a closed account whose credential
// was proven, and tells whether it did.
func (s *Server) mayReopen(w http.ResponseWriter, r *http.Request, err error) bool {
	var closed *broker.Closed
	return errors.As(err, &closed) && s.offerReopen(w, r, closed) == nil
}
