package oidf

import (
	"context"
	"encoding/json"
	"testing"
)

// expectation is a result that is not "passed", and why it is right.
type expectation struct {
	Outcome Outcome
	Because string
}

const (
	noSuchClaims = "the broker has no such claims"
	noUnsigned   = "the broker never answers with unsigned ID tokens"
	noKeys       = "unsigned request objects are refused, and the operator's client of this test has no keys; dynamic clients have some"
)

// expected are the results on our own broker that are not "passed", by
// "client registration/module". A module that stops being what it says here
// fails the test, in either direction.
var expected = map[string]expectation{
	"*/oidcc-scope-address":    {Skipped, noSuchClaims},
	"*/oidcc-scope-phone":      {Skipped, noSuchClaims},
	"*/oidcc-idtoken-unsigned": {Skipped, noUnsigned},
	"static_client/oidcc-ensure-request-object-with-redirect-uri": {Skipped, noKeys},
}

// expectationOf is what a module must end with.
func expectationOf(expected map[string]expectation, kind, module string) expectation {
	for _, key := range []string{kind + "/" + module, "*/" + module} {
		if e, ok := expected[key]; ok {
			return e
		}
	}
	return expectation{Outcome: Passed}
}

// TestPlans runs every plan against the built broker, with clients of the
// operator and with clients that register themselves.
func TestPlans(t *testing.T) {
	w := start(t)
	c := Config{Alias: "broker", Server: ServerConfig{DiscoveryURL: w.issuer + wellKnown}}
	l, base := w.listen(t)
	c.Client, c.Client2, c.ClientSecretPost = w.client(t, base), w.client(t, base), w.client(t, base, "--auth", "post")
	c.Browser = BrokerPages(w.issuer, w.issuer+"/oauth2/authorize", testEmail, testPassword)
	c.Extension.ApplicationStart = BrokerApplicationStart(w.issuer)
	told := func(flag, name string) Override {
		client := w.client(t, base, flag, base+"/test/a/broker/"+name)
		return Override{Client: &client}
	}
	c.Override = map[string]Override{ // each has its own, so that no other module's sign-out is told there
		"oidcc-backchannel-rp-initiated-logout":  told("--backchannel-logout-uri", backchannelName),
		"oidcc-frontchannel-rp-initiated-logout": told("--frontchannel-logout-uri", frontchannelName),
	}
	s := w.suite(t, c, l, base)
	for _, p := range Plans() {
		for _, kind := range []string{StaticClient, DynamicClient} {
			t.Run(p.Short+"/"+kind, func(t *testing.T) {
				t.Parallel() // most of the time modules wait
				for _, v := range p.Registered(kind).Variants {
					for _, m := range p.Runs(v) {
						t.Run(v.ResponseType+"/"+m.Name, func(t *testing.T) {
							checkResult(t, expectationOf(expected, kind, m.Name), s.Module(context.Background(), p, v, m))
						})
					}
				}
			})
		}
	}
}

func checkResult(t *testing.T, want expectation, got Result) {
	t.Helper()
	if got.Outcome == want.Outcome {
		return
	}
	log, err := json.MarshalIndent(got.Log, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	t.Errorf("%s instead of %s %s: %s: %s\n%s", got.Outcome, want.Outcome, want.Because, got.Clause, got.Reason, clip(string(log), 6000))
}
