package web

import (
	"net/http"
	"net/url"

	"idbroker/broker"
	"idbroker/tokens"
)

// getLogout serves GET /logout/. It asks: a link or a picture on somebody's
// page must not sign people out.
func (s *Server) getLogout(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if v.user != nil {
		return s.show(w, r, http.StatusOK, &logoutPage{base: s.base(r)})
	}
	p := loggedOutPage{base: s.base(r)}
	for _, known := range s.linker.Providers() {
		if known.ID == v.query.Get("from") {
			p.Provider = known.Title
		}
	}
	return s.show(w, r, http.StatusOK, &p)
}

// postLogout serves POST /logout/. request is the application's logout request,
// when it was one that had to be asked about.
func (s *Server) postLogout(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	var asked tokens.Logout
	var form url.Values
	if raw := v.form.Get("request"); raw != "" {
		var err error
		if form, err = url.ParseQuery(raw); err != nil {
			return errForm.Because(err)
		}
		if asked, err = s.tokens.ParseLogout(r.Context(), form); err != nil {
			return err
		}
	}
	return s.logOut(w, r, asked, form)
}

// logOut ends the session and goes where the request asked to, if that is
// registered. The way out of the provider comes after that: whatever is wrong with
// it keeps nobody signed in here.
func (s *Server) logOut(w http.ResponseWriter, r *http.Request, asked tokens.Logout, form url.Values) error {
	v, session := visitOf(r), visitOf(r).session
	var frames []tokens.Frame
	var leave leaveView
	if v.user != nil {
		var err error
		if frames, err = s.tokens.FrontchannelLogout(r.Context(), v.user.ID, session.SID); err != nil {
			return err
		}
		from, err := s.linker.Upstream(r.Context(), session) // goes with the session
		if err != nil {
			s.log.ErrorContext(r.Context(), "sign-out at the provider without a hint", "provider", session.Provider, "err", err)
		}
		locale := s.language(r)
		if err := s.signOut(w, r); err != nil {
			return err
		}
		leave = s.leave(w, r, session.Provider, from, asked, form, locale)
	}
	switch {
	case len(frames) > 0:
		return s.showLoggedOut(w, r, asked, session.Provider, leave, frames)
	case leave.Automatic && r.Method == http.MethodGet:
		return s.redirect(w, r, leave.URL)
	case leave.URL != "":
		return s.showLoggedOut(w, r, asked, session.Provider, leave, nil)
	case asked.RedirectURI != "":
		return s.redirect(w, r, asked.RedirectURI)
	case session.Provider != "":
		return s.redirect(w, r, "/logout/?from="+url.QueryEscape(session.Provider))
	}
	return s.redirect(w, r, "/logout/")
}

// getEndSession serves GET /oauth2/logout (OpenID Connect RP-Initiated Logout
// 1.0). Without a hint that names this person and session it asks first: the
// request may be anybody's.
func (s *Server) getEndSession(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	v.locales = v.query.Get("ui_locales")
	asked, err := s.tokens.ParseLogout(r.Context(), v.query.Values)
	if err != nil {
		return err
	}
	if v.user == nil || meansThis(asked, v.session) {
		return s.logOut(w, r, asked, v.query.Values)
	}
	formsLeave(w)
	p := logoutPage{base: s.base(r), Fields: []hidden{{"request", v.query.Encode()}}, CancelURL: "/"}
	if asked.Client != nil {
		client := viewClient(*asked.Client, s.language(r))
		p.Client = &client
	}
	return s.show(w, r, http.StatusOK, &p)
}

// meansThis tells whether a logout request proves to know the session that it
// ends.
func meansThis(asked tokens.Logout, session broker.Session) bool {
	return asked.HintValid && asked.Subject == session.UserID && (asked.SID == "" || asked.SID == session.SID)
}

// postEndSession serves POST /oauth2/logout. As with authorize, the cookies come
// with a GET only.
func (s *Server) postEndSession(w http.ResponseWriter, r *http.Request) error {
	return s.asGet(w, r, "/oauth2/logout")
}
