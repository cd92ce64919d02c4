package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// formPostPage carries an answer to an application in a form that the browser
// posts there by itself, or on a click where no script runs:
// templates/form_post.html, at /oauth2/authorize and wherever else a login
// ends (OAuth 2.0 Form Post Response Mode).
type formPostPage struct {
	base
	Host   string // of the application's callback
	Action string // the callback, http or https: trusted
	Fields []hidden
}

func (formPostPage) template() string { return "form_post" }

// formPost is the page for tokens.Service.UseFormPost. It is personal and good
// for once: nothing may keep it, and going back to it shows what it says again.
func (s *Server) formPost(w http.ResponseWriter, r *http.Request, redirectURI string, params url.Values) {
	formsLeave(w)
	p := formPostPage{base: s.base(r), Action: redirectURI}
	if u, err := url.Parse(redirectURI); err == nil {
		p.Host = u.Host
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		p.Fields = append(p.Fields, hidden{name, params.Get(name)})
	}
	if err := s.render(w, r, http.StatusOK, &p); err != nil {
		s.fail(w, r, err)
	}
}
