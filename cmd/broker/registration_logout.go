package main

import (
	"io"

	"idbroker/broker"
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
