package config

import (
	"net/url"
	"strings"

	"idbroker/broker"
)

// providers checks what every kind of provider needs; package providers knows
// what each kind needs beyond that.
func (k *checker) providers() {
	seen := map[string]bool{}
	for i, p := range k.c.Providers {
		path := elementPath("providers", i, p.ID)
		sub := func(key string) string { return path + "." + key }
		switch {
		case k.wrong(sub("id")):
		case p.ID == "":
			k.add(sub("id"), "", "is missing", "give the provider a short name, such as orcid")
		case !idPattern.MatchString(p.ID):
			k.add(sub("id"), shown(p.ID), "cannot stand in a path", "use at most 63 lower-case letters, digits, - and _")
		case seen[p.ID]:
			k.add(sub("id"), shown(p.ID), "is used twice", "give each provider an id of its own")
		}
		seen[p.ID] = true
		if p.Kind == "" && !k.wrong(sub("kind")) {
			k.add(sub("kind"), "", "is missing", "write one of github, orcid, cern, globus, keycloak, oidc")
		}
		if p.ClientID == "" && !k.wrong(sub("client_id")) {
			k.add(sub("client_id"), "", "is missing", "register the broker there with the redirect URI "+k.redirectURI(p.ID))
		}
		if (p.Kind == "oidc" || p.Kind == "keycloak") && p.Issuer == "" && !k.wrong(sub("issuer")) {
			k.add(sub("issuer"), "", "is missing", "write the issuer, whose /.well-known/openid-configuration can be fetched")
		}
		k.remote(sub("issuer"), p.Issuer)
		k.remote(sub("base_url"), p.BaseURL)
		for _, s := range p.Scopes {
			if !scopeText(s) {
				k.add(sub("scopes"), shown(s), "is not a scope", "write one scope an element, without spaces or quotes")
			}
		}
		for name := range p.AuthParams {
			if ours[name] {
				k.add(sub("auth_params."+name), "", "is for the broker to set", "remove it")
			}
		}
		for name := range p.SecondFactor {
			if name != "amr" && name != "acr" {
				k.add(sub("second_factor."+name), "", "is nothing that tells of two factors", "write amr or acr")
			}
		}
		k.newcomers(p, sub)
		k.page(sub("sign_out_url"), p.SignOutURL)
		if p.SignOut == "always" && (p.SignOutURL != "" || p.Kind == "github" || p.Kind == "globus" || p.Kind == "orcid") {
			k.add(sub("sign_out"), "", "would leave people at a page that does not take them back", "write ask")
		}
	}
}

// newcomers checks what a provider's policy says about people whom nobody knows.
func (k *checker) newcomers(p Provider, sub func(string) string) {
	if p.LinkOnly && p.SignUp != string(broker.SignUpByForm) && !k.wrong(sub("sign_up")) {
		k.add(sub("sign_up"), shown(p.SignUp), "says nothing beside link_only", "keep one of the two")
	}
	if p.LinkOnly && p.LinkByEmail {
		k.add(sub("link_by_email"), "", "says nothing beside link_only", "keep one of the two")
	}
	trusting := map[string]bool{"sign_up": p.SignUp == string(broker.SignUpAutomatic), "confirm_email": !p.ConfirmEmail && !k.wrong(sub("confirm_email")), "link_by_email": p.LinkByEmail}
	for _, key := range []string{"sign_up", "confirm_email", "link_by_email"} {
		switch {
		case !trusting[key] || k.wrong(sub(key)):
		case p.EmailTrust == "never":
			k.add(sub(key), "", "needs a provider whose word for an address counts, and email_trust is never", "change one of them")
		case p.EmailTrust == "always" && key == "link_by_email":
			k.add(sub(key), "", "counts only addresses that the provider says it verified, and email_trust is always", "write email_trust: verified")
		case p.EmailTrust == "always" && len(p.EmailDomains) == 0 && p.Kind != "cern": // which has domains by itself
			k.add(sub(key), "", "takes any address that is typed there, since email_trust is always", "name the domains that are the provider's own in email_domains, or write email_trust: verified")
		}
	}
	for name, rule := range p.Profile {
		switch {
		case name != "name" && name != "username" && name != "locale":
			k.add(sub("profile."+name), "", "is nothing that a provider can set", "write name, username or locale")
		case rule != "initial" && rule != "provider" && rule != "person":
			k.add(sub("profile."+name), shown(rule), "is no rule", "write initial, provider or person")
		}
	}
}

