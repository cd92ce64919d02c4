package web

import (
	"fmt"
	"net/http"

	"idbroker/broker"
	"idbroker/linking"
)

// pendingLink is the login of a request whose person is signed in by it and whose
// identity waits to be linked. done tells that the request has been answered:
// the login was somewhere else.
func (s *Server) pendingLink(w http.ResponseWriter, r *http.Request) (l broker.Login, done bool, err error) {
	if l, err = s.login(r); err != nil {
		return l, true, err
	}
	v := visitOf(r)
	if l.Next(false) != broker.StepLink || v.session.UserID != l.UserID || l.SID != v.session.SID {
		return l, true, s.advance(w, r, l)
	}
	return l, false, nil
}

// getLink serves GET /link/: shall the identity that was proven open the account
// that was signed in to?
func (s *Server) getLink(w http.ResponseWriter, r *http.Request) error {
	l, done, err := s.pendingLink(w, r)
	if done {
		return err
	}
	formsLeave(w)
	p := linkPage{base: s.base(r), Login: l.ID, Identity: identityMark(l), Remote: *s.remoteView(l.Remote)}
	old, replaces, err := s.linker.Replaces(r.Context(), l)
	if err != nil {
		return err
	}
	if replaces {
		row := viewLinked(old)
		p.Replaces = &row.remoteView
	}
	return s.show(w, r, http.StatusOK, &p)
}

// postLinkDecision serves POST /link/.
func (s *Server) postLinkDecision(w http.ResponseWriter, r *http.Request) error {
	l, done, err := s.pendingLink(w, r)
	if done {
		return err
	}
	if !sameIdentity(r, l) {
		return s.otherTab(w, r, l)
	}
	v := visitOf(r)
	n := sessionNotice{Key: "linked_accounts.added", Args: map[string]string{"provider": s.remoteView(l.Remote).Title}}
	switch decision := v.form.Get("decision"); decision {
	case "link", "replace":
		outcome, err := s.linker.LinkPending(r.Context(), v.session, l, decision == "replace")
		if err != nil {
			return s.ended(err)
		}
		if outcome == linking.Replaced {
			n.Key = "linked_accounts.replaced"
		}
		s.o.Wake()
		if l.Request == "" {
			if err := s.say(w, r, n); err != nil {
				return err
			}
		}
	case "skip":
		if err := s.linker.DropPending(r.Context(), l); err != nil {
			return s.ended(err)
		}
	default:
		return errForm.At("decision").Becausef("decision %.20q", v.form.Get("decision"))
	}
	if l, err = s.store.Login(r.Context(), l.ID); err != nil {
		return fmt.Errorf("find login: %w", err)
	}
	return s.advance(w, r, l)
}
