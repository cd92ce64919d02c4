package cvezoo

// Providers that are switched off, or restricted, or say what they must not.
var providers = []exhibit{
	{
		id: "CVE-2025-64717", peer: "Zitadel",
		defect:  "automatic linking went on through a provider that was not active",
		defence: "a hidden provider is not there at any step (`linking` provider, Decide, `providers` served)",
		source:  "https://github.com/golang/vulndb/issues/4124 (GHSA-j4g7-v4m4-77px)",
		without: []string{"hidden-is-served", "address-opens"}, attack: comeThroughRetired,
	},
	{
		id: "CVE-2026-2603", peer: "Keycloak",
		defect:  "the callback of a provider that had been disabled still signed people in (with CVE-2026-3009, by its title the same in the broker service)",
		defence: "as above; an attempt that was under way when the provider was switched off comes to nothing",
		source:  "https://github.com/keycloak/keycloak/issues/46911; that was SAML, so the attack is carried over to OpenID Connect",
		without: []string{"hidden-is-served"}, attack: finishAtRetired, rows: true,
	},
	{
		id: "CVE-2026-16442", peer: "Keycloak",
		defect:  "an identity that was for linking alone signed in by another endpoint",
		defence: "link-only is looked at where a sign-in begins and where it is decided (`linking` Start, Decide)",
		source:  "https://github.com/keycloak/keycloak/issues/51470",
		without: []string{"link-only-signs-in"}, attack: signInByBadge,
	},
	{
		id: "GHSA-9g4j-v8w5-7x42", peer: "authentik",
		defect:  "who had come through OAuth and was deactivated could still authorize applications",
		defence: "a disabled account is refused where a sign-in is decided, where a session begins, at every page and before a code (`linking` Decide, `web` startSession and enter, `tokens` Respond)",
		source:  "https://github.com/golang/vulndb/issues/3822",
		without: []string{"disabled-may-enter"}, attack: comeBackDisabled, rows: true,
	},
	{
		id: "CVE-2026-55669", peer: "Zitadel",
		defect:  "tokens that a shared provider had issued to another application were accepted: aud was not checked",
		defence: "aud must be, or contain, our client id there, azp must be it (`providers` verifyIDToken)",
		source:  "https://osv.dev/vulnerability/CVE-2026-55669",
		without: []string{"audience"}, attack: lies("aud other", "aud list of others", "aud missing"),
	},
	{
		id: "GHSA-wxg7-w2v3-w38g", peer: "Zitadel",
		defect:  "a token without exp never expired, one without iat was always new",
		defence: "exp and iat must be there (`providers` verifyIDToken)",
		source:  "https://www.kodemsecurity.com/cve-archive/ghsa-wxg7-w2v3-w38g",
		without: []string{"token-times"}, attack: lies("exp missing", "iat missing"),
	},
	{
		id: "GHSA-vw5h-29xf-g55g", peer: "Nextcloud user_oidc",
		defect:  "a token that somebody else had signed could be accepted",
		defence: "signatures are verified with the keys of the provider, for algorithms that it announces (`providers` verifyIDToken, keyset.go)",
		source:  "https://github.com/nextcloud/security-advisories/security/advisories/GHSA-vw5h-29xf-g55g; it tells no more, so the attack is derived: every kind of wrong signature",
		without: []string{"signature"}, attack: lies("foreign key", "unknown kid", "signature cut", "alg none", "HS256 with the client secret", "HS256 with the public key"),
	},
}

// Zitadel refused a provider that had been switched off on its pages, and linked
// by address through it all the same.
func comeThroughRetired(w *world) bool {
	victim := name("victim")
	w.browser().signUp(address(victim), password)
	w.remote("retired", victim, address(victim), true)
	to := w.browser().toProvider("retired", "")
	return to != "" && w.opens("retired", victim) == address(victim)
}

// Keycloak's callback did not ask whether the provider was enabled. An operator
// who switches a provider off, because it was broken into, must not have to wait
// for the attempts that are under way.
func finishAtRetired(w *world) bool {
	victim := name("victim")
	w.remote("campus", victim, address(victim), true)
	w.browser().begin("campus", victim, address(victim))
	b := w.browser()
	callback := w.at("campus", b.toProvider("campus", ""), victim)
	before := w.retired
	w.restart("retired", "campus")
	defer w.restart(before...)
	return b.get(callback).account() == address(victim)
}

// Keycloak's "account linking only" was not looked at by the endpoint where a
// provider begins a sign-in by itself. Who controls the upstream identity then
// opens the account with it.
func signInByBadge(w *world) bool {
	victim, subject := name("victim"), name("badge")
	w.remote("badge", subject, "", nil)
	b := w.browser().signUp(address(victim), password).link("badge", subject)
	if b.get("/account/settings/linkedaccounts/"); !b.Has(subject) {
		w.t.Fatalf("not linked: %s", b.Text())
	}
	to := w.browser().toProvider("badge", "")
	return to != "" && w.opens("badge", subject) == address(victim)
}

// In authentik a deactivated person who came back through a provider was half
// signed in: not to its pages, but enough to authorize applications.
func comeBackDisabled(w *world) bool {
	victim := name("leaver")
	w.remote("campus", victim, address(victim), true)
	w.browser().begin("campus", victim, address(victim))
	w.cli("users", "disable", address(victim))
	b := w.browser().come("campus", victim)
	return b.codeFor(w.app, appCallback) != ""
}

// lies makes an attack of what a provider must not say: somebody in between, or
// another application's token, speaks for a person who has an account here.
func lies(lies ...string) func(w *world) bool {
	return func(w *world) bool {
		victim := name("victim")
		w.remote("campus", victim, address(victim), true)
		w.browser().begin("campus", victim, address(victim))
		if w.opens("campus", victim) != address(victim) {
			w.t.Fatal("the truth is not believed")
		}
		for _, l := range lies {
			truth := w.lie(l)
			opened := w.opens("campus", victim)
			if truth(); opened != "" {
				w.t.Logf("believed: %s", l)
				return true
			}
		}
		return false
	}
}
