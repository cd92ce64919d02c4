package oidf

// BrokerPages are the steps of somebody with a password at the pages of our own
// broker; the configurations in plans/ have the same.
func BrokerPages(issuer, authorizationEndpoint, email, password string) []Entry {
	click := func(css string) Command { return Command{Verb: "click", By: "css", Target: css} }
	return []Entry{{
		Match: authorizationEndpoint + "*",
		Tasks: []Task{
			{Task: "sign in", Match: issuer + "/login/*", Optional: true, Commands: []Command{
				{Verb: "text", By: "id", Target: "field-email", Value: email, Optional: true}, // not there where somebody signs in again
				{Verb: "text", By: "name", Target: "password", Value: password},
				click(".field ~ button"),
			}},
			{Task: "allow", Match: issuer + "/consent/*", Optional: true, Commands: []Command{click(`button[value="allow"]`)}},
		},
	}}
}
