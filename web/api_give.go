package web

import (
	"strings"
	"time"

	"idbroker/broker/local"
)

// What pages give that hold things of other rooms (giver).

func (p profilePage) api() any {
	a := p.Profile.Address
	var locales []givenChoice
	if p.cat != nil { // nil: only what the page gives is looked at
		for _, l := range p.Languages() {
			locales = append(locales, givenChoice{l.Tag, l.Name})
		}
	}
	return struct {
		Version                                              int // to be sent back with a change
		Email, Name, Username, Locale, Phone                 string
		StreetAddress, PostalCode, Locality, Region, Country string
		TakesPhone, TakesAddress                             bool   // there are fields for them
		PhoneOffered, AddressOffered                         bool   // applications may ask for them
		NameFrom, UsernameFrom, LocaleFrom                   string // title of the provider that sets it; "" the person does
		Zone                                                 string
		Affiliations                                         string // one a line, as they are sent
		Visibility, EmailVisibility                          string
		Fields                                               string // the operator's, as the text of a JSON object
		Asked                                                []givenAsked
		Locales                                              []givenChoice // that can be chosen
	}{
		p.Profile.Version, p.Email, p.Profile.Name, p.Username, p.Profile.Locale, p.Profile.Phone,
		a.Street, a.PostalCode, a.Locality, a.Region, a.Country,
		p.Phone, p.Address, p.PhoneOffered, p.AddressOffered,
		p.Held["name"], p.Held["username"], p.Held["locale"], p.Profile.Zone, strings.Join(p.Profile.Affiliations, "\n"), string(p.Profile.Visibility), string(p.Profile.EmailVisibility), fieldsText(p.Profile.Fields),
		givenAll(p.Asked), locales,
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
		Asked                    []givenAsked
	}{
		string(p.Login), p.Identity, p.Client, p.Remote, p.Email, p.Name, p.Username, p.Fixed.Name, p.Fixed.Username,
		p.NeedPassword, p.MinPassword, p.Unmailed, p.SignInURL, p.OtherURL, givenAll(p.Asked),
	}
}

// givenAsked is a field of the operator's that a form shows.
type givenAsked struct {
	Name, Title, Hint string // the name is that of a member of "fields"
	Kind              string
	Required          bool
	Choices           []givenChoice
}

// givenChoice is a value of a choice.
type givenChoice struct{ Value, Title string }

func givenAll(asked []askedField) []givenAsked {
	var all []givenAsked
	for _, a := range asked {
		one := givenAsked{Name: strings.TrimPrefix(a.Name, local.FieldPrefix), Title: a.Label, Hint: a.Hint, Kind: string(a.Kind), Required: a.Optional == ""}
		for _, o := range a.Options {
			one.Choices = append(one.Choices, givenChoice{o.Value, o.Label})
		}
		all = append(all, one)
	}
	return all
}
