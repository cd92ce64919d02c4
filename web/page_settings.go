package web

import (
	"slices"
	"strings"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
)

// profilePage shows and changes what the person told of themselves:
// templates/profile.html, at /account/settings/profile/. It posts version, name,
// locale, zone, phone, the parts of the address by their claims, affiliations (one a
// line), visibility, email_visibility, and the operator's fields.
type profilePage struct {
	base
	Email          string
	Username       string
	Profile        local.Profile     // as typed
	Held           map[string]string // title of the provider that sets a field
	Phone          bool              // there is a field for the telephone number
	Address        bool              // there are fields for the postal address
	PhoneOffered   bool              // applications may ask for the number; otherwise it can only be taken away
	AddressOffered bool
	Zones          []string
	PresetZone     string // of who has chosen none
	Affiliations   bool   // there is a field for them
	Visibility     bool   // there are fields for who may see what
	Asked          []askedField
	Problems       problems

	AffiliationsOffered bool
}

// AskedNames is what the form asks for beside.
func (p profilePage) AskedNames() string { return askedNames(p.Asked) }

// Lines is the affiliations, one a line.
func (p profilePage) Lines() string { return strings.Join(p.Profile.Affiliations, "\n") }

// LanguageName is what a language is called.
func (p profilePage) LanguageName(tag string) string { return p.cat.LanguageName(tag) }

// ZoneOptions are the zones to choose from, with the one that is chosen.
func (p profilePage) ZoneOptions() []string {
	if p.Profile.Zone == "" || slices.Contains(p.Zones, p.Profile.Zone) {
		return p.Zones
	}
	return append([]string{p.Profile.Zone}, p.Zones...)
}

// Visibilities are the values of visibility and email_visibility.
func (profilePage) Visibilities() []string {
	return visibilities
}

// AffiliationsHint says what becomes of them.
func (p profilePage) AffiliationsHint() string {
	if !p.AffiliationsOffered {
		return p.T("profile.withheld")
	}
	return p.T("field.one_a_line")
}

// HeldHint says where a field comes from, or hint.
func (p profilePage) HeldHint(field, hint string) string {
	if by := p.Held[field]; by != "" {
		return p.T("profile.held", "provider", by)
	}
	return hint
}

// Fixed is the value of a field that a provider sets.
func (p profilePage) Fixed(field, value string) string {
	if p.Held[field] == "" {
		return ""
	}
	return value
}

// PhoneHint says what becomes of the number.
func (p profilePage) PhoneHint() string {
	if !p.PhoneOffered {
		return p.T("profile.withheld")
	}
	return p.T("profile.phone_hint")
}

// AddressHint says what becomes of the address; "" what becomes of the rest.
func (p profilePage) AddressHint() string {
	if !p.AddressOffered {
		return p.T("profile.withheld")
	}
	return ""
}

// linkedAccountsPage lists the remote identities of the account:
// templates/linked_accounts.html, at /account/settings/linkedaccounts/.
type linkedAccountsPage struct {
	base
	Linked       []linkedRow
	Connect      []providerButton // what can be linked still; URL takes a POST
	Changes      []changeRow      // what can be taken back still, the last first
	MailedTo     string           // masked address that the mails about Changes went to; "" nobody was mailed
	Password     bool             // a password opens the account
	Passkeys     bool             // the person could add a passkey
	PasskeyCount int              // passkeys that open the account
	OnlyWayIn    bool             // one thing opens the account: it cannot be unlinked
	Passwords    bool             // the person could set a password
	Codes        bool             // a code by mail opens the account
}

// shownChanges is how many changes are shown at once; the rest unfold.
const shownChanges = 3

// Recent are the changes that are shown at once.
func (p linkedAccountsPage) Recent() []changeRow {
	return p.Changes[:min(shownChanges, len(p.Changes))]
}

// Earlier are the changes that unfold.
func (p linkedAccountsPage) Earlier() []changeRow { return p.Changes[len(p.Recent()):] }

// changePart is a change in words.
type changePart struct {
	Icon, What, Called string
	Undone             string // "" it stands
	At                 when
	Until              string // what Ends is; "" it cannot be taken back
	Ends               when
}

