package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"idbroker/broker"
)

// Some people need no sign-in page: there is one way in, or their application has
// named the provider. They go straight there, once: who comes back without having
// been let in, who has just signed out, and who asks to choose see the page.

// StraightToOnly in Options.StraightTo: to the one provider that is offered, while
// neither passwords nor mailed codes sign in.
const StraightToOnly = "only"

// hintParams are the parameters of an authorization request that name a provider
// by its id: ours, and Keycloak's, whose applications need not change.
var hintParams = []string{"idp_hint", "kc_idp_hint"}

// chooseTime is how long, in seconds, somebody whom no provider let in, or who
// has signed out, sees the sign-in page: long enough to try again by hand,
// and gone by the next day's work.
const chooseTime = 10 * 60

// wantsChoice notes that this browser shall see the sign-in page next.
func (s *Server) wantsChoice(w http.ResponseWriter) {
	http.SetCookie(w, s.cookies.make(chooseCookie, "1", chooseTime))
}

// hasChosen ends what wantsChoice began.
func (s *Server) hasChosen(w http.ResponseWriter, r *http.Request) {
	if s.cookies.read(r, chooseCookie) != "" {
		http.SetCookie(w, s.cookies.make(chooseCookie, "", -1))
	}
}

// straightTo is the provider that somebody who has nothing to choose goes to;
// "" the sign-in page is for them. l is the login that begins now; it may be zero.
func (s *Server) straightTo(r *http.Request, l broker.Login) string {
	v := visitOf(r)
	switch {
	case s.cookies.read(r, chooseCookie) != "",
		v.query.Get("choose") != "", v.query.Get("switch") != "", v.query.Has("q"), v.query.Has("all"),
		slices.Contains(strings.Fields(requestParam(l, "prompt")), "select_account"):
		return ""
	}
	offered := s.providerButtons()
	is := func(id string) bool {
		return slices.ContainsFunc(offered, func(b providerButton) bool { return b.ID == id })
	}
	for _, name := range hintParams {
		if hint := requestParam(l, name); is(hint) {
			return hint
		}
	}
	switch {
	case s.o.StraightTo == StraightToOnly && s.o.NoPasswords && len(offered) == 1 && !s.accounts.Codes(broker.Login{}):
		return offered[0].ID
	case is(s.o.StraightTo):
		return s.o.StraightTo
	}
	return ""
}

// startPath is where the journey to a provider begins.
func startPath(provider string) string { return "/oauth/login/" + url.PathEscape(provider) + "/" }
