package web

import "idbroker/broker"

// signupPage is the form of a newcomer: templates/signup.html, at /signup/. It
// posts login, email, name, username and, where NeedPassword is set, password.
type signupPage struct {
	base
	Login                broker.LoginID
	Identity             string      // identityMark of the login
	Client               *clientView // who asks; nil a page of ours
	Remote               *remoteView // the identity that no account has yet; nil a password opens the account
	Email                string      // as typed, or from the provider
	Name                 string
	Username             string
	EmailFromProvider    bool // Email is as the provider told it; so the next two
	NameFromProvider     bool
	UsernameFromProvider bool
	NeedPassword         bool
	NeedUsername         bool
	MinPassword          int         // fewest characters
	Problems             problems    // fields: email, name, username, password
	SignInURL            string      // to the account that the person has already, or to the choice
	OtherURL             string      // to another way of signing in: "this is not me"
	Unmailed             bool        // who keeps the provider's address gets no mail
	Fixed                broker.Told // what the provider sets, whatever is typed
	Rule                 string      // what a username may be
	Asked                []askedField
}

// EmailHint says where the address comes from and why it is asked for.
func (p signupPage) EmailHint() string {
	switch {
	case p.Unmailed && p.Remote != nil:
		return p.T("signup.email_hint_unmailed", "provider", p.Remote.Title)
	case p.EmailFromProvider && p.Remote != nil:
		return p.T("signup.email_hint_provider", "provider", p.Remote.Title)
	}
	return p.T("signup.email_hint")
}

// NameHint and UsernameHint say where they come from and what they may be.
func (p signupPage) NameHint() string {
	if p.Fixed.Name != "" && p.Remote != nil {
		return p.T("signup.set_by", "provider", p.Remote.Title)
	}
	if p.NameFromProvider && p.Remote != nil {
		return p.T("signup.name_hint_provider", "provider", p.Remote.Title)
	}
	return p.T("signup.name_hint")
}

func (p signupPage) UsernameHint() string {
	if p.Fixed.Username != "" && p.Remote != nil {
		return p.T("signup.set_by", "provider", p.Remote.Title)
	}
	if p.UsernameFromProvider && p.Remote != nil {
		return p.T("signup.username_hint_provider", "provider", p.Remote.Title)
	}
	return p.Rule
}

// AskedNames is what the form asks for beside.
func (p signupPage) AskedNames() string { return askedNames(p.Asked) }

// Next says what follows the form.
func (p signupPage) Next() string {
	if p.Unmailed {
		return p.T("signup.next_unmailed")
	}
	return p.T("signup.next")
}

// sentPage says that a mail is on its way: templates/sent.html, at /sent/. It
// never tells whether the address has an account. It posts login to /sent/ to have the
// mail sent again.
type sentPage struct {
	base
	Login       broker.LoginID
	Email       string // as the person typed it on this browser; "" not known here
	Reset       bool   // the mail lets its reader choose a password
	ContinueURL string // where the login goes on once the address is proven; "" nowhere
	ChangeURL   string // back to the form, to correct the address
	CanResend   bool
	Problems    problems // why it was not sent again
}

// Kind is the middle of the keys of the page's texts.
func (p sentPage) Kind() string {
	if p.Reset {
		return "reset"
	}
	return "proof"
}

// proofPage is what the link in a mail opens: templates/proof.html, at
// /verify-email/. Looking at it changes nothing; its button posts token.
type proofPage struct {
	base
	Token        broker.Secret
	Email        string
	Name         string      // "" not given
	Provider     string      // title of the provider whose identity will open the account; "" a password
	Remote       *remoteView // that identity: its owner must be the reader; nil: a password
	NoPassword   bool        // there are no passwords here
	OtherBrowser bool        // not the browser that the sign-up began in
}

// provedPage says that the address is proven and the sign-in goes on in another
// browser: templates/proved.html, at /verify-email/.
type provedPage struct {
	base
	Email       string
	Waiting     bool   // an operator has to activate the account first
	ContinueURL string // sign in here instead; "" nowhere
}

// claimPage makes the first administrator: templates/claim.html, at /claim/. It
// posts token, email, name, username and, where NeedPassword is set, password.
type claimPage struct {
	base
	Token       broker.Secret
	Email       string
	Name        string
	Username    string
	MinPassword int

	NeedPassword, NeedUsername bool

	Problems problems // fields: email, name, username, password
}

func (signupPage) template() string { return "signup" }
func (sentPage) template() string   { return "sent" }
func (proofPage) template() string  { return "proof" }
func (provedPage) template() string { return "proved" }
func (claimPage) template() string  { return "claim" }
