package web

import (
	"net/url"
	"strings"

	"idbroker/broker"
	"idbroker/i18n"
)

// clientView is an application as a person sees it.
type clientView struct {
	Name     string
	Host     string   // of its home page or its redirect URI: what the person may check
	URL      string   // home page; "" none
	Policy   string   // URL of its privacy policy; "" none
	Terms    string   // URL of its terms; "" none
	Contacts []string // who runs it
	Logo     string   // path of ours; "" its initials
}

// Initials stand where there is no logo.
func (v clientView) Initials() string { return initials(v.Name) }

// remoteView is an identity at a provider as a person sees it.
type remoteView struct {
	Provider string // id
	Title    string // "GitHub"
	Icon     string
	Handle   string // login or other short name there; "" none
	Name     string // "" none
}

// Called is the best that we know to call the identity; "" nothing.
func (v remoteView) Called() string {
	if v.Name != "" {
		return v.Name
	}
	return v.Handle
}

// providerButton leads to a provider.
type providerButton struct {
	ID       string
	Title    string // "GitHub"
	Icon     string
	URL      string // GET
	LastUsed bool   // on this browser, last time
}

// loginPage asks who is there: templates/login.html, at /login/. It posts
// login, email and password back to /login/. Where it asks for them one after the
// other, it posts login and email to /login/identify/ (Identify) and comes back with
// Identified, from where login and other=1 lead back there.
type loginPage struct {
	base
	Login           broker.LoginID
	Client          *clientView // who asks; nil a page of ours
	Again           bool        // User is signed in and must prove to be there
	Email           string      // as typed; with Again the user's own
	Identifier      string      // what is typed beside a password, translated; "" the address
	Identify        bool        // asks for the address (or what Identifier says) alone; the ways come next
	Identified      string      // what was said then; "" it was not asked for. Email says it, too
	Own             bool        // the ways are those of that person, who has signed in here before; otherwise everybody's
	LastCode        bool        // a mailed code was used last on this browser, for that account
	Problems        problems    // fields: email, password
	Providers       []providerButton
	Query           string // what the search for a provider looks for ("q")
	All             bool   // show every provider ("all=1")
	LastPassword    bool   // the password was used last on this browser
	SignUpURL       string // "" newcomers cannot sign up
	CodeURL         string // to a code by mail; "" there are none
	LostPasswordURL string
	Pending         *remoteView  // an identity that waits to be linked once the person has signed in
	LocalPasswords  bool         // the broker keeps passwords
	Stuck           bool         // with Again: nothing that they have can prove it
	CancelURL       string       // where Again leads back to; "" nowhere
	Passkey         *passkeyView // nil: there are no passkeys
	remembering
	Present string // name of the account that the person may go on with, posting present=1; "" nobody
}

// Autocomplete is what the browser may fill into the field for the address, or
// offer there in its place.
func (p loginPage) Autocomplete() string {
	if p.Passkey != nil {
		return "username webauthn"
	}
	return "username"
}

// CodeFirst tells whether a mailed code is the way in, and no other one stands on the
// page but passkeys.
func (p loginPage) CodeFirst() bool {
	return p.CodeURL != "" && !p.LocalPasswords && len(p.Providers) == 0
}

// PasswordAutocomplete is the same for the field of the password.
func (p loginPage) PasswordAutocomplete() string {
	if p.Passkey != nil && p.Identified != "" { // the field before it is not shown
		return "current-password webauthn"
	}
	return "current-password"
}

// PasswordFirst tells whether the password, or the question who somebody is, stands
// before the providers.
func (p loginPage) PasswordFirst() bool {
	return p.LastPassword || len(p.Providers) == 0 || (p.Identify || p.Identified != "") && p.Last() == nil
}

// MailCode tells whether a code can be mailed without asking for the address.
func (p loginPage) MailCode() bool { return p.CodeURL != "" && strings.Contains(p.Identified, "@") }

// remembering is the choice whether the session outlives the browser.
type remembering struct {
	Remember   int  // for how many days; 0 there is no choice
	Remembered bool // chosen
}

const (
	// searchFrom is how many providers are too many to be read at a glance: a
	// search stands before the list from here on.
	searchFrom = 9
	// shownFirst is how many of them stand below the search.
	shownFirst = 5
)

// Last is the provider that this browser used last; nil none.
func (p loginPage) Last() *providerButton {
	for i := range p.Providers {
		if p.Providers[i].LastUsed {
			return &p.Providers[i]
		}
	}
	return nil
}

// Find is what a search for the provider looks into.
func (b providerButton) Find() string { return i18n.Fold(b.Title + " " + b.ID) }

// found tells whether a search for the folded words finds the provider.
func (b providerButton) found(words []string) bool {
	in := b.Find()
	for _, w := range words {
		if !strings.Contains(in, w) {
			return false
		}
	}
	return true
}

// Others are the providers beside Last that the search leaves.
func (p loginPage) Others() []providerButton {
	shown, _ := p.split()
	return shown
}

// Rest are the ones that it does not: a script finds them without asking anew.
func (p loginPage) Rest() []providerButton {
	_, rest := p.split()
	return rest
}

func (p loginPage) split() (shown, rest []providerButton) {
	words := strings.Fields(i18n.Fold(p.Query))
	for _, b := range p.Providers {
		switch {
		case b.LastUsed && len(words) == 0: // stands above
		case !b.found(words), len(words) == 0 && p.Searchable() && !p.All && len(shown) == shownFirst:
			rest = append(rest, b)
		default:
			shown = append(shown, b)
		}
	}
	return shown, rest
}

// Searchable tells whether there are so many providers that a search helps.
func (p loginPage) Searchable() bool { return len(p.Providers) >= searchFrom }

// Hidden is how many providers are not shown before anybody has searched.
func (p loginPage) Hidden() int {
	if strings.TrimSpace(p.Query) != "" {
		return 0
	}
	return len(p.Rest())
}

// AllURL leads to the page with every provider.
func (p loginPage) AllURL() string {
	q := url.Values{"all": {"1"}}
	if p.Login != "" {
		q.Set("login", string(p.Login))
	}
	return "/login/?" + q.Encode() + "#providers"
}

// lostPasswordPage asks for the address to send a link to:
// templates/lost_password.html, at /lost-password/. It posts email.
type lostPasswordPage struct {
	base
	Login       broker.LoginID // "" none
	Email       string         // as typed
	Problems    problems       // field: email
	SignInURL   string         // the way back; "" there is SettingsURL
	SettingsURL string         // the way back of who is signed in; "" there is SignInURL
}

// resetPage asks for a new password: templates/reset.html, at
// /reset-password/. It posts token and password.
type resetPage struct {
	base
	Token       broker.Secret
	Email       string
	MinPassword int
	Problems    problems // field: password
}

// linkPage asks whether an identity that has just been proven shall open the
// account that has just been signed in to: templates/link.html, at /link/. It posts
// login and decision ("link" or "skip"; "replace" where there is one to replace).
type linkPage struct {
	base
	Login    broker.LoginID
	Identity string // identityMark of the login
	Remote   remoteView
	Replaces *remoteView // the linked identity whose place it would take; nil none
}

func (loginPage) template() string        { return "login" }
func (lostPasswordPage) template() string { return "lost_password" }
func (resetPage) template() string        { return "reset" }
func (linkPage) template() string         { return "link" }
