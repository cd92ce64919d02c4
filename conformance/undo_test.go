package conformance

import "testing"

// TestThisWasNotMe: somebody linked an identity at a browser that was left open.
// The person reads the mail, takes it back, and goes on.
func TestThisWasNotMe(t *testing.T) {
	t.Parallel()
	chromium(t)
	h := startDemo(t)
	b := browse(t, h)
	b.open(h.app + "/").click("Sign in with the broker").click("Create an account")
	b.fill("name", "Joan Clarke").fill("email", "joan@example.org").fill("password", password).click("Create account")
	b.mail("/verify-email/").click("Confirm and create account").click("Allow").sees("Hello, Joan Clarke")
	b.open(h.issuer+"/account/settings/linkedaccounts/").click("Link Harbour ID").click("Grace Hopper").sees("Harbour ID is linked", "Recent changes", "can be taken back until", "j…@example.org").look("linked-accounts-changes")
	b.mail("/undo-link/").sees("Take this change back?", "Grace Hopper", "no longer let anybody into your account").look("undo-link")
	b.click("Take it back").sees("is taken back", "Taken back").lacks("Unlink").look("linked-accounts-undone")
	b.mail("/undo-link/").sees("This change was taken back already").look("undo-link-used")
	b.open(h.app+"/").click("Sign in again").fill("email", "joan@example.org").fill("password", password).click("Sign in").sees("Hello, Joan Clarke")
}
