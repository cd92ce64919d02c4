package oidf

import (
	"context"
	"crypto/tls"

	"encoding/json"

	"net/http"
	"os"
	"path/filepath"
	"slices"

	"sync"
	"testing"

	"idbroker/conformance/mutant"
	"idbroker/conformance/served"
)

// mutated is the broker whose flaws can be switched on.
var mutated = sync.OnceValues(func() (string, error) {
	var all []mutant.Mutant
	for _, f := range flaws() {
		all = append(all, mutant.Mutant{Name: f.name, Changes: f.changes})
	}
	bin := filepath.Join(binDir, "mutant")
	return bin, mutant.Build("../..", "./cmd/broker", bin, all)
})

// TestMutants runs modules against our broker with something wrong, which they
// must notice and name. That they pass where nothing is wrong is TestPlans'.
func TestMutants(t *testing.T) {
	bin, err := mutated()
	if err != nil {
		t.Fatal(err)
	}
	from := (&world{bin: bin, dir: t.TempDir()}).furnish(t)
	for _, f := range flaws() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := from.flawed(t, f.name)
			for _, want := range f.seen {
				plan, err := FindPlan(want.plan)
				if err != nil {
					t.Error(err)
					continue
				}
				for _, name := range want.modules {
					t.Run(want.plan+"/"+name, func(t *testing.T) { want.check(t, s, plan, name) })
				}
			}
		})
	}
}

// check runs the module and compares what it says.
func (want sighting) check(t *testing.T, s *Suite, plan Plan, name string) {
	plan = plan.Registered(DynamicClient)
	i := slices.IndexFunc(plan.Variants, func(v Variant) bool { return v.ResponseType == want.response })
	if i < 0 {
		t.Fatalf("the plan %s has no response type %q", want.plan, want.response)
	}
	v := plan.Variants[i]
	j := slices.IndexFunc(plan.Runs(v), func(m Module) bool { return m.Name == name })
	if j < 0 {
		t.Fatalf("the plan %s has no module %s with %s", want.plan, name, v)
	}
	got := s.Module(context.Background(), plan, v, plan.Runs(v)[j])
	kind := map[Outcome]Kind{Failed: Failure, Warned: Warning}[want.outcome]
	if got.Outcome == want.outcome && slices.ContainsFunc(got.Log, func(l Line) bool { return l.Kind == kind && l.Clause == want.clause }) {
		return
	}
	log, err := json.MarshalIndent(got.Log, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	t.Errorf("%s instead of %s by %s: %s: %s\n%s", got.Outcome, want.outcome, want.clause, got.Clause, got.Reason, clip(string(log), 4000))
}

// unseen are modules that no mutant can make fail, by why.
var unseen = map[string]string{

	"oidcc-idtoken-unsigned":     noUnsigned,
	"oidcc-request-uri-unsigned": noUnsigned,
}

// TestEveryModuleHasAMutant: a module without one may pass by being blind.
func TestEveryModuleHasAMutant(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range flaws() {
		for _, s := range f.seen {
			for _, m := range s.modules {
				seen[m] = true
			}
		}
	}
	planned := map[string]bool{}
	for _, p := range Plans() {
		for _, m := range p.Modules {
			planned[m.Module] = true
			switch why, excused := unseen[m.Module]; {
			case seen[m.Module] && excused:
				t.Errorf("%s has a mutant and is excused: %s", m.Module, why)
			case !seen[m.Module] && !excused:
				t.Errorf("%s of the plan %s has no mutant; write one that it must notice", m.Module, p.Short)
			}
		}
	}
	for name := range unseen {
		if !planned[name] {
			t.Errorf("%s is excused and in no plan", name)
		}
	}
}

// furnish fills the world's directory with all that a broker needs beside its
// configuration, to be copied.
func (w *world) furnish(t *testing.T) *world {
	t.Helper()
	w.roots = certify(t, filepath.Join(w.dir, "tls.crt"), filepath.Join(w.dir, "tls.key"))
	w.configure(t, "127.0.0.1:1")
	w.operator(t, "", "keys", "keyring", "--file", filepath.Join(w.dir, "broker.key"))
	w.operator(t, "", "migrate", "up")
	w.operator(t, "", "keys", "rotate") // once: RSA keys cost more than modules
	w.operator(t, testPassword+"\n", "users", "create", testEmail, "--name", "Ada Lovelace", "--username", "ada", "--password-stdin")
	s, stop := w.serve(t)
	tellProfile(t, s)
	stop()
	return w
}

// flawed starts a broker with a flaw in a copy of the world, and makes a suite for it.
func (w *world) flawed(t *testing.T, name string) *Suite {
	t.Helper()
	m := &world{bin: w.bin, dir: filepath.Join(t.TempDir(), "broker"), roots: w.roots}
	if err := os.CopyFS(m.dir, os.DirFS(w.dir)); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"broker.key", "tls.key"} {
		if err := os.Chmod(filepath.Join(m.dir, secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, _ := m.serve(t, mutant.Environ(name))
	return s
}

// serve starts a broker in the world's directory, which stop ends before its
// time, and makes a suite for it.
func (w *world) serve(t *testing.T, env ...string) (s *Suite, stop func()) {
	t.Helper()
	w.configure(t, served.FreeAddress(t))
	p := served.Start(t, w.bin, w.dir, append(env, "SSL_CERT_FILE="+filepath.Join(w.dir, "ca.crt")), "--config", w.file, "serve")
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.roots, MinVersion: tls.VersionTLS12}}
	defer tr.CloseIdleConnections()
	served.Answers(t, tr, w.issuer)
	l, base := listen(t, w.dir)
	c := Config{Alias: "broker", Server: ServerConfig{DiscoveryURL: w.issuer + wellKnown}}
	c.Browser = BrokerPages(w.issuer, w.issuer+"/oauth2/authorize", testEmail, testPassword)
	c.Extension.ApplicationStart = BrokerApplicationStart(w.issuer)
	return w.suite(t, c, l, base), func() {
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}
