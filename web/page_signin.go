package web

import (
	"net/url"
	"strings"

	"idbroker/broker"
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
// login, email and password back to /login/.
type loginPage struct {
	base
	Login           broker.LoginID
	Client          *clientView // who asks; nil a page of ours
	Again           bool        // User is signed in and must prove to be there
	Email           string      // as typed; with Again the user's own
	Problems        problems    // fields: email, password
	Providers       []providerButton
	Query           string // what the search for a provider looks for ("q")
	All             bool   // show every provider ("all=1")
	LastPassword    bool   // the password was used last on this browser
	SignUpURL       string // "" newcomers cannot sign up
	CodeURL         string // to a code by mail; "" there are none
	LostPasswordURL string
	Pending         *remoteView // an identity that waits to be linked once the person has signed in
	LocalPasswords  bool        // the broker keeps passwords
	CancelURL       string      // where Again leads back to; "" nowhere
	Present         string      // name of the account that the person may go on with, posting present=1; "" nobody
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

// Others are the providers beside Last that the search leaves.
func (p loginPage) Others() []providerButton {
	var found []providerButton
	query := strings.ToLower(strings.TrimSpace(p.Query))
	for _, b := range p.Providers {
		if b.LastUsed && query == "" {
			continue
		}
		if query == "" || strings.Contains(strings.ToLower(b.Title), query) || strings.Contains(b.ID, query) {
			found = append(found, b)
		}
	}
	if p.Searchable() && query == "" && !p.All {
		found = found[:shownFirst]
	}
	return found
}

// Searchable tells whether there are so many providers that a search helps.
func (p loginPage) Searchable() bool { return len(p.Providers) >= searchFrom }

// Hidden is how many providers are not shown.
func (p loginPage) Hidden() int {
	if !p.Searchable() || p.Query != "" || p.All {
		return 0
	}
	shown := len(p.Others())
	if p.Last() != nil {
		shown++
	}
	return len(p.Providers) - shown
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
	Login     broker.LoginID // "" none
	Email     string         // as typed
	Problems  problems       // field: email
	SignInURL string
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