// Changed tells a change.
func (p linkedAccountsPage) Changed(c changeRow) changePart {
	part := changePart{Icon: c.Icon, What: p.T(c.What, "provider", c.Title), Called: c.Called(), At: p.When(c.At)}
	if c.Undone {
		part.Undone = p.T("linked_accounts.undone")
	}
	if c.Until != nil {
		part.Until, part.Ends = p.T("linked_accounts.undo_until"), p.When(*c.Until)
	}
	return part
}

// Latest is the latest change that the mail about it still takes back; nil none.
func (p linkedAccountsPage) Latest() *changeRow {
	for i := range p.Changes {
		if p.Changes[i].Until != nil {
			return &p.Changes[i]
		}
	}
	return nil
}

// Protection counts the ways in; "" where OnlyWayIn says more.
func (p linkedAccountsPage) Protection() string {
	if p.OnlyWayIn {
		return ""
	}
	ways := broker.WaysIn{Password: p.Password, Code: p.Codes, Passkeys: p.PasskeyCount}
	for _, l := range p.Linked {
		if l.OpensAccount {
			ways.Identities++
		}
	}
	return p.protection(ways, p.Passwords && !p.Password || p.Passkeys || len(p.Connect) > 0)
}

// LastUsed is the identity that was used last, where there are several; "" none.
func (p linkedAccountsPage) LastUsed() string {
	last := linkedRow{}
	for _, l := range p.Linked {
		if l.LastUsed.After(last.LastUsed) {
			last = l
		}
	}
	if len(p.Linked) < 2 {
		return ""
	}
	return last.IdentityID
}

// linkedRow is a remote identity.
type linkedRow struct {
	remoteView
	IdentityID    string
	Subject       string // external id
	ProfileURL    string // "" none
	Since         time.Time
	LastUsed      time.Time // zero: never
	OpensAccount  bool
	CanRemove     bool
	Configured    bool   // the operator still has the provider
	Lost          bool   // it must be connected again for applications to act there
	DisconnectURL string // GET: the confirm step
	ReconnectURL  string // takes a POST
}

// changeRow is a change of links.
type changeRow struct {
	remoteView
	What   string // catalog key
	At     time.Time
	Until  *time.Time // when the mailed link ends; nil: there is none, or it was used
	Undone bool
}

// Identifier is what the identity is called at the provider, in machine's words:
// the handle, or the external id where there is none.
func (r linkedRow) Identifier() string {
	if r.Handle != "" {
		return r.Handle
	}
	return r.Subject
}

// Called is the name there; "" where Identifier says it all.
func (r linkedRow) Called() string { return r.Name }

// applicationsPage lists what has access:
// templates/applications.html, at /account/settings/applications/. It posts client
// to the same path to take the access back.
type applicationsPage struct {
	base
	Apps []appRow
}

// appRow is an application that the person has allowed something.
type appRow struct {
	ID       string
	Name     string
	Host     string
	URL      string    // home page; "" none
	Logo     string    // path of ours; "" its initials
	OpenURL  string    // path of ours that leads there, signed in; "" not offered
	Sees     []string  // translated: "Your name"
	Offline  bool      // it keeps access while the person is away
	Since    time.Time // zero: not known
	LastUsed time.Time // zero: never
}

// Initials stand where there is no logo.
func (r appRow) Initials() string { return initials(r.Name) }

// confirmPage is the step before what cannot be undone:
// templates/confirm.html. It posts Fields to Action.
type confirmPage struct {
	base                // Title is the question
	Remote  *remoteView // what it is about; nil nothing to show
	Lines   []string    // translated consequences, a paragraph each
	Action  string      // path
	Fields  []hidden
	Button  string // translated: "Unlink GitHub"
	Danger  bool
	Cancel  string // translated; "" "Cancel"
	BackURL string // path that Cancel leads to
}

func (profilePage) template() string        { return "profile" }
func (devicesPage) template() string        { return "devices" }
func (linkedAccountsPage) template() string { return "linked_accounts" }
func (applicationsPage) template() string   { return "applications" }
func (confirmPage) template() string        { return "confirm" }
