package cvezoo

// What a callback brings to an application.
var codes = []exhibit{
	{
		id: "CVE-2026-28513", peer: "Pocket ID",
		defect:  "a code was refused only where the client was wrong and the code had expired, too",
		defence: "a code is its client's; another's changes nothing (`tokens` codeHandler)",
		source:  "https://www.kodemsecurity.com/cve-archive/cve-2026-28513",
		without: []string{"code-of-any-client"}, attack: redeemAnothers, rows: true,
	},
	{
		id: "CVE-2026-26232", peer: "Gitea",
		defect:  "codes could be redeemed again",
		defence: "a code is redeemed by a conditional update; a second time ends what the first brought (`tokens` codeHandler, `store` RedeemCode)",
		source:  "https://www.cve.org/CVERecord?id=CVE-2026-26232",
		without: []string{"code-twice"}, attack: redeemTwice, rows: true,
	},
	{
		id: "CVE-2023-48228", peer: "authentik",
		defect:  "PKCE was skipped where the token request had no code_verifier",
		defence: "a code that was asked for with a challenge needs the verifier; without, it ends (`tokens` verifies)",
		source:  "https://github.com/goauthentik/authentik/security/advisories/GHSA-fm34-v8xq-f2c3",
		without: []string{"verifier-may-be-missing"}, attack: leaveOutTheVerifier, rows: true,
	},
}

// Pocket ID joined its two checks with "and". The operator of one application
// redeems a code that was issued to another, and is the person there.
func redeemAnothers(w *world) bool {
	b := w.browser().signUp(address(name("victim")), password)
	code := b.codeFor(w.app, appCallback)
	if code == "" {
		w.t.Fatalf("no code: %s", b.Text())
	}
	return w.redeem(w.stranger, code, appCallback, verifier)
}

// authentik verified the code_verifier where there was one. Whoever had stolen a
// code left it out.
func leaveOutTheVerifier(w *world) bool {
	b := w.browser().signUp(address(name("victim")), password)
	if !w.redeem(w.app, b.codeFor(w.app, appCallback), appCallback, verifier) {
		w.t.Fatal("the verifier is not believed")
	}
	return w.redeem(w.app, b.codeFor(w.app, appCallback), appCallback, "")
}

// Gitea did not hold every code to a single use, so that one that had been seen
// in a log or a history was worth tokens.
func redeemTwice(w *world) bool {
	b := w.browser().signUp(address(name("victim")), password)
	code := b.codeFor(w.app, appCallback)
	if !w.redeem(w.app, code, appCallback, verifier) {
		w.t.Fatal("the code is not good once")
	}
	return w.redeem(w.app, code, appCallback, verifier)
}
