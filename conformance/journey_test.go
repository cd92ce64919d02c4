package conformance

import (
	"testing"

	"idbroker/store/storetest"
)

// houses are the brokers that people walk through: the demo as it is started
// by hand, and "serve" with a configuration, over PostgreSQL.
func houses(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Run("demo", func(t *testing.T) {
		t.Parallel()
		fn(t, startDemo(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		fn(t, startServed(t, storetest.EmptyPostgres(t)))
	})
}

// The main job: from the application through a remote identity, a new
// account, a mail and a yes back to the application; then a second identity,
// and life without the first.
func TestJourney(t *testing.T) {
	chromium(t)
	houses(t, func(t *testing.T, h *house) {
		b := browse(t, h)
		b.open(h.app + "/").look("app-start").click("Sign in with the broker")
		b.sees("Demo Application", "Continue with Harbour ID", "Continue with Lighthouse ID").look("login")
		arrive(b)
		sub := b.claim("sub")
		if sub == "" || b.claim("idp") != "harbour" {
			t.Errorf("claims: sub %q, idp %q", sub, b.claim("idp"))
		}
		b.click("Get new tokens").sees("refresh token was rotated")

		b.open(h.issuer+"/account/settings/linkedaccounts/").sees("Harbour ID", "Ada Lovelace").look("linked-accounts-one")
		b.lacks("Unlink").click("Lighthouse ID").sees("Sign in to Lighthouse ID").click("Ada Lovelace")
		b.sees("Harbour ID", "Lighthouse ID", "Unlink").look("linked-accounts-two")
		b.click("Unlink").sees("Harbour ID").look("unlink").click("Unlink")
		b.sees("Lighthouse ID", "is unlinked").lacks("Unlink Harbour")

		b.open(h.app + "/").click("Sign out").sees("You are signed out of this application").look("app-signed-out")
		b.click("Sign in with the broker").look("login-again").click("Continue with Lighthouse ID").click("Ada Lovelace")
		b.sees("Hello, Ada Lovelace") // allowed before: nothing is asked
		if got := b.claim("sub"); got != sub || b.claim("idp") != "lighthouse" {
			t.Errorf("another way in leads to %q (%s), was %q", got, b.claim("idp"), sub)
		}
		b.click("Revoke the tokens").click("Ask for userinfo again").sees("no longer tells")

		// What was unlinked opens nothing any more.
		b.open(h.app + "/").click("Sign out").click("Sign in with the broker").click("Continue with Harbour ID").click("Ada Lovelace")
		b.sees("No account here uses this Harbour ID account yet", "There is an account with the address a…@example.org already", "Use your password").look("choose-known")
	})
}

// arrive goes from the sign-in page to the application as Ada, who is new here.
func arrive(b *tab) {
	b.t.Helper()
	b.click("Continue with Harbour ID").sees("Sign in to Harbour ID").look("provider").click("Ada Lovelace")
	b.sees("No account here uses this Harbour ID account yet", "I have an account here").look("choose")
	b.click("Create a new account").sees("Create your account", "From Harbour ID").look("signup")
	if name, email := b.value("name"), b.value("email"); name != "Ada Lovelace" || email != "ada@example.org" {
		b.t.Errorf("the form is filled with %q and %q", name, email)
	}
	b.click("Create account").sees("Check your mail", "ada@example.org").look("sent")
	b.open(b.h.mailbox + "/").sees("Mails")
	b.mail("/verify-email/").sees("Confirm your address", "Harbour ID").look("proof")
	b.click("Confirm and create account").sees("Demo Application", "Ada Lovelace", "ada@example.org").look("consent")
	b.click("Allow").sees("Hello, Ada Lovelace", "Claims of the ID token").look("app-claims")
}
