package cvezoo

import (
	"net/url"

	"idbroker/providers/providertest"
)

// Callbacks that belong to somebody else, or to nobody.
var callbacks = []exhibit{
	{
		id: "CVE-2026-104627", peer: "Gitea",
		defect:  "a link was made by an assertion that the person who was signed in had never asked for",
		defence: "an attempt belongs to one browser, by its cookie, and to the user who began it (`linking` attempt, Decide)",
		source:  "https://www.cve.org/CVERecord?id=CVE-2026-104627",
		without: []string{"attempt-of-anybody"}, attack: linkUnasked, rows: true,
	},
	{
		id: "CVE-2025-14546", peer: "fastapi-sso",
		defect:  "state was made and never compared with the browser that came back, so that a victim could be signed in as the attacker",
		defence: "an attempt belongs to one browser, by its cookie (`linking` attempt)",
		source:  "https://www.tenable.com/cve/CVE-2025-14546",
		without: []string{"attempt-of-anybody"}, attack: signInTheVictim, rows: true,
	},
	{
		id: "CVE-2026-81888", peer: "Hono",
		defect:  "the check of state let a callback pass that had none",
		defence: "a callback without state is none (`linking` attempt)",
		source:  "https://github.com/honojs/middleware/security/advisories/GHSA-fm3f-ch8h-qw8q",
		without: []string{"state-may-be-missing"}, attack: leaveOutTheState,
	},
	{
		id: "CVE-2026-73419", peer: "Auth.js",
		defect:  "state, nonce and verifier were not bound to the provider that they were made for: one provider's satisfied another's callback",
		defence: "an attempt names its provider, client and redirect URI, and all are compared (`linking` attempt, `providers` Complete)",
		source:  "https://osv.dev/vulnerability/CVE-2026-73419",
		without: []string{"attempt-at-any-provider"}, attack: mixUp, rows: true,
	},
	{
		id: "CVE-2023-27490", peer: "Auth.js",
		defect:  "state, nonce and PKCE could be cut out of the address to the provider, and the code that came back was good for the attacker's browser",
		defence: "a code must bring the nonce and answer to the verifier of the attempt that it is redeemed for (`providers` exchange, verifyIDToken)",
		source:  "https://github.com/advisories/GHSA-7r7x-4c4q-c4qf",
		without: []string{"nonce"}, attack: stripTheChecks,
	},
	{
		id: "CVE-2022-39222", peer: "Dex",
		defect:  "who knew the id of a request fetched its code after a victim had been lured through the provider",
		defence: "attempts and logins belong to one browser, by its cookie; their ids in addresses open nothing (`linking` attempt, `web` login)",
		source:  "https://github.com/dexidp/dex/security/advisories/GHSA-vh7g-p26c-j2cw, as told by blog.sigstore.dev",
		without: []string{"attempt-of-anybody", "login-of-anybody"}, attack: collectTheCode, rows: true,
	},
	{
		id: "CVE-2026-15571", peer: "Keycloak",
		defect:  "an application could foretell the hash that protected the address which begins a link",
		defence: "a link begins by a form of the settings page alone; what another site sends is refused (`web` dispatch, CrossOriginProtection)",
		source:  "https://github.com/keycloak/keycloak/issues/51832",
		without: []string{"forms-of-any-site"}, attack: linkFromElsewhere,
	},
	{
		id: "CVE-2023-34927", peer: "Casdoor",
		defect:  "another site could set the password of who was signed in",
		defence: "what another site sends is refused (`web` dispatch, CrossOriginProtection); the first password of an account needs a recent sign-in, a further one the old password (`broker/local` ChangePassword)",
		source:  "https://github.com/advisories/GHSA-rwcp-qrwg-56cg",
		without: []string{"forms-of-any-site"}, attack: setPasswordFromElsewhere,
	},
	{
		id: "CVE-2015-9284", peer: "OmniAuth",
		defect:  "the way out to a provider answered to GET: an image on any page linked the attacker's identity (GitLab, for one, had it)",
		defence: "a GET begins a sign-in at most, and none where somebody is signed in; linking is a POST (`web` getStart, postLink)",
		source:  "https://www.cve.org/CVERecord?id=CVE-2015-9284",
		without: []string{"link-by-get"}, attack: linkByImage,
	},
}

// Gitea's OpenID callback took any positive assertion and linked it to whoever
// was signed in. The attacker makes a callback that is good for their own link,
// and has the victim's browser open it.
func linkUnasked(w *world) bool {
	victim, mallory, subject := name("victim"), name("mallory"), name("hostile")
	w.remote("lab", subject, "", nil)
	attacker := w.browser().signUp(address(mallory), otherPassword)
	callback := w.at("lab", attacker.toLink("lab"), subject)
	w.browser().signUp(address(victim), password).get(callback)
	return w.opens("lab", subject) == address(victim)
}

// fastapi-sso made a state and forgot it. A victim without a session opens the
// attacker's callback and works in the attacker's account from then on.
func signInTheVictim(w *world) bool {
	mallory := name("mallory")
	w.remote("lab", mallory, address(mallory), true)
	w.browser().begin("lab", mallory, address(mallory))
	callback := w.at("lab", w.browser().toProvider("lab", ""), mallory)
	victim := w.browser()
	victim.get("/login/?next=/") // so that it has a browser cookie
	return victim.get(callback).account() != ""
}

