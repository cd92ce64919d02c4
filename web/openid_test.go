package web

import (
	"strings"
	"testing"

	"idbroker/broker"
)

// TestConsentShowsClaims that are asked for beside the scopes, remembers them,
// and asks again for another.
func TestConsentShowsClaims(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.client(func(c *broker.Client) { c.Scopes = []string{"openid", "profile", "email"} })
	b := w.browser()
	b.signIn("ada")
	asks := func(claims string) string { return authorize("scope", "openid", "claims", claims) }
	a := b.get(asks(`{"userinfo": {"email": null}}`)).to("/consent/?login=")
	b.get(a.location).want(200).says("Your e-mail address").says("ada@example.org")
	w.redeem(b.post("/consent/", "login", a.param("login"), "decision", "allow"))
	w.redeem(b.get(asks(`{"userinfo": {"email": {"essential": true}}}`)))
	w.redeem(b.get(authorize("scope", "openid")))
	again := b.get(asks(`{"id_token": {"email": null, "email_verified": null}}`)).to("/consent/?login=")
	b.get(again.location).want(200).says("Whether your e-mail address is confirmed")
	b.get(applicationsPath).want(200).says("Your e-mail address")
	if a := b.get(asks(`{"userinfo": []}`)).to(callbackURL); a.param("error") != "invalid_request" {
		t.Errorf("answer %s", a.location)
	}
}

// TestPromptCreate leads to the sign-up form, also where somebody is signed in,
// and signing in instead is an answer.
func TestPromptCreate(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.client(func(c *broker.Client) { c.FirstParty = true })
	b := w.browser()
	a := b.get(authorize("prompt", "create")).to("/signup/?login=")
	b.get(a.location).want(200)
	w.redeem(b.post("/login/", "login", a.param("login"), "email", "ada@example.org", "password", password))
	a = b.get(authorize("prompt", "create")).to("/signup/?login=")
	b.get(a.location).want(200)
	if a := b.get("/login/?login=" + a.param("login")); a.status != 200 {
		t.Errorf("sign in instead: %d %s", a.status, a.location)
	}
}

// TestPromptCreateWhereNobodySignsUp stays on the sign-in page.
func TestPromptCreateWhereNobodySignsUp(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.NoPasswords = true })
	w.client()
	if a := w.browser().get(authorize("prompt", "create")); !strings.HasPrefix(a.location, "/login/?login=") {
		t.Errorf("%d %s", a.status, a.location)
	}
}
