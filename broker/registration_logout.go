package broker

import (
	"net/url"
	"slices"
	"strings"
)

// logoutProblems finds what is wrong with how an application hears of sign-outs.
func (c Client) logoutProblems(bad func(string, string, ...any)) {
	m := c.Metadata
	if uri := m.BackchannelLogoutURI; uri != "" {
		if what := LogoutURIProblem(uri); what != "" {
			bad("backchannel_logout_uri", "%.120q %s", uri, what)
		}
	} else if m.BackchannelLogoutSessionRequired {
		bad("backchannel_logout_session_required", "it needs a back-channel logout URI; add --backchannel-logout-uri (backchannel_logout_uri)")
	}
	if uri := m.FrontchannelLogoutURI; uri != "" {
		what := LogoutURIProblem(uri)
		if u, err := url.Parse(uri); what == "" && err == nil && !slices.ContainsFunc(c.RedirectURIs, func(r string) bool {
			known, err := url.Parse(r)
			return err == nil && known.Scheme == u.Scheme && known.Host == u.Host
		}) {
			what = "is not at the scheme, host and port of a redirect URI (OpenID Connect Front-Channel Logout 1.0, section 2)"
		}
		if what != "" {
			bad("frontchannel_logout_uri", "%.120q %s", uri, what)
		}
	}
}

// LogoutURIProblem says what is wrong with an address that is told of sign-outs
// (OpenID Connect Back-Channel Logout 1.0, section 2.2); "" nothing.
func LogoutURIProblem(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil || len(uri) > MaxURI || strings.ContainsFunc(uri, notInURI):
		return "is not a URL"
	case u.Hostname() == "" || u.Opaque != "" || u.Scheme != "https" && !(u.Scheme == "http" && Loopback(u.Hostname())):
		return "is not an https URL; plain http is for loopback alone"
	case strings.Contains(uri, "#"):
		return "has a fragment; remove it"
	case u.User != nil:
		return "has a user name; remove it"
	}
	return ""
}

// responseProblems wants response types and grant types to agree (OpenID Connect
// Dynamic Client Registration 1.0, section 2).
func (c Client) responseProblems(o Offer, bad func(string, string, ...any)) {
	for _, t := range c.Metadata.ResponseTypes {
		switch {
		case !slices.Contains(o.ResponseTypes, t):
			bad("response_types", "%.100q is not supported; use %s", t, strings.Join(o.ResponseTypes, ", "))
		case slices.Contains(strings.Fields(t), "code") && !c.MayGrant(GrantCode):
			bad("response_types", "%q needs the grant type %s", t, GrantCode)
		case strings.Contains(t, "token") && !c.MayGrant(GrantImplicit):
			bad("response_types", "%q needs the grant type %s", t, GrantImplicit)
		}
	}
}
