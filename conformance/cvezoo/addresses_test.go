package cvezoo

import "idbroker/providers/providertest"

// An e-mail address, or a name, taken for an identity.
const addressDefence = "an identity is found by provider, issuer and subject alone; an address does not occur in the rule (`linking` facts, Decide)"

var addresses = []exhibit{
	{
		id: "CVE-2026-56666", peer: "Zitadel",
		defect:  "automatic linking by address looked whether the local address was verified, not whether the provider had verified its own",
		defence: addressDefence, source: "https://github.com/golang/vulndb/issues/6470 (GHSA-992q-9gwp-7r79)",
		without: []string{"address-opens"}, attack: claimUnverified,
	},
	{
		id: "CVE-2026-9092", peer: "Casdoor",
		defect:  "accounts were bound by address; the code had no place for email_verified at all",
		defence: addressDefence, source: "https://kb.cert.org/vuls/id/780781",
		without: []string{"address-opens"}, attack: claimSilently,
	},
	{
		id: "CVE-2026-9084", peer: "MISP",
		defect:  "an account without a stored subject was taken by the first identity that claimed its address",
		defence: addressDefence, source: "https://www.cve.org/CVERecord?id=CVE-2026-9084",
		without: []string{"address-opens"}, attack: claimFirst,
	},
	{
		id: "CVE-2023-3128", peer: "Grafana",
		defect:  "people were looked up by the address in the token, which an Azure AD user can change at will",
		defence: "what the provider tells of a known identity is refreshed for display and decides nothing (`linking` facts)",
		source:  "https://www.cve.org/CVERecord?id=CVE-2023-3128, and CERT-EU security advisory 2023-043",
		without: []string{"address-first"}, attack: changeTheAddress,
	},
	{
		id: "CVE-2022-31107", peer: "Grafana",
		defect:  "under some conditions an identity took over the account that had the same login name",
		defence: "a name that a provider tells fills in a form at most (`linking` facts, `web` getSignUp)",
		source:  "https://github.com/grafana/grafana/security/advisories/GHSA-mx47-6497-3fv2; it does not tell the conditions, so the attack is derived: the plainest one",
		without: []string{"name-opens"}, attack: claimTheName,
	},
	{
		id: "issue 53041", peer: "Keycloak",
		defect:  "automatic linking joined the owner of an address to an account that a stranger had registered with it and never confirmed",
		defence: "an account begins when its address is proven; before that, the form waits in a login of its own (`broker/local` SignUp, Prove)",
		source:  "https://github.com/keycloak/keycloak/issues/53041",
		without: []string{"account-before-proof", "address-opens"}, attack: waitWithPassword, rows: true,
	},
	{
		id: "CVE-2026-53516", peer: "Better Auth",
		defect:  "a provider's email_verified sufficed to link to an account that had been registered with the address beforehand",
		defence: "as above: there is no account to wait in; and addresses link nothing",
		source:  "https://osv.dev/vulnerability/CVE-2026-53516",
		without: []string{"account-before-proof", "address-opens"}, attack: waitUnseen, rows: true,
	},
	{
		id: "CVE-2026-44166", peer: "PocketBase",
		defect:  "an account begun through one provider with somebody else's address was joined by its owner through another provider",
		defence: "as above: an identity, too, waits in its login until the address is proven",
		source:  "https://patchsiren.com/cves/pocketbase/cve-2026-44166",
		without: []string{"account-before-proof", "address-opens"}, attack: waitWithIdentity, rows: true,
	},
	{
		id: "CVE-2026-120263", peer: "Gitea",
		defect:  "the sign-up form after a provider linked to the account whose address was typed into it",
		defence: "the sign-up form links to no account; the owner of a known address gets a mail that says so, without a link that links (`broker/local` mailProof)",
		source:  "https://www.cve.org/CVERecord?id=CVE-2026-120263",
		without: []string{"typed-address-links"}, attack: typeTheAddress,
	},
	{
		id: "issue 40446", peer: "Keycloak",
		defect:  "the address could be edited while two accounts were being joined, and the mail that asked for the join went to the victim",
		defence: "no mail that a sign-up sends to the owner of an account can change the account (`broker/local` mailProof)",
		source:  "https://github.com/keycloak/keycloak/issues/40446 (no CVE)",
		without: []string{"typed-address-links"}, attack: typeAnotherAddress,
	},
	{
		id: "CVE-2022-1162", peer: "GitLab",
		defect:  "accounts that were registered through a provider got a password, the same everywhere",
		defence: "an account without a password has no hash, and no password opens it (`broker/local` Authenticate)",
		source:  "https://www.cve.org/CVERecord?id=CVE-2022-1162",
		without: []string{"standard-password"}, attack: tryStandardPasswords,
	},
}

// claim is an attacker who claims the address of an account with a password.
func claim(w *world, provider string, verified any) bool {
	victim, mallory := name("victim"), name("mallory")
	w.browser().signUp(address(victim), password)
	w.remote(provider, mallory, address(victim), verified)
	return w.opens(provider, mallory) == address(victim)
}

