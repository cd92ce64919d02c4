package web

import "idbroker/broker"

// choosePage asks a person whose identity nobody has whether they have an account
// here: templates/choose.html, at /oauth/signup/{app}/. Its buttons lead on; it
// posts nothing.
type choosePage struct {
	base
	Login       broker.LoginID
	Client      *clientView // who asks; nil a page of ours
	Remote      remoteView
	Known       string           // masked address of an account that has the one which the provider has proven; "" none
	PasswordURL string           // prove an account with its password; "" there are none
	Providers   []providerButton // prove it with an identity that opens it
	MoreURL     string           // to the identities that are not among them; "" all are
	CodeURL     string           // prove it with a code by mail; "" there are none
	NewURL      string           // to the form of a newcomer; "" accounts can't begin
	OtherURL    string           // to another way of signing in: "this is not me"
}

// shownToChoose is how many providers the page shows: with more, the two choices
// would not be seen at a glance.
const shownToChoose = 3

func (choosePage) template() string { return "choose" }
