package web

import (
	"errors"
	"net/http"

	"idbroker/broker"
	"idbroker/broker/local"
)

// usernamePage asks for another username: templates/username.html, at
// /account/settings/username/. It posts username to the same path.
type usernamePage struct {
	base
	Current  string
	Username string // as typed
	By       string // title of the provider that sets it; "" the person does
	Hint     string
	Max      int
	Needed   bool `json:"-"` // everybody has one here
	Problems problems
}

func (usernamePage) template() string { return "username" }

// getUsername serves GET /account/settings/username/. Who signed in long ago
// proves first that they are still there: applications may know the person by it.
func (s *Server) getUsername(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if !v.session.Fresh(s.o.FreshFor, v.at) {
		return s.redirect(w, r, proveAgain(usernamePath))
	}
	return s.showUsername(w, r, http.StatusOK, v.user.Username, nil)
}

func (s *Server) showUsername(w http.ResponseWriter, r *http.Request, status int, typed string, bad problems) error {
	u := visitOf(r).user
	held, err := s.accounts.HeldOf(r.Context(), *u)
	if err != nil {
		return err
	}
	b := s.base(r)
	p := usernamePage{base: b, Current: u.Username, Username: typed, By: held["username"], Hint: s.usernameHint(b), Max: s.o.UsernameMax, Needed: s.accounts.NeedUsername(), Problems: s.explain(b, bad)}
	p.Section, p.Path = "profile", usernamePath
	return s.show(w, r, status, &p)
}

// postUsername serves POST /account/settings/username/.
func (s *Server) postUsername(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if !v.session.Fresh(s.o.FreshFor, v.at) {
		return s.redirect(w, r, proveAgain(usernamePath))
	}
	typed := v.form.Get("username")
	var u broker.User
	err := s.tryUsername(w, r)
	if err == nil {
		u, err = s.accounts.ChangeUsername(r.Context(), v.session, typed)
	}
	if bad := formProblems(err); bad != nil {
		return s.showUsername(w, r, statusOf(err), typed, bad)
	}
	if err != nil {
		return err
	}
	s.o.Wake()
	note := sessionNotice{Key: "username.saved", Args: map[string]string{"username": u.Username}}
	if u.Username == "" {
		note = sessionNotice{Key: "username.removed"}
	}
	if err := s.say(w, r, note); err != nil {
		return err
	}
	return s.redirect(w, r, profilePath)
}

// usernameHint says what a username may be: in the operator's words, where they
// have a rule.
func (s *Server) usernameHint(b base) string {
	if rule := s.usernameRule(b); rule != "" {
		return rule
	}
	return b.T("field.username_hint")
}

// usernameRule is what the operator says of their rule, in the language of the page
// or another that they speak; "" nothing.
func (s *Server) usernameRule(b base) string {
	words := broker.Words(s.o.UsernameRule)
	if text := words.In(b.Lang); text != "" {
		return text
	}
	for _, l := range b.Languages() {
		if text := words.In(l.Tag); text != "" {
			return text
		}
	}
	return ""
}

// explain puts the operator's words into the problem that a username breaks their rule.
func (s *Server) explain(b base, bad problems) problems {
	if e := bad["username"]; e != nil && errors.Is(e, local.ErrUsernameRule) {
		bad["username"] = e.With("rule", s.usernameRule(b))
	}
	return bad
}
