package web

import (
	"strings"

	"idbroker/broker"
)

// homePage is templates/home.html, at /: the way in for who is signed out, and
// the way to the settings for who is signed in.
type homePage struct {
	base
	SignInURL string
	SignUpURL string // "" newcomers cannot sign up
}

// errorPage says what happened, what it means and what to do:
// templates/error.html.
type errorPage struct {
	base
	Status    int
	Message   string // catalog key; "" error.internal. The heading is <key>.title where there is one
	Args      map[string]string
	Reference string // number of the request in the log; "" none
	Fragment  bool   // a provider may have answered behind "#": callback.js looks
	Actions   []action
}

// action is a way on.
type action struct {
	Label   string // catalog key
	Args    map[string]string
	URL     string
	Post    bool     // URL, without a query, takes a POST
	Fields  []hidden // of the POST
	Primary bool
}

// errorOf makes the page of an error; any but a *broker.Error is internal.
func errorOf(b base, status int, e *broker.Error, reference string, actions ...action) errorPage {
	p := errorPage{base: b, Status: status, Message: "error.internal", Reference: reference, Actions: actions}
	if e != nil && e.Message != "" {
		p.Message, p.Args = e.Words(), e.Args
	}
	return p
}

// Advice is the catalog key of what to do beyond the ways on; "" none.
func (p errorPage) Advice() string {
	if key := p.Message + ".advice"; p.Has(key) {
		return key
	}
	return ""
}

// title is the error's own heading, or that of its status.
func (p errorPage) title() string {
	for key := p.Message; strings.Contains(key, "."); { // of narrowed words, else of the whole; "login" alone is a page
		if title := key + ".title"; p.Has(title) {
			return p.Say(title, p.Args)
		}
		key = key[:max(strings.LastIndexByte(key, '.'), 0)]
	}
	switch {
	case p.Status == 404 || p.Status == 410:
		return p.T("error.title_gone")
	case p.Status >= 500:
		return p.T("error.title_ours")
	}
	return p.T("error.title")
}

// Ways are the ways on: there is always one.
func (p errorPage) Ways() []action {
	ways := p.Actions
	if len(ways) == 0 {
		ways = []action{{Label: "error.home", URL: "/", Primary: true}}
	}
	if p.Brand.Help != "" && p.Status != 401 && p.Status != 422 {
		ways = append(ways[:len(ways):len(ways)], helpAt(p.Brand.Help))
	}
	return ways
}

// HelpWay is helpAt where the operators have named one; nil otherwise.
func (b base) HelpWay() *action {
	if b.Brand.Help == "" {
		return nil
	}
	a := helpAt(b.Brand.Help)
	return &a
}

// helpAt is the way to the operators. An address is shown, since not everybody
// has a mail program behind the browser.
func helpAt(url string) action {
	if mail, ok := strings.CutPrefix(url, "mailto:"); ok {
		address, _, _ := strings.Cut(mail, "?")
		return action{Label: "error.write", Args: map[string]string{"address": address}, URL: url}
	}
	return action{Label: "error.help", URL: url}
}

func (homePage) template() string  { return "home" }
func (errorPage) template() string { return "error" }
