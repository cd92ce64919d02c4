package broker

import (
	"net/url"
	"strings"
)

const (
	maxACRValues = 10
	// maxACRValue lets all of them together stand in an acr_values parameter.
	maxACRValue = 100
)

// initiateParams are ours to add to an initiate_login_uri (OpenID Connect Core
// 1.0, section 4).
var initiateParams = []string{"iss", "login_hint", "target_link_uri"}

// loginProblems finds what is wrong with where an application begins a sign-in,
// and with how it wants people to sign in (OpenID Connect Dynamic Client
// Registration 1.0, section 2).
func (c Client) loginProblems(bad func(field, format string, args ...any)) {
	const initiate, acr = "initiate_login_uri", "default_acr_values"
	if uri := c.Metadata.InitiateLoginURI; uri != "" {
		u, err := url.Parse(uri)
		switch {
		case err != nil || len(uri) > MaxURI || strings.ContainsFunc(uri, notInURI) || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Contains(uri, "#"):
			bad(initiate, "%.120q: write an https URL without user name and fragment", uri)
		default:
			for _, name := range initiateParams {
				if u.Query().Has(name) {
					bad(initiate, "%.120q has the parameter %s, which the broker adds", uri, name)
				}
			}
		}
	}
	if len(c.Metadata.DefaultACRValues) > maxACRValues {
		bad(acr, "at most %d can be registered", maxACRValues)
	}
	for _, v := range c.Metadata.DefaultACRValues {
		if v == "" || len(v) > maxACRValue || strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
			bad(acr, "%.100q: use at most %d printable characters of ASCII, without spaces", v, maxACRValue)
		}
	}
}
