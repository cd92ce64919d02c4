package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

// TestProviders: an operator sees what is configured, tries it, and asks why
// somebody was let in or not.
func TestProviders(t *testing.T) {
	op := providertest.NewOpenID(t, providertest.OpenIDOptions{})
	op.AddClient(providertest.Client{ID: "broker", Secret: "right-secret", RedirectURIs: []string{"http://127.0.0.1:8080/oauth/authorized/campus/"}})
	o := newOperator(t).set("BROKER_SERVER__BASE_URL=http://127.0.0.1:8080",
		"BROKER_PROVIDERS__CAMPUS__KIND=oidc", "BROKER_PROVIDERS__CAMPUS__ISSUER="+op.Issuer, "BROKER_PROVIDERS__CAMPUS__CLIENT_ID=broker",
		"BROKER_PROVIDERS__CAMPUS__CLIENT_SECRET=right-secret", "BROKER_PROVIDERS__CAMPUS__ALLOWED_DOMAINS=example.org", "BROKER_PROVIDERS__CAMPUS__ALLOWED_CLAIMS__GROUPS=staff,guests",
		"BROKER_PROVIDERS__CAMPUS__SECOND=replace", "BROKER_PROVIDERS__CAMPUS__SIGN_UP=no")
	var list []providerView
	o.read(&list, "providers", "list")
	if len(list) != 1 || list[0].ID != "campus" || list[0].RedirectURI != "http://127.0.0.1:8080/oauth/authorized/campus/" || list[0].Second != broker.SecondReplace || list[0].SignUp != broker.SignUpNo || !list[0].ConfirmEmail || list[0].Profile.Name != broker.ProfileInitial ||
		strings.Join(list[0].Only, "; ") != "allowed_domains: example.org; allowed_claims.groups: staff, guests" {
		t.Fatalf("list: %+v", list)
	}
	if v := list[0]; v.SignOut != broker.SignOutAsk || v.SignedOut != "http://127.0.0.1:8080/oauth/signed-out/campus/" || v.Logout != "http://127.0.0.1:8080/oauth/backchannel/campus/" {
		t.Errorf("what sign-out needs: %+v", v)
	}
	if table := o.run("providers", "list"); !strings.Contains(table, "sign in, link") || !strings.Contains(table, "allowed_claims.groups: staff, guests") || !strings.Contains(table, "backchannel_logout_uri    "+list[0].Logout) || strings.Contains(table, "right-secret") {
		t.Error(table)
	}

	if out := o.set("BROKER_PROVIDERS__CAMPUS__SIGN_OUT=none").run("providers", "list"); !strings.Contains(out, "  none  ") {
		t.Error(out)
	}
	if out := o.run("providers", "check", "campus"); !strings.Contains(out, "/oauth/signed-out/campus/") || !strings.Contains(out, "register exactly http://127.0.0.1:8080/oauth/authorized/campus/ there") || strings.Contains(out, "error") {
		t.Error(out)
	}
	out, errs, code := o.set("BROKER_PROVIDERS__CAMPUS__CLIENT_SECRET=wrong-secret").try("", "providers", "check", "campus")
	if code != 1 || !strings.Contains(out, "compare client_id, client_secret") || strings.Contains(out+errs, "wrong-secret") {
		t.Errorf("%d\n%s\n%s", code, out, errs)
	}

	explain := func(claims string) (x explanation) {
		t.Helper()
		file := filepath.Join(o.dir, "claims.json")
		if err := os.WriteFile(file, []byte(claims), 0o600); err != nil {
			t.Fatal(err)
		}
		o.read(&x, "providers", "explain", "campus", "--claims", "claims.json")
		return x
	}
	known := `{"sub":"1815","groups":["staff"],"email":"ada@example.org","email_verified":true}`
	if x := explain(known); x.Outcome != "refused" || !strings.Contains(x.Reason, "link.no_sign_up") || !x.EmailVerified {
		t.Errorf("a stranger: %+v", x)
	}
	if x := explain(`{"sub":"1815","groups":["students"],"email":"ada@example.org","email_verified":true}`); x.Outcome != "refused" || !strings.Contains(x.Reason, "allowed_claims: groups") {
		t.Errorf("another group: %+v", x)
	}
	if x := explain(`{"sub":"1815","groups":"guests","email":"ada@evil.example","email_verified":true}`); x.Outcome != "refused" || !strings.Contains(x.Reason, "allowed_domains") {
		t.Errorf("another institution: %+v", x)
	}
	var ada userView
	o.read(&ada, "users", "create", "ada@example.org")
	db := o.open()
	if err := db.CreateIdentity(t.Context(), broker.UserIdentity{ID: "i", UserID: ada.ID, Provider: "campus", Issuer: op.Issuer, Subject: "1815", CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if x := explain(known); x.Outcome != "signed in" || x.Owner != ada.ID {
		t.Errorf("Ada: %+v", x)
	}
	o.run("users", "disable", "ada@example.org")
	if x := explain(known); x.Outcome != "refused" || !strings.Contains(x.Reason, "account.disabled") {
		t.Errorf("Ada, disabled: %+v", x)
	}
	if out := o.run("providers", "explain", "campus", "--claims", "claims.json"); !strings.Contains(out, "counts as proven") {
		t.Error(out)
	}
	for _, args := range [][]string{
		{"providers", "check", "none"}, {"providers", "explain", "none", "--claims", "claims.json"}, {"providers", "explain", "campus", "--claims", "missing.json"}, {"providers", "explain", "campus"},
	} {
		o.refuses(args...)
	}
}

// TestProvidersAboutNewcomers: the policies about newcomers go from the
// configuration into the list and into what an operator is told would happen.
func TestProvidersAboutNewcomers(t *testing.T) {
	op := providertest.NewOpenID(t, providertest.OpenIDOptions{})
	o := newOperator(t).set("BROKER_SERVER__BASE_URL=http://127.0.0.1:8080",
		"BROKER_PROVIDERS__CAMPUS__KIND=oidc", "BROKER_PROVIDERS__CAMPUS__ISSUER="+op.Issuer, "BROKER_PROVIDERS__CAMPUS__CLIENT_ID=broker", "BROKER_PROVIDERS__CAMPUS__CLIENT_SECRET=s",
		"BROKER_PROVIDERS__CAMPUS__SIGN_UP=automatic", "BROKER_PROVIDERS__CAMPUS__CONFIRM_EMAIL=false", "BROKER_PROVIDERS__CAMPUS__LINK_BY_EMAIL=true",
		"BROKER_PROVIDERS__CAMPUS__PROFILE__NAME=provider")
	var list []providerView
	o.read(&list, "providers", "list")
	if v := list[0]; v.SignUp != broker.SignUpAutomatic || v.ConfirmEmail || !v.LinkByEmail || v.Profile.Name != broker.ProfileProvider || v.Profile.Username != broker.ProfileInitial || v.Profile.Locale != broker.ProfilePerson {
		t.Errorf("%+v", v)
	}
	if table := o.run("providers", "list"); !strings.Contains(table, "sign in, sign up at once, link") || !strings.Contains(table, "finds accounts, needs no mail") {
		t.Error(table)
	}
	explain := func(claims string) (x explanation) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(o.dir, "claims.json"), []byte(claims), 0o600); err != nil {
			t.Fatal(err)
		}
		o.read(&x, "providers", "explain", "campus", "--claims", "claims.json")
		return x
	}
	known := `{"sub":"1815","email":"ada@example.org","email_verified":true}`
	if x := explain(known); x.Outcome != "account began" || x.Holder != "" {
		t.Errorf("a stranger: %+v", x)
	}
	var ada userView
	o.read(&ada, "users", "create", "ada@example.org")
	if x := explain(known); x.Outcome != "found by e-mail" || x.Holder != ada.ID {
		t.Errorf("Ada: %+v", x)
	}
	if x := explain(`{"sub":"1815","email":"ada@example.org","email_verified":false}`); x.Outcome != "new person" || x.Reason == "" {
		t.Errorf("not verified: %+v", x)
	}
	db := o.open()
	u, err := db.User(t.Context(), ada.ID)
	if err != nil {
		t.Fatal(err)
	}
	if u.EmailVouchedBy = "campus"; db.UpdateUser(t.Context(), u) != nil || db.Close() != nil {
		t.Fatal("not written")
	}
	if x := explain(known); x.Outcome != "new person" || !strings.Contains(x.Reason, "vouches") {
		t.Errorf("vouched for alone: %+v", x)
	}
	if out := o.run("users", "show", "ada@example.org"); !strings.Contains(out, "campus says so, no mail has proven it") {
		t.Error(out)
	}
}
