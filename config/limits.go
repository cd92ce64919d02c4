package config

import (
	"net/netip"
	"strings"

	"idbroker/broker"
)

// Limits is the section "limits".
type Limits struct {
	Enabled       bool     `koanf:"enabled" default:"true" doc:"Count tries. false only where something before the broker does."`
	AccountTries  int      `koanf:"account_tries" default:"5" min:"3" max:"1000" doc:"Tries at one account within 15 minutes from browsers that have not signed in to it before. Then each further try costs the browser some seconds of computing; nobody is locked out. Browsers that the account knows have twice as many of their own."`
	NetworkTries  int      `koanf:"network_tries" default:"30" min:"5" max:"100000" doc:"Tries and mails within 15 minutes from one address (IPv4) or /64 (IPv6); ten times as many from the /24 or /48 around it. Then each costs computing, and ten times as many are sent away for a while (429). Right passwords do not count."`
	MailsPerHour  int      `koanf:"mails_per_hour" default:"4" min:"2" max:"1000" doc:"Mails within an hour that visitors may have sent to one address; six times as many in any 24 hours. Then each further one costs the browser some computing, for 24 more in any 24 hours. Browsers that have signed in with the address have their own."`
	Captcha       Captcha  `koanf:"captcha" doc:"A service that tells people from programs, beside the proofs of work. Browsers that are asked to try it talk to that service."`
	ExemptNetwork []string `koanf:"exempt_networks" example:"[192.0.2.7/32]" doc:"Networks whose tries are not counted as one network's, such as a campus that is behind one address. Accounts are still counted."`
}

// Captcha is the section "limits.captcha".
type Captcha struct {
	Kind    string        `koanf:"kind" default:"off" enum:"off,recaptcha,hcaptcha,turnstile" doc:"Which service: reCAPTCHA version 2, hCaptcha or Turnstile. off: none, and no page loads anything from elsewhere."`
	SiteKey string        `koanf:"site_key" example:"a5f74b19-9e45-40e0-b45d-47ff91b7a6c2" doc:"Site key there. Register the host of server.base_url with it."`
	Secret  broker.Secret `koanf:"secret" example:"/run/secrets/captcha" doc:"Secret key there."`
	When    string        `koanf:"when" default:"hard" enum:"hard,always" doc:"hard: in the place of hard proofs of work, after some fifty tries with easy ones at one account. always: whenever there is a challenge. Who cannot or will not still comes in by waiting for half a minute, one after the other. Where the service is away, the proof of work counts."`
}

// Exempt are the exempt networks, parsed; those that check refuses are left out.
func (l Limits) Exempt() []netip.Prefix { return prefixes(l.ExemptNetwork) }

// captcha checks that a service has its keys.
func (k *checker) captcha() {
	c := k.c.Limits.Captcha
	if c.Kind == "off" || k.wrong("limits.captcha.kind") {
		return
	}
	if c.SiteKey == "" {
		k.add("limits.captcha.site_key", "", "is missing beside limits.captcha.kind", "take it from where the site is registered")
	}
	if c.Secret == "" {
		k.add("limits.captcha.secret", "", "is missing beside limits.captcha.kind", "put it into a file and name that in limits.captcha.secret_file")
	}
}

// ranges checks where breached passwords are asked about.
func (k *checker) ranges() {
	const path = "accounts.breached_range_url"
	text := k.c.Accounts.BreachedRangeURL
	k.remote(path, text)
	if text != "" && !k.wrong(path) && !strings.HasSuffix(text, "/") {
		k.add(path, shown(text), "does not end with a slash", "write "+text+"/, to which five digits are added")
	}
}

// prefixes are the texts that are networks.
func prefixes(texts []string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		if p, err := netip.ParsePrefix(text); err == nil {
			list = append(list, p.Masked())
		}
	}
	return list
}

// networks checks a setting that lists networks.
func (k *checker) networks(path string, texts []string) {
	for _, text := range texts {
		if p, err := netip.ParsePrefix(text); err != nil || p.Masked() != p {
			k.add(path, shown(text), "is no network", "write an address and its length, such as 10.20.0.0/16 or fd00:1::/32")
		}
	}
}
