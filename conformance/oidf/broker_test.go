package oidf

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// expectation is a result that is not "passed", and why it is right.
type expectation struct {
	Outcome Outcome
	Because string
}

const (
	noUnsigned = "the broker never answers with unsigned ID tokens"
	noKeys     = "unsigned request objects are refused, and the operator's client of this test has no keys; dynamic clients have some"
)

// expected are the results on our own broker that are not "passed", by
// "client registration/module". A module that stops being what it says here
// fails the test, in either direction.
var expected = map[string]expectation{
	"*/oidcc-idtoken-unsigned":                                    {Skipped, noUnsigned},
	"*/oidcc-request-uri-unsigned":                                {Skipped, noUnsigned},
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
// operator and with clients that register themselves, as the files in plans/ say.
func TestPlans(t *testing.T) {
	t.Parallel() // beside TestForeign: both wait for clocks
	w := start(t)
	l, base := listen(t, w.dir)
	var types []string
	for _, p := range Plans() {
		for _, v := range p.Variants {
			types = append(types, "--response-type", v.ResponseType)
		}
	}
	usual := map[string]ClientConfig{
		"client": w.client(t, base, types...), "client2": w.client(t, base, types...), "client_secret_post": w.client(t, base, append(types, "--auth", "post")...),
	}
	told := func(flag, name string) map[string]ClientConfig { // each has its own, so that no other module's sign-out is told there
		own := maps.Clone(usual)
		own["client"] = w.client(t, base, append(types, flag, base+"/test/a/broker/"+name)...)
		return own
	}
	clients := map[string]map[string]ClientConfig{
		"backchannel-logout":  told("--backchannel-logout-uri", backchannelName),
		"frontchannel-logout": told("--frontchannel-logout-uri", frontchannelName),
	}
	s := w.suite(t, Config{Server: ServerConfig{DiscoveryURL: w.issuer + wellKnown}, Browser: BrokerPages(w.issuer, w.issuer+"/oauth2/authorize", testEmail, testPassword)}, l, base)
	tellProfile(t, s)
	testPlans(t, expected, func(p Plan, kind string) *Suite {
		own := clients[p.Short]
		if own == nil {
			own = usual
		}
		return s.with(planFileOf(t, p, kind).substituted(t, w.issuer, own))
	})
}

// testPlans runs every plan with both kinds of clients, and holds the results to
// what is expected.
func testPlans(t *testing.T, expected map[string]expectation, suite func(p Plan, kind string) *Suite) {
	for _, p := range Plans() {
		for _, kind := range []string{StaticClient, DynamicClient} {
			var s *Suite
			for _, v := range p.Registered(kind).Variants {
				for _, m := range p.Runs(v) {
					if s == nil {
						s = suite(p, kind)
					}
					t.Run(strings.Join([]string{p.Short, kind, v.ResponseType, m.Name}, "/"), func(t *testing.T) {
						t.Parallel() // most of the time modules wait
						checkResult(t, expectationOf(expected, kind, m.Name), s.Module(context.Background(), p, v, m))
					})
				}
			}
		}
	}
}

// tellProfile fills in the person's profile, as they do.
func tellProfile(t *testing.T, s *Suite) {
	t.Helper()
	page := s.issuer + "/account/settings/profile/"
	entry := s.Config().Browser[0]
	entry.Match = page
	fill := Task{Task: "fill in", Match: page}
	for name, value := range map[string]string{"phone": "+41 22 767 61 11", "street_address": "Esplanade des Particules 1", "locality": "Meyrin", "country": "CH"} {
		fill.Commands = append(fill.Commands, Command{Verb: "text", By: "name", Target: name, Value: value})
	}
	fill.Commands = append(fill.Commands, Command{Verb: "click", By: "css", Target: ".field ~ button"})
	entry.Tasks = append(slices.Clone(entry.Tasks), fill)
	got := s.Module(context.Background(), Plan{}, Variant{}, Module{Name: "profile", Run: func(r *Run) {
		r.Config.Browser = []Entry{entry}
		a := r.Walk(nil, page, func(address string) error { return r.Browser.Open(r.ctx, address) })
		r.Check(slices.Contains(a.Acted, "fill in") && a.Page != nil && a.Page.Status == 200, "test", "the profile is kept; the person stands at %v", a.Page)
	}})
	checkResult(t, expectation{Outcome: Passed}, got)
}

func checkResult(t *testing.T, want expectation, got Result) {
	t.Helper()
	if got.Outcome == want.Outcome {
		return
	}
	var log strings.Builder
	for _, l := range got.Log {
		if l.HTTP != nil {
			fmt.Fprintf(&log, "%s %s %d\n", l.HTTP.Method, l.HTTP.URL, l.HTTP.Status)
		} else {
			fmt.Fprintf(&log, "%s %s: %s\n", l.Kind, l.Clause, l.Text)
		}
	}
	t.Errorf("%s instead of %s %s: %s: %s\n%s", got.Outcome, want.Outcome, want.Because, got.Clause, got.Reason, clip(log.String(), 8000))
}
