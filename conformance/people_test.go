package conformance

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// Whoever says no is believed, told so, and can go on.
func TestSayingNo(t *testing.T) {
	t.Parallel()
	chromium(t)
	h := startDemo(t)
	b := browse(t, h)
	b.open(h.app + "/").click("Sign in with the broker").click("Continue with Harbour ID").click("Don’t sign in")
	b.sees("You didn’t go on at Harbour ID").look("denied-at-provider").click("Try again").sees("Sign in to Harbour ID")
	b.click("Don’t sign in").click("Sign in another way")
	b.sees("Continue with Harbour ID", "Demo Application") // the application is still where it leads
	arrive(b)
	b.open(h.issuer + "/account/settings/applications/").sees("Demo Application").look("applications").click("Remove access")
	b.sees("is removed").look("applications-none")
	b.open(h.app + "/").click("Ask for userinfo again").sees("no longer tells")
	b.click("Sign in again").sees("Continue with Harbour ID").look("login-reauthenticate")
	b.click("Continue with Harbour ID").click("Ada Lovelace").sees("Allow").click("Don’t allow")
	b.sees("You did not let this application know who you are", "access_denied").look("app-denied")
	b.click("Back to the start").click("Use another account").sees("Continue with Lighthouse ID")
	b.click("Continue with Lighthouse ID").click("Grace Hopper")
	b.click("Create a new account").sees("Create your account")
	if got := b.value("email"); got != "" {
		t.Errorf("an address came from nowhere: %q", got)
	}
	b.look("signup-without-address")
}

// A provider that answers nonsense, a page of nowhere, an application that is
// unknown: each has a page with a way on.
func TestErrorPages(t *testing.T) {
	t.Parallel()
	chromium(t)
	h := startDemo(t)
	b := browse(t, h)
	b.open(h.issuer + "/").look("home-signed-out")
	b.open(h.issuer + "/nothing").sees("There is no such page").look("error-not-found").click("To the start page").sees("One account for everything")
	b.open(h.issuer + "/oauth2/authorize?client_id=nobody&response_type=code").sees("We don’t know this application").look("error-client")
	b.open(h.issuer + "/oauth2/authorize?client_id=demo-app&response_type=code&redirect_uri=https://evil.example/").sees("way back that it named is not").lacks("evil.example")
	b.open(h.issuer + "/oauth/authorized/harbour/?code=x&state=y").sees("We don’t know this sign-in").look("error-attempt")
	b.open(h.issuer + "/oauth/login/nobody/").sees("There is no “nobody” here").look("error-provider")
	b.open(h.issuer + "/verify-email/?token=wrong").sees("We don’t know this link").look("error-link")
	b.open(h.issuer + "/account/settings/security/").sees("Sign in")
	b.open(h.issuer + "/claim/?token=wrong").sees("This link does not work").lacks("Create administrator")
	b.open(h.wait(t, `(http://\S+/claim/\?token=\S+)`)).sees("Set up").look("claim")
	b.fill("email", "admin@example.org").fill("name", "The Operator").fill("password", "a few unrelated words")
	b.click("Create administrator account").sees("The Operator").look("home")
	b.open(h.wait(t, `(http://\S+/claim/\?token=\S+)`)).sees("This installation has been set up")
}

const password, other = "a few unrelated words", "some more unrelated words"

