package web

import (
	"net/http"
	"slices"
)

// getProfile serves GET /account/settings/profile/.
func (s *Server) getProfile(w http.ResponseWriter, r *http.Request) error {
	u := visitOf(r).user
	return s.showProfile(w, r, http.StatusOK, u.Name, u.Username, u.Locale, nil)
}

func (s *Server) showProfile(w http.ResponseWriter, r *http.Request, status int, name, username, locale string, bad problems) error {
	p := profilePage{base: s.base(r), Email: visitOf(r).user.Email, Name: name, Username: username, Locale: locale, Problems: bad}
	p.Section = "profile"
	return s.show(w, r, status, &p)
}

// postProfile serves POST /account/settings/profile/.
func (s *Server) postProfile(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	name, username, locale := v.form.Get("name"), v.form.Get("username"), v.form.Get("locale")
	if locale != "" && !slices.Contains(s.cat.Languages(), locale) {
		return errForm.Becausef("language %.35q", locale)
	}
	err := s.accounts.UpdateProfile(r.Context(), v.user.ID, name, username, locale)
	if bad := formProblems(err); bad != nil {
		return s.showProfile(w, r, statusOf(err), name, username, locale, bad)
	}
	if err != nil {
		return err
	}
	if locale != "" {
		http.SetCookie(w, s.cookies.make(languageCookie, locale, keepChoice))
	}
	if err := s.say(w, r, sessionNotice{Key: "profile.saved"}); err != nil {
		return err
	}
	return s.redirect(w, r, profilePath)
}
