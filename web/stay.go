package web

import (
	"net/http"
	"slices"

	"idbroker/broker"
)

// chosenProviderPath takes the choice to stay signed in on the way to a provider.
const chosenProviderPath = "/login/provider/"

// postChosenProvider serves POST /login/provider/: off to a provider (app), with the choice
// whether this browser stays signed in. It waits in the login, which is this browser's:
// nothing in an address can make a session last.
func (s *Server) postChosenProvider(w http.ResponseWriter, r *http.Request) error {
	l, err := s.loginOf(w, r)
	if err != nil {
		return err
	}
	app := visitOf(r).form.Get("app")
	if !slices.ContainsFunc(s.providerButtons(), func(b providerButton) bool { return b.ID == app }) {
		return errNoSuchPage
	}
	if !again(l) { // who proves that they are still there has chosen before
		s.chooseRemember(r, &l)
	}
	if l.ID != "" || l.Remember || l.ReturnTo != "" {
		if err := s.keep(r.Context(), &l); err != nil {
			return err
		}
	}
	return s.redirect(w, r, withLogin(startPath(app), l))
}

// offerRemember offers the choice to stay signed in to a page of a login, whichever way
// is taken there.
func (s *Server) offerRemember(p *loginPage, l broker.Login) {
	p.remembering = s.remembering(l.Remember)
	if p.Passkey != nil {
		p.Passkey.remembering, p.Passkey.Follows = p.remembering, p.LocalPasswords && !p.Identify || len(s.providerButtons()) > 0
	}
}
