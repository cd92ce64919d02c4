package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"idbroker/broker"
	"idbroker/broker/local"
)

// getProfile serves GET /account/settings/profile/.
func (s *Server) getProfile(w http.ResponseWriter, r *http.Request) error {
	return s.showProfile(w, r, http.StatusOK, local.ProfileOf(*visitOf(r).user), nil)
}

func (s *Server) showProfile(w http.ResponseWriter, r *http.Request, status int, told local.Profile, bad problems) error {
	u := visitOf(r).user
	held, err := s.accounts.HeldOf(r.Context(), *u)
	if err != nil {
		return err
	}
	p := profilePage{base: s.base(r), Email: u.Email, Username: u.Username, Profile: told, Held: held, Phone: s.keepsPhone(u), Address: s.keepsAddress(u), Problems: bad}
	p.PhoneOffered, p.AddressOffered = s.tokens.Offers(scopePhone), s.tokens.Offers(scopeAddress)
	p.Affiliations, p.AffiliationsOffered = s.o.Affiliations || len(u.Details.Affiliations) > 0, s.o.Affiliations
	p.Visibility, p.Zones, p.PresetZone = s.o.Visibility, local.Zones(), or(s.o.Zone, "UTC")
	p.Profile.Visibility = told.Visibility.Or(s.o.PresetVisibility)
	p.Profile.EmailVisibility = told.EmailVisibility.Or(s.o.PresetEmailVisibility)
	p.Asked = s.asked(p.base, told.Fields, false, bad)
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

// readProfile reads the form over what the person has: what the form does not ask
// stays as it is.
func (s *Server) readProfile(v *visit) (local.Profile, error) {
	told := local.ProfileOf(*v.user)
	told.Version = local.AnyVersion
	members := map[string]*string{"name": &told.Name, "locale": &told.Locale}
	if s.keepsPhone(v.user) {
		members["phone"] = &told.Phone
	}
	if a := &told.Address; s.keepsAddress(v.user) {
		members["street_address"], members["postal_code"], members["locality"] = &a.Street, &a.PostalCode, &a.Locality
		members["region"], members["country"] = &a.Region, &a.Country
	}
	for name, member := range members { // a program that leaves one out leaves it as it is
		if v.form.Has(name) {
			*member = v.form.Get(name)
		}
	}
	if told.Locale != "" && told.Locale != v.user.Locale && !slices.Contains(s.cat.Languages(), told.Locale) {
		return told, errForm.At("locale").Becausef("language %.35q", told.Locale)
	}
	if text := v.form.Get("version"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return told, errForm.At("version").Becausef("version %.20q", text)
		}
		told.Version = n
	}
	if v.form.Has("affiliations") && (s.o.Affiliations || len(v.user.Details.Affiliations) > 0) {
		told.Affiliations = strings.Split(v.form.Get("affiliations"), "\n")
	}
	if v.form.Has("zone") {
		told.Zone = strings.TrimSpace(v.form.Get("zone"))
	}
	if s.o.Visibility && v.form.Has("visibility") {
		told.Visibility = chosen(v.form.Get("visibility"), told.Visibility, s.o.PresetVisibility)
	}
	if s.o.Visibility && v.form.Has("email_visibility") {
		told.EmailVisibility = chosen(v.form.Get("email_visibility"), told.EmailVisibility, s.o.PresetEmailVisibility)
	}
	var err error
	told.Fields, err = s.readAsked(v.form, v.user.Details.Fields)
	return told, err
}

// chosen is what was posted; who leaves it at what holds anyway has chosen nothing.
func chosen(posted string, was, preset broker.Visibility) broker.Visibility {
	if v := broker.Visibility(posted); v != preset || was != "" {
		return v
	}
	return was
}

// postProfile serves POST /account/settings/profile/. Who changed it in another
// tab meanwhile is shown what they typed here, and nothing is written.
func (s *Server) postProfile(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	told, err := s.readProfile(v)
	if err != nil {
		return err
	}
	err = s.accounts.UpdateProfile(r.Context(), v.user.ID, told)
	bad := formProblems(err)
	if errors.Is(err, local.ErrProfileChanged) {
		bad = problems{"": local.ErrProfileChanged}
		told.Version = v.user.Version // saving once more is meant so
	}
	if bad != nil {
		return s.showProfile(w, r, statusOf(err), told, bad)
	}
	if err != nil {
		return err
	}
	if told.Locale != "" && slices.Contains(s.cat.Languages(), told.Locale) {
		http.SetCookie(w, s.cookies.make(languageCookie, told.Locale, keepChoice))
	}
	if err := s.say(w, r, sessionNotice{Key: "profile.saved"}); err != nil {
		return err
	}
	return s.redirect(w, r, profilePath)
}
