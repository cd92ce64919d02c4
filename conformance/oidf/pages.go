package oidf

// BrokerPages are the steps of somebody with a password at the pages of our own
// broker; the configurations in plans/ have the same.
func BrokerPages(issuer, authorizationEndpoint, email, password string) []Entry {
	click := func(css string) Command { return Command{Verb: "click", By: "css", Target: css} }
	signIn := Task{Task: "sign in", Match: issuer + "/login/*", Optional: true, Commands: []Command{
		{Verb: "text", By: "id", Target: "field-email", Value: email, Optional: true}, // not there where somebody signs in again
		{Verb: "text", By: "name", Target: "password", Value: password},
		click(".field ~ button"),
	}}
	logout := issuer + "/oauth2/logout*"
	return []Entry{
		{Match: authorizationEndpoint + "*", Tasks: []Task{
			signIn,
			{Task: "allow", Match: issuer + "/consent/*", Optional: true, Commands: []Command{click(`button[value="allow"]`)}},
		}},
		{Match: issuer + "/applications/*", Tasks: []Task{signIn}},
		{Match: logout, Tasks: []Task{{Task: "sign out", Match: logout, Optional: true, Commands: []Command{
			{Verb: "click", By: "css", Target: `form[action="/logout/"] button`, Optional: true}, // not there on a page that says what is wrong
		}}}},
	}
}

// BrokerApplicationStart is where people begin at our own broker; see Extension.
func BrokerApplicationStart(issuer string) string { return issuer + "/applications/{client_id}/open" }
