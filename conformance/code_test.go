package conformance

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// mailedCode is the code in the newest mail whose subject has the words.
func (b *tab) mailedCode(subject string) string {
	b.t.Helper()
	code := regexp.MustCompile(`\b[B-Z]{4}-[B-Z]{4}\b`)
	reader := walk(b.t, b.h)
	for end := time.Now().Add(stepTime); time.Now().Before(end); time.Sleep(50 * time.Millisecond) { // the outbox works behind the page
		_, newest, _ := strings.Cut(reader.open(b.h.mailbox+"/").Text(), subject)
		if found := code.FindString(newest); found != "" {
			return found
		}
	}
	b.t.Fatalf("no code in the mails: %s", reader.Text())
	return ""
}

// TestCodeByMail: a person who has forgotten their password links an identity that
// nobody has to their account with a code.
func TestCodeByMail(t *testing.T) {
	t.Parallel()
	chromium(t)
	h := startDemo(t)
	b := browse(t, h)
	b.open(h.app + "/").click("Sign in with the broker").click("Create an account")
	b.fill("name", "Joan Clarke").fill("email", "joan@example.org").fill("password", password).click("Create account")
	b.mail("/verify-email/").click("Confirm and create account").click("Allow").sees("Hello, Joan Clarke")

	b.open(h.app + "/").click("Sign out").click("Use another account").click("Continue with Harbour ID").click("Alan Turing")
	b.sees("I have an account here").click("Get a code by mail").sees("Harbour ID").look("ask-code")
	b.fill("email", "joan@example.org").click("Send code").sees("Type the code", "Harbour ID", "joan@example.org").look("code")
	b.fill("code", "WDJB-MJHT").click("Continue").sees("not the newest code").look("code-wrong")
	b.fill("code", strings.ToLower(b.mailedCode("A code to link Harbour ID"))).click("Continue").sees("Link Harbour ID to your account?")
	b.click("Link Harbour ID").sees("Hello, Joan Clarke")
	b.open(h.issuer + "/account/settings/linkedaccounts/").sees("Alan Turing")
}
