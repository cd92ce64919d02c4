package cvezoo

import "net/url"

// Where people are sent when it is over.
const returnDefence = "next is a path of ours that no browser reads as anything else, or it is dropped (`broker` LocalPath)"

var redirects = []exhibit{
	{
		id: "GHSA-w2j7-f3c6-g8cw", peer: "Flask-Security",
		defect:  "a backslash in the host, with or without credentials before it, got past the check for sub-domains",
		defence: returnDefence, source: "test vectors of Flask-Security's test_open_redirect",
		without: []string{"return-anywhere"}, attack: returnTo(`https://amazon.example\.127.0.0.1/`, `https://user:pass@amazon.example\.127.0.0.1/`),
	},
	{
		id: "CVE-2021-32618", peer: "Flask-Security",
		defect:  "slashes and backslashes that urlsplit takes for a path and a browser for a host",
		defence: returnDefence, source: "https://www.cve.org/CVERecord?id=CVE-2021-32618",
		without: []string{"return-anywhere"}, attack: returnTo(`\\\evil.example`, `\\evil.example`, `/\evil.example`, `/\\\evil.example`),
	},
	{
		id: "CVE-2023-49438", peer: "Flask-Security",
		defect:  "the same again: characters that a browser drops, before and between the slashes",
		defence: returnDefence, source: "https://osv.dev/vulnerability/PYSEC-2023-248, and the vectors of test_open_redirect",
		without: []string{"return-anywhere"}, attack: returnTo(" //evil.example", "\t//evil.example", "//evil.example", "/\t/evil.example"),
	},
	{
		id: "GHSA-qqxw-m5fj-f7gv", peer: "OAuth2 Proxy",
		defect:  "the address to return to was refused where it began with two slashes, not where the second was a backslash",
		defence: returnDefence, source: "https://github.com/advisories/GHSA-qqxw-m5fj-f7gv",
		without: []string{"return-anywhere"}, attack: returnTo(`/\evil.example/path`),
	},
	{
		id: "CVE-2026-83589", peer: "oauth-proxy (Red Hat)",
		defect:  "the same in a fork of it, with a tab as well",
		defence: returnDefence, source: "https://www.cve.org/CVERecord?id=CVE-2026-83589",
		without: []string{"return-anywhere"}, attack: returnTo("/\\evil.example", "/\t/evil.example", "/\t\\evil.example"),
	},
	{
		id: "GHSA-5757-v49g-f6r7", peer: "Harbor",
		defect:  "the address to return to after the OpenID Connect sign-in was not looked at",
		defence: returnDefence, source: "https://github.com/advisories/GHSA-5757-v49g-f6r7",
		without: []string{"return-anywhere"}, attack: returnAfterSignIn,
	},
	{
		id: "GHSA-36f2-fcrx-fp4j", peer: "Authelia",
		defect:  "the sign-out page sent people to any address that its query named",
		defence: "after a sign-out people go where the application has registered, or nowhere (`tokens` ParseLogout)",
		source:  "https://github.com/golang/vulndb/issues/1638",
		without: []string{"logout-anywhere"}, attack: signOutTo("https://evil.example/", "https://app.example/callback"),
	},
	{
		id: "CVE-2020-15234", peer: "Ory Fosite and Hydra",
		defect:  "redirect URIs were compared without regard to case",
		defence: "a redirect URI is one that is registered, character for character (`tokens` matchRedirect)",
		source:  "https://osv.dev/vulnerability/GHSA-grfp-q2mm-hfp6",
		without: []string{"redirect-any-case"}, attack: redirectTo("https://app.example/CALLBACK", "https://app.example/Callback"),
	},
	{
		id: "CVE-2020-15233", peer: "Ory Fosite and Hydra",
		defect:  "a redirect URI with a loopback address matched whatever its query, and even a registered one with another host",
		defence: "at a loopback address the port may vary and nothing else (`tokens` sameButPort; RFC 8252, section 7.3)",
		source:  "https://github.com/advisories/GHSA-rfq3-w54c-f9q5",
		without: []string{"redirect-any-loopback"}, attack: redirectTo("http://127.0.0.1:1/callback?to=evil", "http://127.0.0.1:2/callback?a=b", "http://127.0.0.1:1/elsewhere"),
	},
	{
		id: "CVE-2026-28512", peer: "Pocket ID",
		defect:  "credentials before the host made a pattern match the wrong part of the redirect URI",
		defence: "redirect URIs are compared, never matched by pattern, and may hold no credentials (`tokens` matchRedirect, usableRedirect)",
		source:  "https://www.sentinelone.com/vulnerability-database/cve-2026-28512/",
		without: []string{"redirect-by-prefix"}, attack: redirectTo("https://app.example@evil.example/callback", "https://app.example:x@evil.example/callback"),
	},
}

// returnTo makes an attack of addresses to return to: a link to our sign-in page
// that ends elsewhere. Somebody who is signed in is sent on at once.
func returnTo(addresses ...string) func(w *world) bool {
	return func(w *world) bool {
		victim := name("victim")
		b := w.browser().signUp(address(victim), password)
		for _, a := range addresses {
			if host := b.landsAt("/login/?next=" + url.QueryEscape(a)); host != "" {
				w.t.Logf("next=%q leads to %s", a, host)
				return true
			}
		}
		return false
	}
}

// Harbor kept the address during the sign-in at the provider and followed it
// after the callback.
func returnAfterSignIn(w *world) bool {
	victim := name("victim")
	w.remote("campus", victim, address(victim), true)
	w.browser().begin("campus", victim, address(victim))
	b := w.browser()
	to := b.leaving("campus", func() { b.get("/oauth/login/campus/?next=" + url.QueryEscape("https://evil.example/phish")) })
	return b.landsAt(w.at("campus", to, victim)) == "evil.example"
}

// signOutTo makes an attack of addresses that nobody has registered for after the
// sign-out. Nobody is signed in, so that nothing has to be confirmed.
func signOutTo(addresses ...string) func(w *world) bool {
	return func(w *world) bool {
		for _, a := range addresses {
			q := url.Values{"client_id": {w.app.ID}, "post_logout_redirect_uri": {a}, "rd": {a}, "next": {a}}
			for _, path := range []string{"/oauth2/logout", "/logout/"} {
				if host := w.browser().landsAt(path + "?" + q.Encode()); host != "" {
					w.t.Logf("%s leads to %s", path, host)
					return true
				}
			}
		}
		return false
	}
}

// redirectTo makes an attack of redirect URIs that are not registered: whoever
// listens there gets the code of a victim who is signed in.
func redirectTo(addresses ...string) func(w *world) bool {
	return func(w *world) bool {
		victim := name("victim")
		b := w.browser().signUp(address(victim), password)
		if b.codeFor(w.app, appCallback) == "" {
			w.t.Fatalf("no code for the registered one: %s", b.Text())
		}
		for _, a := range addresses {
			if code := b.codeFor(w.app, a); code != "" && b.Stopped.Host != "app.example" || code != "" && b.Stopped.Path != "/callback" {
				w.t.Logf("a code goes to %s", b.Stopped.Redacted())
				return true
			}
		}
		return false
	}
}
