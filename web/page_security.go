package web

import (
	"strings"
	"time"

	"idbroker/broker"
)

// securityPage shows how well the account is protected:
// templates/security.html, at /account/settings/security/. It posts current and
// password to /account/settings/password/, current to remove/ behind it.
type securityPage struct {
	base
	LocalPasswords bool // the broker keeps passwords
	HasPassword    bool
	NeedsUsername  bool      // the password opens nothing before the person has a username
	CanRemove      bool      // something else opens the account: the password can be removed
	ThenByMail     bool      // a mailed code would be all that does
	Removing       bool      // Problems are about removing the password
	PasswordSetAt  time.Time // zero: not known
	MinPassword    int
	Identities     int       // remote identities that open the account
	PasskeysOn     bool      // there are passkeys here
	Passkeys       int       // the person's, that open the account
	Codes          bool      // a code by mail opens the account
	CanAdd         bool      // the person could have another way in than they have
	Factors        bool      // there are second factors here
	FactorAt       time.Time // zero: the person has none
	Remembered     []rememberedRow
	Problems       problems
	Devices        int // where the person is signed in, this browser included
	signInViews
	Events []eventRow // newest first
}

// WaysIn is how many things open the account.
func (p securityPage) WaysIn() int { return p.ways().Count() }

func (p securityPage) ways() broker.WaysIn {
	return broker.WaysIn{Password: p.HasPassword && !p.NeedsUsername, Code: p.Codes, Passkeys: p.Passkeys, Identities: p.Identities}
}

// Protection says in a line how well the account is protected.
func (p securityPage) Protection() string {
	said := p.protection(p.ways(), p.CanAdd)
	if p.Factors && !p.FactorAt.IsZero() {
		said += " " + p.T("security.ways_step")
	}
	return said
}

// protection says how many ways in there are, and what one alone means.
func (b base) protection(w broker.WaysIn, canAdd bool) string {
	one := "security.ways_identity"
	switch n := w.Count(); {
	case n == 0:
		return b.T("security.ways_none")
	case n > 1:
		return b.N("security.ways", n)
	case w.Password:
		one = "security.ways_password"
	case w.Passkeys > 0:
		one = "security.ways_passkey"
	case w.Code:
		one = "security.ways_code"
	}
	if !canAdd {
		return b.T(one)
	}
	return b.T(one) + " " + b.T("security.ways_add")
}

// ChangeProblem is what is wrong with the password that was typed to change it, and
// RemoveProblem the same to remove it; nil nothing.
func (p securityPage) ChangeProblem() *broker.Error {
	if p.Removing {
		return nil
	}
	return p.Problems.On("current")
}

func (p securityPage) RemoveProblem() *broker.Error {
	if !p.Removing {
		return nil
	}
	return p.Problems.On("current")
}

// Address is where codes are mailed to.
func (p securityPage) Address() string {
	if p.User == nil {
		return ""
	}
	return p.User.Email
}

// Standing is the kind of notice that Protection makes.
func (p securityPage) Standing() string {
	switch p.WaysIn() {
	case 0:
		return noticeProblem
	case 1:
		return noticeInfo
	}
	return noticeOK
}

// Event is what happened, in words.
func (p securityPage) Event(e eventRow) string {
	key := "events." + strings.ReplaceAll(e.Name, ".", "_")
	if !p.Has(key) {
		return p.T("events.other") // newer than this page
	}
	named := e.Client
	if strings.HasPrefix(e.Name, "session.") || strings.HasPrefix(e.Name, "identity.") || strings.HasPrefix(e.Name, "provider.") {
		named = e.Provider // a session may be for a client, and begin with a password
	}
	switch {
	case e.Code:
		key += "_code"
	case e.Passkey:
		key += "_passkey"
	case named == "" && p.Has(key+"_plain"):
		key += "_plain"
	}
	return p.T(key, "provider", e.Provider, "client", e.Client)
}

// rememberedRow is a browser in which the person need not show their second factor.
type rememberedRow struct {
	ID         string
	Browser    string // "Firefox, Linux"; "" unknown
	IP         string // "" not known
	Current    bool
	Since      time.Time
	LastUsedAt time.Time
	Until      time.Time
}

// eventRow is something that happened to the account.
type eventRow struct {
	Name     string // broker.Event.Name; the message is events.<name> with "_" for "."
	At       time.Time
	Provider string // title; "" none
	Client   string // name of the application; "" none
	Code     bool   // a session that a mailed code began
	Passkey  bool   // one that a passkey began
	IP       string
	Country  string // "" not known
}

func (securityPage) template() string { return "security" }
