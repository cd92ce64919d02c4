package web

import (
	"time"
)

// What pages give that hold things of other rooms (giver).

func (p profilePage) api() any {
	a := p.Profile.Address
	return struct {
		Version                                              int // to be sent back with a change
		Email, Name, Username, Locale, Phone                 string
		StreetAddress, PostalCode, Locality, Region, Country string
		TakesPhone, TakesAddress                             bool   // there are fields for them
		PhoneOffered, AddressOffered                         bool   // applications may ask for them
		NameFrom, UsernameFrom, LocaleFrom                   string // title of the provider that sets it; "" the person does
		Zone                                                 string
		Affiliations                                         []string
		Visibility, EmailVisibility                          string
		Fields                                               string // the operator's, as the text of a JSON object
	}{
		p.Profile.Version, p.Email, p.Profile.Name, p.Username, p.Profile.Locale, p.Profile.Phone,
		a.Street, a.PostalCode, a.Locality, a.Region, a.Country,
		p.Phone, p.Address, p.PhoneOffered, p.AddressOffered,
		p.Held["name"], p.Held["username"], p.Held["locale"], p.Profile.Zone, p.Profile.Affiliations, string(p.Profile.Visibility), string(p.Profile.EmailVisibility), fieldsText(p.Profile.Fields),
	}
}

// givenFactor is a second factor that the person has.
type givenFactor struct {
	Kind, Hint      string // hint: to recognise a number by
	Since, LastUsed time.Time
}

func (p factorPage) api() any {
	var ways []givenFactor
	for _, w := range p.Ways {
		ways = append(ways, givenFactor{string(w.Kind), w.Hint, w.Since, w.LastUsedAt})
	}
	return struct {
		On, Pending     bool // it is asked for; an app is being set up
		Since, LastUsed time.Time
		Ways            []givenFactor
		SMS             bool   // a number can be one
		Number          string // that is being set up
		Codes           int    // recovery codes that are left
		Key             appKey // while it is being set up
	}{p.On(), p.Pending, p.Factor.ConfirmedAt, p.Factor.LastUsedAt, ways, p.SMS, p.Number, p.Codes, p.Key}
}

func (p signupPage) api() any {
	return struct {
		Login, Identity          string
		Client                   *clientView
		Remote                   *remoteView
		Email, Name, Username    string
		FixedName, FixedUsername string // the provider sets them, whatever is sent
		NeedPassword             bool
		MinPassword              int
		Unmailed                 bool // who keeps the provider's address gets no mail
		SignInURL, OtherURL      string
	}{
		string(p.Login), p.Identity, p.Client, p.Remote, p.Email, p.Name, p.Username, p.Fixed.Name, p.Fixed.Username,
		p.NeedPassword, p.MinPassword, p.Unmailed, p.SignInURL, p.OtherURL,
	}
}
