package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"idbroker/broker/local"
)

// chooseLanguage keeps the visitor's choice: in their account where they are
// signed in, in the browser otherwise. An application that had asked for
// another language has been overruled, for the login that the choice was made in.
func (s *Server) chooseLanguage(w http.ResponseWriter, r *http.Request, back string) error {
	v := visitOf(r)
	lang := v.form.Get("lang")
	if !slices.Contains(s.cat.Languages(), lang) {
		return errForm.At("lang").Becausef("language %.35q", lang)
	}
	if err := s.overrule(r, back, lang); err != nil {
		return err
	}
	if v.user != nil && v.user.Locale != lang {
		profile := local.ProfileOf(*v.user)
		profile.Locale = lang
		if err := s.accounts.UpdateProfile(r.Context(), v.user.ID, profile); err != nil {
			return err
		}
	}
	http.SetCookie(w, s.cookies.make(languageCookie, lang, keepChoice))
	return s.redirect(w, r, or(back, "/"))
}

// overrule puts the choice in the place of ui_locales in the login that the page
// belongs to, if it belongs to one.
func (s *Server) overrule(r *http.Request, back, lang string) error {
	u, err := url.Parse(back)
	if err != nil || !u.Query().Has("login") {
		return nil
	}
	visitOf(r).query.Set("login", u.Query().Get("login"))
	l, err := s.login(r)
	if errors.Is(err, errLoginGone) || errors.Is(err, errLoginOver) || errors.Is(err, errOtherBrowser) {
		return nil
	}
	if err != nil {
		return err
	}
	request, err := url.ParseQuery(l.Request)
	if err != nil || !request.Has("ui_locales") {
		return nil
	}
	request.Set("ui_locales", lang)
	l.Request = request.Encode()
	return s.ended(s.store.SaveLogin(r.Context(), l))
}