// An account without a provider: sign-up, sign-out, a wrong and a forgotten
// password, a provider that is linked on the way in.
func TestPassword(t *testing.T) {
	t.Parallel()
	chromium(t)
	h := startDemo(t)
	b := browse(t, h)
	b.open(h.app+"/").click("Sign in with the broker").click("Create an account").sees("Create your account", "Demo Application").look("signup-password")
	b.fill("name", "Joan Clarke").fill("email", "joan@example.org").fill("password", "short")
	withoutValidation(b).click("Create account").sees("too short").look("signup-problem")
	b.fill("password", password).click("Create account").sees("Check your mail")

	// The mail is opened elsewhere: the account begins, and goes on here.
	elsewhere := browse(t, h)
	elsewhere.mail("/verify-email/").sees("The sign-up began in another browser").look("proof-elsewhere")
	elsewhere.click("Confirm and create account").sees("Your address is confirmed", "Go back to the browser where you began").look("proved-elsewhere")
	elsewhere.open(h.issuer + "/account/settings/profile/").sees("Sign in") // who reads mail is not signed in by it
	b.click("I have opened the link").sees("Allow").click("Allow").sees("Hello, Joan Clarke")
	if b.claim("idp") == "harbour" {
		t.Error("a password is told as a provider")
	}

	b.open(h.issuer + "/").sees("Hello, Joan Clarke").look("home-signed-in").click("Sign out").sees("Sign out?").look("logout").click("Sign out")
	b.sees("You are signed out").look("logged-out")
	b.open(h.app+"/").click("Sign in again").fill("email", "joan@example.org").fill("password", other).click("Sign in")
	b.sees("don’t belong together").look("login-wrong")
	b.click("Forgot your password?").look("lost-password").fill("email", "joan@example.org").click("Send the link").sees("Check your mail").look("lost-password-sent")
	b.mail("/reset-password/").sees("Choose a new password", "joan@example.org").look("reset")
	b.fill("password", other).click("Save the new password")
	b.open(h.app+"/").click("Sign in again").fill("email", "joan@example.org").fill("password", password).click("Sign in").sees("don’t belong together")
	b.fill("email", "joan@example.org").fill("password", other).click("Sign in").sees("Hello, Joan Clarke")

	// An identity that nobody has is linked to who proves an account.
	b.open(h.app + "/").click("Sign out").click("Use another account").click("Continue with Harbour ID").click("Alan Turing")
	b.sees("I have an account here").click("Create a new account").sees("Create your account").click("I already have an account")
	b.click("Use your password").sees("No account here uses this Harbour ID account yet").look("login-pending")
	b.fill("email", "joan@example.org").fill("password", other).click("Sign in").sees("Link Harbour ID to your account?").look("link")
	b.click("Link Harbour ID").sees("Hello, Joan Clarke")
	b.open(h.issuer+"/account/settings/linkedaccounts/").sees("Alan Turing", "Unlink").look("linked-accounts-password")
	b.open(h.issuer+"/account/settings/devices/").sees("This device", "Headless Chrome").look("devices")
	b.open(h.issuer+"/account/settings/security/").sees("Harbour ID linked", "Signed in with your password").look("security")
	b.fill("current", other).fill("password", password).click("Change password").sees("you are signed out everywhere else.", "Password changed").look("security-changed")
	b.open(h.issuer+"/account/settings/profile/").look("profile").fill("name", "Joan E. L. Clarke").click("Save changes").sees("Your changes are saved", "Joan E. L. Clarke")
	b.click("Deutsch").sees("Profil").look("profile-german")
	b.open(h.issuer + "/account/settings/security/").look("security-german")
	b.open(h.mailbox+"/").sees(h.issuer+"/lost-password/", h.issuer+"/undo-link/?token=", "Headless Chrome").lacks("unknown").look("mailbox")
}

// withoutValidation lets a form go that the browser would hold back, so that
// the server's answer is seen.
func withoutValidation(b *tab) *tab {
	b.t.Helper()
	ask[int](b, `document.querySelectorAll("form").forEach(f => f.noValidate = true), 0`)
	return b
}

// Everything works without scripts.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	chromium(t)
	h := startDemo(t)
	b := browse(t, h).withoutScripts()
	b.open(h.app + "/").click("Sign in with the broker")
	arrive(b)
	b.open(h.issuer + "/account/settings/linkedaccounts/").click("Lighthouse ID").click("Ada Lovelace").sees("Unlink")
	b.click("Unlink").click("Unlink").sees("is unlinked")
	b.open(h.app + "/").click("Sign out").sees("You are signed out of this application")
}

// Everything works with a keyboard: what is needed comes in a sensible order,
// and one sees where one is.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	chromium(t)
	h := startDemo(t)
	b := browse(t, h)
	b.open(h.app + "/").tabTo("Sign in with the broker").enter()
	b.sees("Continue with Harbour ID").tabTo("Create an account").enter().sees("Create your account")
	b.tabTo("name").types("Joan Clarke").tabTo("email").types("joan@example.org").tabTo("password").types(password).enter()
	b.sees("Check your mail").open(walk(t, h).mailLink("/verify-email/")).tabTo("Confirm and create account").enter()
	b.sees("Demo Application").tabTo("Allow").enter().sees("Hello, Joan Clarke")
	b.tabTo("Sign out").enter().sees("You are signed out")
	b.tabTo("Sign in with the broker").enter().tabTo("email").types("joan@example.org" + kb.Tab + password).enter()
	b.sees("Hello, Joan Clarke").tabTo("Sign in again").enter().sees("Continue with Harbour ID")
	b.tabTo("email").types("joan@example.org").tabTo("password").types(password).enter().sees("Hello, Joan Clarke")
	b.open(h.issuer + "/account/settings/linkedaccounts/").tabTo("Skip to the content").types(kb.Enter).tabTo("Link Harbour ID").enter()
	b.sees("Sign in to Harbour ID").tabTo("Grace Hopper").enter().sees("Harbour ID is linked")
}
