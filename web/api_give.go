package web

import "time"

// What pages give that hold things of other rooms (giver).

func (p profilePage) api() any {
	a := p.Profile.Address
	return struct {
		Email, Name, Username, Locale, Phone                 string
		StreetAddress, PostalCode, Locality, Region, Country string
		TakesPhone, TakesAddress                             bool // there are fields for them
		PhoneOffered, AddressOffered                         bool // applications may ask for them
	}{
		p.Email, p.Profile.Name, p.Profile.Username, p.Profile.Locale, p.Profile.Phone,
		a.Street, a.PostalCode, a.Locality, a.Region, a.Country,
		p.Phone, p.Address, p.PhoneOffered, p.AddressOffered,
	}
}

func (p factorPage) api() any {
	return struct {
		On, Pending     bool // it is asked for; it is being set up
		Since, LastUsed time.Time
		Codes           int    // recovery codes that are left
		Key             appKey // while it is being set up
	}{p.On(), p.Pending, p.Factor.ConfirmedAt, p.Factor.LastUsedAt, p.Codes, p.Key}
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
