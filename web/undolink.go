package web

import (
	"net/http"

	"idbroker/broker"
	"idbroker/linking"
)

// getUndoLink serves GET /undo-link/: what the link in a mail about a change of
// links opens. It spends nothing.
func (s *Server) getUndoLink(w http.ResponseWriter, r *http.Request) error {
	token := broker.Secret(visitOf(r).query.Get("token"))
	u, err := s.linker.UndoFor(r.Context(), token)
	if err != nil {
		return err
	}
	p := confirmPage{
		base: s.base(r), Remote: s.changedView(u), Action: broker.UndoLinkPath,
		Fields: []hidden{{"token", token.Reveal()}}, BackURL: "/",
	}
	p.Title = p.T("undo.confirm")
	p.Button = p.T("undo.button")
	p.Cancel = p.T("undo.keep")
	p.Lines = []string{p.T(wordsOf(u.Change).undone, "provider", u.Title), p.T("undo.sessions")}
	return s.show(w, r, http.StatusOK, &p)
}

// postUndoLink serves POST /undo-link/.
func (s *Server) postUndoLink(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	u, err := s.linker.Undo(r.Context(), v.session, broker.Secret(v.form.Get("token")))
	if err != nil {
		return err
	}
	s.o.Wake()
	if err := s.say(w, r, sessionNotice{Key: "undo.done", Args: map[string]string{"provider": u.Title}}); err != nil {
		return err
	}
	if v.session.UserID == u.User.ID {
		return s.redirect(w, r, linkedAccountsPath)
	}
	return s.redirect(w, r, "/login/")
}

// changeWords are the catalog keys of a kind of change: what happened, and what
// taking it back does.
type changeWords struct{ happened, undone string }

func wordsOf(c broker.LinkChange) changeWords {
	switch {
	case c.Added != nil && c.Removed != nil:
		return changeWords{"linked_accounts.was_replaced", "undo.effect_replaced"}
	case c.Added != nil:
		return changeWords{"linked_accounts.was_linked", "undo.effect_linked"}
	}
	return changeWords{"linked_accounts.was_unlinked", "undo.effect_unlinked"}
}

// changedView shows the identity that a change is about: what was added, where
// it replaced another.
func (s *Server) changedView(u linking.Undo) *remoteView {
	snapshot := u.Change.Added
	if snapshot == nil {
		snapshot = u.Change.Removed
	}
	return s.snapshotView(u.Change.Provider, snapshot)
}

func (s *Server) snapshotView(provider string, was *broker.LinkSnapshot) *remoteView {
	v := s.remoteView(&broker.Profile{Provider: provider})
	v.Title = s.title(provider)
	v.Handle, v.Name = was.Account.Username, was.Account.Name
	if v.Handle == "" && v.Name == "" {
		v.Handle = was.Identity.Subject
	}
	return v
}
