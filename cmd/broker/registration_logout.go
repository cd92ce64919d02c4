package main

import (
	"io"
	"net/url"
	"slices"
	"strings"

	"idbroker/broker"
	"idbroker/config"
)

// logoutFlags say how an application hears that a session is over.
type logoutFlags struct {
	BackchannelLogoutURI string `name:"backchannel-logout-uri" placeholder:"URL" help:"Where it is told, by us, that a person has signed out (OpenID Connect Back-Channel Logout)."`
	BackchannelSessions  bool   `name:"backchannel-logout-session-required" help:"It ends single sessions, and wants their sid."`

	FrontchannelLogoutURI string `name:"frontchannel-logout-uri" placeholder:"URL" help:"What the browser loads when a person has signed out (OpenID Connect Front-Channel Logout); at the origin of a redirect URI."`
}

// into writes the flags into a registration.
func (f logoutFlags) into(m *broker.ClientMetadata) {
	m.BackchannelLogoutURI, m.BackchannelLogoutSessionRequired = f.BackchannelLogoutURI, f.BackchannelSessions
	m.FrontchannelLogoutURI = f.FrontchannelLogoutURI
	m.FrontchannelLogoutSessionRequired = f.FrontchannelLogoutURI != "" // iss and sid are always there
}

// logoutView is what is shown of a registration.
type logoutView struct {
	Backchannel         string `json:"backchannel_logout_uri,omitempty"`
	BackchannelSessions bool   `json:"backchannel_logout_session_required,omitempty"`
	Frontchannel        string `json:"frontchannel_logout_uri,omitempty"`
}

func viewLogout(m broker.ClientMetadata) logoutView {
	return logoutView{Backchannel: m.BackchannelLogoutURI, BackchannelSessions: m.BackchannelLogoutSessionRequired, Frontchannel: m.FrontchannelLogoutURI}
}

func (v logoutView) text(w io.Writer) {
	if v.Backchannel != "" {
		row(w, "told of sign-out at", v.Backchannel)
	}
	if v.Frontchannel != "" {
		row(w, "loaded after sign-out", v.Frontchannel)
	}
}

// checkLogout finds what is wrong with how an application hears of sign-outs.
func checkLogout(c broker.Client, bad func(string, ...any)) {
	m := c.Metadata
	if uri := m.BackchannelLogoutURI; uri != "" {
		if what := checkLogoutURI(uri); what != "" {
			bad("back-channel logout URI %q %s", uri, what)
		}
	} else if m.BackchannelLogoutSessionRequired {
		bad("a back-channel session is required without a URI: add --backchannel-logout-uri")
	}
	if uri := m.FrontchannelLogoutURI; uri != "" {
		what := checkLogoutURI(uri)
		if u, err := url.Parse(uri); what == "" && err == nil && !slices.ContainsFunc(c.RedirectURIs, func(r string) bool {
			known, err := url.Parse(r)
			return err == nil && known.Scheme == u.Scheme && known.Host == u.Host
		}) {
			what = "is not at the scheme, host and port of a redirect URI (OpenID Connect Front-Channel Logout 1.0, section 2)"
		}
		if what != "" {
			bad("front-channel logout URI %q %s", uri, what)
		}
	}
}

// checkLogoutURI says what is wrong with an address that is told of sign-outs
// (OpenID Connect Back-Channel Logout 1.0, section 2.2); "" nothing.
func checkLogoutURI(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil || len(uri) > maxURI || strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\\\"<>^`{|}", r) }):
		return "is not a URL"
	case u.Hostname() == "" || u.Opaque != "" || u.Scheme != "https" && !(u.Scheme == "http" && config.Loopback(u.Hostname())):
		return "is not an https URL; plain http is for loopback alone"
	case strings.Contains(uri, "#"):
		return "has a fragment; remove it"
	case u.User != nil:
		return "has a user name; remove it"
	}
	return ""
}
