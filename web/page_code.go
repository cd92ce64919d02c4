package web

import "idbroker/broker"

// askCodePage asks for the address to mail a code to: templates/ask_code.html, at
// /code/. It posts login and email to /code/send/.
type askCodePage struct {
	base
	Login    broker.LoginID // "" the login has no row yet
	Next     string         // where to go afterwards, where Login is ""
	Remote   *remoteView    // the identity that waits to be linked; nil: the code signs in
	Email    string         // as typed, or as the provider told it
	Fixed    bool           // it is that of who is signed in, and goes nowhere else
	Problems problems       // fields: email
	BackURL  string         // to the other ways of signing in
}

// codePage takes the code that was mailed: templates/code.html, at /code/. It
// tells nothing of whether one was. It posts login and code, or login and email to
// /code/send/ for another one.
type codePage struct {
	base
	Login    broker.LoginID
	Remote   *remoteView // as in askCodePage
	Email    string      // where it was sent to, as typed in this browser
	Problems problems    // fields: code
	Code     string      // that the link in the mail brought along; "" none
	OtherURL string      // to askCodePage; "" no other address will do
	BackURL  string      // to the other ways of signing in
	remembering
}

func (askCodePage) template() string { return "ask_code" }
func (codePage) template() string    { return "code" }
