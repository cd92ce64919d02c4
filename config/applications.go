package config

import "net/netip"

// Applications is the section "applications".
type Applications struct {
	RequirePAR    bool     `koanf:"require_pushed_requests" default:"false" doc:"Every application must push its authorization requests (RFC 9126). false: those that are registered so."`
	RequireSigned bool     `koanf:"require_signed_requests" default:"false" doc:"Every application must sign its authorization requests (RFC 9101). false: those that are registered so."`
	Logos         bool     `koanf:"logos" default:"true" doc:"Show people the logos that applications are registered with. The broker fetches them, keeps to the public Internet, and serves them itself. false: initials."`
	Networks      []string `koanf:"networks" example:"[10.20.0.0/16]" doc:"Networks beside the public Internet where applications may be: the broker fetches their keys and request objects there, and tells them of sign-outs, over https. Not set: none, so that nobody can use the broker to look around inside."`
}

// NetworkPrefixes are the networks, parsed; those that check refuses are left out.
func (a Applications) NetworkPrefixes() []netip.Prefix {
	return prefixes(a.Networks)
}

func (k *checker) applications() {
	k.networks("applications.networks", k.c.Applications.Networks)
}
