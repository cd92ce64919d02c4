package web

import (
	"net/http"
	"slices"

	"idbroker/broker"
	"idbroker/broker/local"
)

// getProfile serves GET /account/settings/profile/.
func (s *Server) getProfile(w http.ResponseWriter, r *http.Request) error {
	return s.showProfile(w, r, http.StatusOK, local.ProfileOf(*visitOf(r).user), nil)
}

func (s *Server) showProfile(w http.ResponseWriter, r *http.Request, status int, told local.Profile, bad problems) error {
	u := visitOf(r).user
	p := profilePage{base: s.base(r), Email: u.Email, Profile: told, Phone: s.keepsPhone(u), Address: s.keepsAddress(u), Problems: bad}
	p.PhoneOffered, p.AddressOffered = s.tokens.Offers(scopePhone), s.tokens.Offers(scopeAddress)
	p.Section = "profile"
	return s.show(w, r, status, &p)
}

// keepsPhone tells whether the person may enter a telephone number: where the
// operator asks for it, and where one is there from when the operator did, so
// that it can be taken away.
func (s *Server) keepsPhone(u *broker.User) bool {
	return s.tokens.Offers(scopePhone) || u.Phone != ""
}

// keepsAddress is keepsPhone for the postal address.
func (s *Server) keepsAddress(u *broker.User) bool {
	return s.tokens.Offers(scopeAddress) || u.Address != broker.Address{}
}

// postProfile serves POST /account/settings/profile/.
func (s *Server) postProfile(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	told := local.Profile{Name: v.form.Get("name"), Username: v.form.Get("username"), Locale: v.form.Get("locale")}
	if told.Locale != "" && !slices.Contains(s.cat.Languages(), told.Locale) {
		return errForm.Becausef("language %.35q", told.Locale)
	}
	if s.keepsPhone(v.user) {
		told.Phone = v.form.Get("phone")
	}
	if s.keepsAddress(v.user) {
		told.Address = broker.Address{
			Street: v.form.Get("street_address"), PostalCode: v.form.Get("postal_code"), Locality: v.form.Get("locality"),
			Region: v.form.Get("region"), Country: v.form.Get("country"),
		}
	}
	err := s.accounts.UpdateProfile(r.Context(), v.user.ID, told)
	if bad := formProblems(err); bad != nil {
		return s.showProfile(w, r, statusOf(err), told, bad)
	}
	if err != nil {
		return err
	}
	if told.Locale != "" {
		http.SetCookie(w, s.cookies.make(languageCookie, told.Locale, keepChoice))
	}
	if err := s.say(w, r, sessionNotice{Key: "profile.saved"}); err != nil {
		return err
	}
	return s.redirect(w, r, profilePath)
}