// Hono's middleware compared state only where the callback had one. The victim
// has an attempt of their own under way, as everybody has who looked at the
// provider's page; the attacker's code comes without any state. The mutant takes
// such a callback for the latest attempt. So that nonce and PKCE do not stop the
// attack as well, the attacker has seen the address that the victim was sent to.
func leaveOutTheState(w *world) bool {
	mallory := name("mallory")
	w.remote("lab", mallory, address(mallory), true)
	w.browser().begin("lab", mallory, address(mallory))
	victim := w.browser()
	authorization := victim.toProvider("lab", "")
	u, err := url.Parse(w.at("lab", authorization, mallory))
	if err != nil {
		w.t.Fatal(err)
	}
	q := u.Query()
	q.Del("state")
	u.RawQuery = q.Encode()
	return victim.get(u.String()).account() != ""
}

// Auth.js kept the checks of a sign-in in cookies that did not say for which
// provider. The attacker runs one provider (lab) and lures the victim into
// linking there; it sends them back to the callback of another (campus) with a
// code of the attacker's, for which the attacker has used the state, nonce and
// challenge that lab has seen.
func mixUp(w *world) bool {
	victim, mallory := name("victim"), name("mallory")
	w.remote("campus", mallory, address(mallory), true)
	b := w.browser().signUp(address(victim), password)
	seen, err := url.Parse(b.toLink("lab"))
	if err != nil {
		w.t.Fatal(err)
	}
	q := seen.Query()
	q.Set("redirect_uri", w.issuer+"/oauth/authorized/campus/")
	b.get(w.at("campus", w.campus.Endpoint(providertest.Authorize)+"?"+q.Encode(), mallory))
	return w.opens("campus", mallory) == address(victim)
}

// Auth.js kept its checks in cookies and made do without where the callback had
// none. The attacker changes the address that the victim is sent to, steals the
// callback, and redeems its code in an attempt of their own. The provider takes
// no notice of PKCE, as some do; the nonce remains.
func stripTheChecks(w *world) bool {
	victim := name("victim")
	w.remote("campus", victim, address(victim), true)
	w.browser().begin("campus", victim, address(victim))
	w.campus.Switch(func(s *providertest.Switches) { s.IgnorePKCE = true })
	defer w.campus.Switch(func(s *providertest.Switches) { s.IgnorePKCE = false })
	parse := func(address string) (*url.URL, url.Values) {
		u, err := url.Parse(address)
		if err != nil {
			w.t.Fatal(err)
		}
		return u, u.Query()
	}
	tampered, q := parse(w.browser().toProvider("campus", ""))
	for _, check := range []string{"state", "nonce", "code_challenge", "code_challenge_method"} {
		q.Del(check)
	}
	tampered.RawQuery = q.Encode()
	_, stolen := parse(w.at("campus", tampered.String(), victim))
	attacker := w.browser()
	_, own := parse(attacker.toProvider("campus", ""))
	callback := url.Values{"code": stolen["code"], "iss": stolen["iss"], "state": own["state"]}
	return attacker.get("/oauth/authorized/campus/?"+callback.Encode()).account() == address(victim)
}

// Dex handed out the code of a request to whoever knew its id, and the id was
// the state that went to the provider. The attacker begins at an application,
// lures the victim to the provider with the address that they got, and fetches
// what the victim's return has made of the login: here, the question whether the
// application may know them.
func collectTheCode(w *world) bool {
	victim := name("victim")
	w.remote("campus", victim, address(victim), true)
	w.browser().begin("campus", victim, address(victim))
	attacker := w.browser()
	attacker.get(authorize(w.app, appCallback))
	login := attacker.login()
	callback := w.at("campus", attacker.toProvider("campus", login), victim)
	w.browser().get("/login/?next=/").get(callback)
	attacker.get("/consent/?login=" + login)
	attacker.Stop = "https://app.example"
	attacker.post("/consent/", "login", login, "decision", "allow")
	attacker.Stop = ""
	return attacker.Stopped != nil && w.redeem(w.app, attacker.Stopped.Query().Get("code"), appCallback, verifier)
}

// Keycloak let applications send a person to begin a link, guarded by a hash over
// things that the application knew. The attacker's page sends the form itself;
// at the provider the victim's browser is signed in as the attacker, who has
// taken care of that before.
func linkFromElsewhere(w *world) bool {
	victim, subject := name("victim"), name("hostile")
	w.remote("lab", subject, "", nil)
	b := w.browser().signUp(address(victim), password)
	to := b.leaving("lab", func() { b.postFrom(elsewhere, "/oauth/login/lab/") })
	if to == "" {
		return false
	}
	b.get(w.at("lab", to, subject))
	return w.opens("lab", subject) == address(victim)
}

// OmniAuth's way out was a GET, which any page can cause and SameSite cookies do
// not stop. The rest is as above.
func linkByImage(w *world) bool {
	victim, subject := name("victim"), name("hostile")
	w.remote("lab", subject, "", nil)
	b := w.browser().signUp(address(victim), password)
	to := b.toProvider("lab", "")
	if to == "" {
		return false
	}
	b.get(w.at("lab", to, subject))
	return w.opens("lab", subject) == address(victim)
}

// Casdoor set a password for whoever was signed in, on any site's word. Worst for
// people who came through a provider: they have no old password to ask for.
func setPasswordFromElsewhere(w *world) bool {
	victim := name("victim")
	w.remote("campus", victim, address(victim), true)
	b := w.browser().begin("campus", victim, address(victim))
	b.postFrom(elsewhere, "/account/settings/password/", "current", "", "password", otherPassword)
	return w.passwordOpens(address(victim), otherPassword) == address(victim)
}
