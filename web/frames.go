package web

import (
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"idbroker/tokens"
)

// framesTime is how long the page with the applications' frames stays before the
// browser goes on, in seconds: long enough for them to load on a slow line,
// short enough that few people reach for the link.
const framesTime = 3

// showLoggedOut answers a sign-out with a page: it loads the applications of the
// session, so that they hear of it (OpenID Connect Front-Channel Logout 1.0), and
// leads out of the provider and back to the application. The way on is a link, and
// a Refresh header where no script is needed for it and nothing is asked: a
// redirect would end at form-action, as what is behind a form. The frames alone
// are let through the policy.
func (s *Server) showLoggedOut(w http.ResponseWriter, r *http.Request, asked tokens.Logout, provider string, leave leaveView, frames []tokens.Frame) error {
	p := loggedOutPage{base: s.base(r), ContinueURL: asked.RedirectURI, Provider: s.title(provider), Leave: leave}
	p.Path = "/logout/"
	if asked.Client != nil {
		client := viewClient(*asked.Client, s.language(r))
		p.Client = &client
	}
	h := w.Header()
	var origins []string
	for _, f := range frames {
		p.Frames = append(p.Frames, f.URL)
		if !slices.Contains(origins, f.Origin) {
			origins = append(origins, f.Origin)
		}
	}
	wait := 0
	if len(frames) > 0 {
		h.Set("Content-Security-Policy", contentSecurityPolicy+formsStay+"; frame-src "+strings.Join(origins, " "))
		wait = framesTime
	}
	switch {
	case leave.Automatic:
		h.Set("Refresh", strconv.Itoa(wait)+"; url="+leave.URL)
	case leave.URL == "" && asked.RedirectURI != "":
		h.Set("Refresh", strconv.Itoa(wait)+"; url="+asked.RedirectURI)
	}
	return s.show(w, r, http.StatusOK, &p)
}

// Continue is ContinueURL for a link. It is registered, and none of the schemes
// that run something: tokens.Logout promises that; it may be an app's own scheme.
func (p loggedOutPage) Continue() template.URL { return template.URL(p.ContinueURL) }