// Zitadel, asked to link by address, trusted the provider to have verified what
// it told. Many providers let people type any address and say so in
// email_verified, which nobody read.
func claimUnverified(w *world) bool { return claim(w, "campus", false) }

// Casdoor's structure for what a provider tells had no field for email_verified:
// an address was an identity, whoever told it.
func claimSilently(w *world) bool { return claim(w, "lab", nil) }

// MISP looked accounts up by subject and, where an account had none yet, by
// address. So the first to come with an address had the account. The provider
// even vouches for the address here: it is the attacker's provider.
func claimFirst(w *world) bool { return claim(w, "lab", true) }

// Grafana searched its accounts by address before anything else. The attacker
// has an honest account of their own, then changes the address at the provider
// to the victim's and signs in again.
func changeTheAddress(w *world) bool {
	victim, mallory := name("victim"), name("mallory")
	w.browser().signUp(address(victim), password)
	w.remote("campus", mallory, address(mallory), true)
	w.browser().begin("campus", mallory, address(mallory))
	w.remote("campus", mallory, address(victim), true)
	return w.opens("campus", mallory) == address(victim)
}

// In Grafana an identity without an account could end up in the account that had
// its login name. A name at a provider belongs to whoever was first there.
func claimTheName(w *world) bool {
	victim, mallory := name("victim"), name("mallory")
	b := w.browser().signUp(address(victim), password)
	if b.post("/account/settings/username/", "username", victim); b.Status != 200 {
		w.t.Fatalf("no user name: %s", b.Text())
	}
	w.lab.AddPerson(providertest.Person{Subject: mallory, Username: victim})
	return w.opens("lab", mallory) == address(victim)
}

// Keycloak's account existed as soon as the form was sent. When the owner of the
// address came through a provider that vouched for it, they were linked to the
// stranger's account, and the stranger's password kept opening it.
func waitWithPassword(w *world) bool {
	victim := name("victim")
	w.browser().post("/signup/", "name", "Mallory", "email", address(victim), "password", otherPassword)
	w.leaveMail(address(victim))
	w.remote("campus", victim, address(victim), true)
	b := w.browser().come("campus", victim)
	if b.account() == "" {
		w.browser().begin("campus", victim, address(victim))
	}
	return w.passwordOpens(address(victim), otherPassword) == address(victim)
}

// Better Auth linked to a registered account because the provider said that the
// address was verified, and by that made the account verified, too. From the
// owner's side: their identity must not open what they never began.
func waitUnseen(w *world) bool {
	victim := name("victim")
	w.browser().post("/signup/", "name", "Mallory", "email", address(victim), "password", otherPassword)
	w.leaveMail(address(victim))
	w.remote("campus", victim, address(victim), true)
	return w.opens("campus", victim) != "" && w.passwordOpens(address(victim), otherPassword) != ""
}

// PocketBase: the attacker begins with an identity of their own, under the
// victim's address, and waits. The victim comes through another provider.
func waitWithIdentity(w *world) bool {
	victim, mallory := name("victim"), name("mallory")
	w.remote("lab", mallory, address(victim), nil)
	w.browser().come("lab", mallory).ask(address(victim))
	w.leaveMail(address(victim))
	w.remote("campus", victim, address(victim), true)
	if w.opens("campus", victim) == "" {
		w.browser().begin("campus", victim, address(victim))
	}
	return w.opens("lab", mallory) == address(victim)
}

// Gitea completed a sign-up through a provider with a form, and linked to the
// account that the form named instead of the one that the provider had proven.
func typeTheAddress(w *world) bool {
	victim, mallory := name("victim"), name("mallory")
	w.browser().signUp(address(victim), password)
	w.remote("lab", mallory, address(mallory), true)
	w.browser().come("lab", mallory).ask(address(victim))
	return w.opens("lab", mallory) == address(victim)
}

// In Keycloak the attacker, in the middle of joining a social identity to an
// account, edited the address into the victim's, who then got a mail with a link
// that completed it. Here the victim even does all that the mail offers.
func typeAnotherAddress(w *world) bool {
	victim, mallory := name("victim"), name("mallory")
	owner := w.browser().signUp(address(victim), password)
	w.remote("lab", mallory, address(mallory), true)
	b := w.browser().come("lab", mallory).ask(address(mallory))
	b.get("/oauth/signup/lab/?login=" + b.login()).ask(address(victim))
	owner.get(w.mail(address(victim), "/login/"))
	return w.opens("lab", mallory) == address(victim)
}

// GitLab set a constant password for accounts that came through OmniAuth, where
// a random one was meant. What an attacker tries: nothing, and what such code
// tends to hold.
func tryStandardPasswords(w *world) bool {
	victim := name("victim")
	w.remote("campus", victim, address(victim), true)
	w.browser().begin("campus", victim, address(victim))
	for _, guess := range []string{"", victim, address(victim), "campus", standardPassword} {
		if w.passwordOpens(address(victim), guess) != "" {
			return true
		}
	}
	return false
}

// standardPassword is what the mutant gives to everybody.
const standardPassword = "the same for everybody"