// minSMSSecret is how many characters a secret has that nobody guesses.
const minSMSSecret = 32

// sms checks the service that sends messages.
func (k *checker) sms() {
	sms := k.c.Accounts.SMS
	k.remote("accounts.sms.url", sms.URL)
	switch {
	case sms.URL == "" && sms.Secret == "":
	case sms.URL == "" && !k.wrong("accounts.sms.url"):
		k.add("accounts.sms.url", "", "is missing beside the secret", "write where the messages go")
	case len(sms.Secret.Reveal()) < minSMSSecret && !k.wrong("accounts.sms.secret"):
		k.add("accounts.sms.secret", "", "is missing or too short", "make one with: openssl rand -hex 32")
	}
	for _, prefix := range sms.Countries {
		if !broker.IsPhonePrefix(prefix) {
			k.add("accounts.sms.countries", shown(prefix), "is not the beginning of a number", `write "+" and the country code, as in "+41"`)
		}
	}
}

// straightTo checks that people can go where they are sent.
func (k *checker) straightTo() {
	const path = "accounts.straight_to"
	to := &k.c.Accounts.StraightTo
	if *to == "off" {
		*to = ""
	}
	if *to == "" || *to == "only" || k.wrong(path) {
		return
	}
	for _, p := range k.c.Providers {
		switch {
		case p.ID != *to:
		case p.Hidden, p.LinkOnly:
			k.add(path, shown(*to), "is a provider that nobody can sign in with", "take hidden and link_only off it, or name another")
			return
		default:
			return
		}
	}
	k.add(path, shown(*to), "is no provider", "write the id of one, only, or off")
}

// ours are the parameters of an authorization request that protect it.
var ours = map[string]bool{
	"client_id": true, "redirect_uri": true, "response_type": true, "response_mode": true, "scope": true, "state": true,
	"nonce": true, "code_challenge": true, "code_challenge_method": true, "request": true, "request_uri": true,
}

// remote checks the URL of a provider: https, or anything on loopback.
func (k *checker) remote(path, text string) {
	if text == "" || k.wrong(path) {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		k.add(path, shown(text), "is not a URL", "write https://…")
	case u.User != nil:
		k.add(path, "", "holds a user name", "write https://"+u.Host+u.Path)
	case u.Scheme == "http" && Loopback(u.Hostname()):
	case u.Scheme != "https":
		k.add(path, shown(text), "is not https", "write https://"+u.Host+u.Path)
	case u.RawQuery != "" || u.Fragment != "":
		k.add(path, shown(text), "has a query or fragment", "write https://"+u.Host+u.Path)
	}
}

// page checks the URL of a page that people are sent to: https.
func (k *checker) page(path, text string) {
	if text == "" || k.wrong(path) {
		return
	}
	if u, err := url.Parse(text); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		k.add(path, shown(text), "is not the URL of a page", "write https://…")
	}
}

// redirectURI is where a provider must send people back to, as far as it can
// be told.
func (k *checker) redirectURI(id string) string {
	base := k.c.Server.BaseURL
	if base == "" || k.wrong("server.base_url") {
		base = "BASE_URL"
	}
	if !idPattern.MatchString(id) {
		id = "ID"
	}
	return base + "/oauth/authorized/" + id + "/"
}

// scopeText tells whether s is a scope-token (RFC 6749, section 3.3).
func scopeText(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r > '~' })
}
