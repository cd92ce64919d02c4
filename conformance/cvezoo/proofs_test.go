package cvezoo

import (
	"net/url"

	"idbroker/providers/providertest"
)

// Proofs of ownership that are worth more, or longer, than they should be.
var proofs = []exhibit{
	{
		id: "CVE-2026-9087", peer: "Keycloak",
		defect:  "a mailed confirmation of a link was kept by account and provider, not by identity: another identity of the provider used it up",
		defence: "the link in a mail names one login, which holds one identity; another identity gets a login of its own (`linking` newPerson, `broker/local` Prove)",
		source:  "https://github.com/keycloak/keycloak/issues/49175",
		without: []string{"form-outlives-identity"}, attack: swapTheIdentity, rows: true,
	},
	{
		id: "CVE-2026-82968", peer: "Keycloak",
		defect:  "the proof was compared by the user name at the provider, which a GitHub user can change and somebody else can take",
		defence: "an identity is provider, issuer and the number that GitHub never gives away again; the login is for display (`providers` github_user.go)",
		source:  "https://github.com/keycloak/keycloak/issues/52321 and pull request 52336; the public text does not say how the identities were confused, so the attack is derived: the one that its patch guards against",
		without: []string{"github-by-login"}, attack: takeTheName,
	},
	{
		id: "CVE-2026-92358", peer: "Keycloak",
		defect:  "the confirmation outlived the link that it made, and restored it after the person had removed it",
		defence: "an identity that waits in a login is dropped in the unit that links it, and the login ends (`linking` LinkPending)",
		source:  "https://github.com/keycloak/keycloak/issues/53061",
		without: []string{"pending-identity-stays"}, attack: linkAgain, rows: true,
	},
	{
		id: "CVE-2025-46815", peer: "Zitadel",
		defect:  "a finished sign-in at a provider (an intent) could be redeemed again and again by whoever had seen its address",
		defence: "an attempt is spent by a conditional update before the code is exchanged (`linking` Finish, `store` SpendAttempt)",
		source:  "https://nvd.nist.gov/vuln/detail/CVE-2025-46815",
		without: []string{"attempt-twice"}, attack: useTheAttemptTwice, rows: true,
	},
	{
		id: "GHSA-97r5-pg8x-p63p", peer: "Flask-Security",
		defect:  "a stale session was made fresh again with somebody else's identity at the provider",
		defence: "who proves to be still there must use an identity of the account that is signed in (`linking` Decide)",
		source:  "https://github.com/pallets-eco/flask-security/issues/1215",
		without: []string{"anybodys-identity-refreshes"}, attack: refreshByIdentity,
	},
	{
		id: "GHSA-f66q-9rf6-8795", peer: "Flask-Security",
		defect:  "a stale session was made fresh again with somebody else's WebAuthn credential",
		defence: "who proves to be still there is asked for the password of the account that is signed in, whatever the form names (`web` postLogin)",
		source:  "https://github.com/pallets-eco/flask-security/pull/1265; the broker has no WebAuthn yet, so the attack is carried over to the credential that it has",
		without: []string{"anybodys-password-refreshes"}, attack: refreshByPassword,
	},
}

// Keycloak kept "the owner of this account has confirmed a link to this provider"
// without saying to which identity there, so that whoever came next with another
// identity of the provider took the confirmation. Here the confirmation is the
// link in the sign-up mail. The attacker has it sent for one identity, then
// exchanges the identity in the same login, and the owner of the address
// confirms what they were asked.
func swapTheIdentity(w *world) bool {
	victim, decoy, real := name("victim"), name("decoy"), name("real")
	w.remote("campus", decoy, "", nil)
	w.remote("campus", real, "", nil)
	mallory := w.browser()
	mallory.get("/login/?next=/account/settings/profile/")
	login := mallory.login()
	mallory.get(w.at("campus", mallory.toProvider("campus", login), decoy)).ask(address(victim))
	link := w.mail(address(victim), "/verify-email/")
	mallory.get(w.at("campus", mallory.toProvider("campus", login), real))
	w.browser().prove(link)
	return w.opens("campus", real) == address(victim)
}

