package main

import (
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

// TestRevocations follows an operator's unlink through the outbox of a running
// broker to the provider: given up while nobody could be asked, listed without
// its tokens, asked again, done.
func TestRevocations(t *testing.T) {
	op := providertest.NewOpenID(t, providertest.OpenIDOptions{})
	op.AddClient(providertest.Client{ID: "broker", Secret: "right-secret"})
	bare := newOperator(t)
	o := bare.set("BROKER_PROVIDERS__CAMPUS__KIND=oidc", "BROKER_PROVIDERS__CAMPUS__ISSUER="+op.Issuer,
		"BROKER_PROVIDERS__CAMPUS__CLIENT_ID=broker", "BROKER_PROVIDERS__CAMPUS__CLIENT_SECRET=right-secret")
	var ada userView
	o.read(&ada, "users", "create", "ada@example.org")
	db := o.open()
	now := time.Now()
	if err := db.CreateIdentity(t.Context(), broker.UserIdentity{ID: "i", UserID: ada.ID, Provider: "campus", Issuer: op.Issuer, Subject: "1815", CreatedAt: now}); err != nil {
		t.Fatal(err)
	}
	account, err := db.SaveRemoteAccount(t.Context(), broker.RemoteAccount{ID: "a", UserID: ada.ID, Provider: "campus", Issuer: op.Issuer, Subject: "1815"})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.SaveRemoteTokens(t.Context(), account.ID, []broker.RemoteToken{{AccessToken: "the-access-token", RefreshToken: "the-refresh-token"}}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	o.run("users", "unlink", "ada@example.org", "campus", "--force")

	r := bare.serve() // the provider was taken out of the configuration
	var list []revocationEntry
	r.await("a revocation that is given up", func() bool {
		o.read(&list, "revocations", "list")
		return len(list) == 1 && list[0].State == "given up"
	})
	if list[0].Provider != "campus" || list[0].Subject != "1815" || !strings.Contains(list[0].Error, "not configured any more") {
		t.Errorf("%+v", list)
	}
	if shown := o.run("revocations", "list") + o.run("revocations", "list", "--json"); strings.Contains(shown, "-token") {
		t.Errorf("tokens are shown:\n%s", shown)
	}
	r.stop()
	for _, args := range [][]string{
		{"revocations", "list", "--limit", "0"}, {"revocations", "retry"}, {"revocations", "retry", "none"}, {"revocations", "retry", "--all", "--provider", "campus"},
	} {
		o.refuses(args...)
	}

	r = o.serve()
	o.run("revocations", "retry", "--provider", "campus")
	r.await("the provider to be asked", func() bool { return op.Count(providertest.Revoke) == 2 })
	var bodies string
	for _, q := range op.Requests(providertest.Revoke) {
		bodies += q.Body + "\n"
	}
	if !strings.Contains(bodies, "the-access-token") || !strings.Contains(bodies, "the-refresh-token") {
		t.Error(bodies)
	}
	r.await("an empty list", func() bool { o.read(&list, "revocations", "list"); return len(list) == 0 })
	if text := r.err.String(); strings.Contains(text, "the-access-token") || strings.Contains(text, "the-refresh-token") {
		t.Errorf("the log has tokens:\n%s", text)
	}
	r.stop()
}
