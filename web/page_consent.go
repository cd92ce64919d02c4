package web

import "idbroker/broker"

// claimView is something that an application learns, in words with the value.
type claimView struct {
	Label string // translated: "Your name"
	Value string // "Ada Lovelace"; "" the label says it all
	Code  bool   // Value is an identifier
	Note  bool   // Value is a remark of ours and not what the application gets
}

// consentPage asks whether an application may learn what it asks for:
// templates/consent.html, at /consent/. It posts login and decision ("allow" or
// "deny").
type consentPage struct {
	base
	Login     broker.LoginID
	Client    clientView
	Claims    []claimView
	Offline   bool   // it keeps access while the person is away
	Account   string // address of the account that is used
	SwitchURL string // sign in with another account; "" not offered
}

// Runs says who runs the application; "" not known.
func (p consentPage) Runs() string {
	if len(p.Client.Contacts) == 0 {
		return ""
	}
	return p.T("consent.runs", "contacts", p.List(p.Client.Contacts))
}

// ClientLinks are the application's own pages.
func (p consentPage) ClientLinks() []footLink {
	var all []footLink
	for _, l := range p.links("consent.home", p.Client.URL, "consent.policy", p.Client.Policy, "consent.terms", p.Client.Terms) {
		if webURL(l.URL) {
			all = append(all, l)
		}
	}
	return all
}

// logoutPage asks whether to sign out: templates/logout.html, at /logout/ and
// /oauth2/logout. It posts to /logout/ what Fields holds.
type logoutPage struct {
	base
	Client    *clientView // who sent the person here; nil nobody
	Fields    []hidden    // the request, to be carried along
	CancelURL string      // "" the start page
}

// loggedOutPage says that nobody is signed in any more:
// templates/logged_out.html, at /logout/, and at the end of a sign-out that
// applications are told of through the browser.
type loggedOutPage struct {
	base
	Client      *clientView // where ContinueURL leads; nil nobody sent the person here
	ContinueURL string      // back to the application; "" nowhere
	Provider    string      // title of a provider where the person may still be signed in; "" none
	Leave       leaveView   // the way out of the provider; zero none
	Frames      []string    // pages of applications that sign the person out there
}

// leaveView is a way to sign out at a provider too.
type leaveView struct {
	Title     string // "GitHub"
	URL       string // path of ours, or the provider's page; "" there is no way
	Automatic bool   // the browser goes there by itself
}

// hidden is a value that a form carries along.
type hidden struct{ Name, Value string }

func (consentPage) template() string   { return "consent" }
func (logoutPage) template() string    { return "logout" }
func (loggedOutPage) template() string { return "logged_out" }