// Keycloak's proof was bound to the user name that the provider told, not to the
// id there. At GitHub a login can be changed, and the old one is free for
// anybody at once: the attacker renames nothing but themselves.
func takeTheName(w *world) bool {
	victim, login := name("victim"), name("octo")
	id := count.Add(2) + 1000
	mine := func(local string) []providertest.GitHubEmail {
		return []providertest.GitHubEmail{{Email: address(local), Primary: true, Verified: true}}
	}
	w.github.AddUser(providertest.GitHubUser{ID: id, Login: login, Emails: mine(victim)})
	w.browser().begin("github", login, address(victim))
	w.github.ChangeUser(id, func(u *providertest.GitHubUser) { u.Login = name("renamed") })
	w.github.AddUser(providertest.GitHubUser{ID: id + 1, Login: login, Emails: mine(name("mallory"))})
	return w.opens("github", login) == address(victim)
}

// Keycloak's confirmation in another browser opened two ways to the link. The
// second stayed open after the first had been used, even after the person had
// unlinked the identity, so that it came back. Here: link an identity that waits
// in a login, unlink it, and send the same answer once more.
func linkAgain(w *world) bool {
	victim, subject := name("victim"), name("hostile")
	w.remote("lab", subject, "", nil)
	w.browser().signUp(address(victim), password)
	b := w.browser()
	b.get(w.at("lab", b.toProvider("lab", ""), subject))
	login := b.login()
	b.post("/login/", "login", login, "email", address(victim), "password", password)
	if b.At.Path != "/link/" {
		w.t.Fatalf("no question whether to link, but %s: %s", b.At, b.Text())
	}
	answer := func() { b.post("/link/", "login", login, "decision", "link") }
	answer()
	b.unlink("lab")
	answer()
	return w.opens("lab", subject) == address(victim)
}

// unlink removes the only identity of a provider.
func (b *browser) unlink(provider string) {
	b.w.t.Helper()
	b.get("/account/settings/linkedaccounts/")
	for _, link := range b.Links() {
		u, err := url.Parse(link)
		if err != nil {
			b.w.t.Fatal(err)
		}
		if u.Path == "/oauth/disconnect/"+provider+"/" {
			if b.post(u.Path, "identity", u.Query().Get("identity")); b.Status != 200 {
				b.w.t.Fatalf("not unlinked: %d: %s", b.Status, b.Text())
			}
			return
		}
	}
	b.w.t.Fatalf("nothing of %s to unlink: %s", provider, b.Text())
}

// Zitadel gave the outcome of a sign-in at a provider an id and a token that
// worked as often as somebody sent them. Here the address that the person was
// sent to is opened again: the provider has nothing against another code for
// the same state, and the attacker has the cookie that ties the state to the
// browser (a shared machine), but no session.
func useTheAttemptTwice(w *world) bool {
	victim := name("victim")
	w.remote("campus", victim, address(victim), true)
	b := w.browser().begin("campus", victim, address(victim))
	again := b.borrowed("broker_browser")
	authorization := again.toProvider("campus", "")
	thief := again.borrowed("broker_browser")
	if again.get(w.at("campus", authorization, victim)); again.account() != address(victim) {
		w.t.Fatalf("not signed in: %s", again.Text())
	}
	return thief.get(w.at("campus", authorization, victim)).account() == address(victim)
}

// Flask-Security asked for a new sign-in at the provider before a dangerous step
// and did not look who came back. Whoever found an old session open made it
// fresh with an identity of their own.
func refreshByIdentity(w *world) bool {
	victim, mallory := name("victim"), name("mallory")
	w.remote("lab", mallory, address(mallory), true)
	w.browser().begin("lab", mallory, address(mallory))
	b := w.browser().signUp(address(victim), password)
	const next = "/account/settings/security/"
	b.get("/login/?again=1&next=" + next)
	b.get(w.at("lab", b.toProvider("lab", b.login()), mallory))
	return b.At.Path == next && b.account() == address(victim)
}

// The same hole for passkeys: the assertion was valid, and of another account.
// The broker's counterpart is the password page that proves a session anew; the
// attacker types their own address and password into the victim's.
func refreshByPassword(w *world) bool {
	victim, mallory := name("victim"), name("mallory")
	w.browser().signUp(address(mallory), otherPassword)
	b := w.browser().signUp(address(victim), password)
	const next = "/account/settings/security/"
	b.get("/login/?again=1&next=" + next)
	b.post("/login/", "login", b.login(), "email", address(mallory), "password", otherPassword)
	return b.At.Path == next && b.account() == address(victim)
}
