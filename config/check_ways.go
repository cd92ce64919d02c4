package config

import (
	"net"
	"net/url"
)

// ways refuses a broker that nobody can sign in to, and warns where passkeys are
// all there is and nothing brings a person back who has lost theirs.
func (k *checker) ways() {
	a := k.c.Accounts
	for _, p := range k.c.Providers {
		if !p.Hidden && !p.LinkOnly {
			return
		}
	}
	if a.Passwords || a.EmailCodes == "sign_in" || k.wrong("accounts.passwords") || k.wrong("accounts.email_codes") || k.wrong("accounts.passkeys") || k.wrong("providers") {
		return
	}
	const fix = "set accounts.passwords: true or accounts.email_codes: sign_in, or offer a provider"
	switch {
	case a.Passkeys == "never":
		k.add("accounts.passwords", "false", "is off, and so is every other way to sign in (accounts.email_codes, accounts.passkeys, providers)", fix)
	case !k.named():
		k.add("accounts.passkeys", shown(a.Passkeys), "is the only way to sign in, and cannot work: server.base_url has an address, and browsers have passkeys for host names alone", "write a name into server.base_url, such as https://id.example.org or http://localhost:8080, or "+fix)
	default:
		k.c.warnings = append(k.c.warnings, "accounts.passkeys: the only way to sign in; who loses theirs has no way back but an operator. Set accounts.email_codes: sign_in as well")
	}
}

// named tells whether the host of the base URL is a name.
func (k *checker) named() bool {
	u, err := url.Parse(k.c.Server.BaseURL)
	if err != nil || k.c.Server.BaseURL == "" { // as the listener has it, which is an address
		return false
	}
	return net.ParseIP(u.Hostname()) == nil
}
