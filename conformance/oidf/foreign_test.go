package oidf

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const (
	foreignDir = "../../providers/providertest/oidcprovider"
	getForeign = "npm ci --prefix providers/providertest/oidcprovider"
)

// startForeign runs npm's oidc-provider, which is certified and not ours, and
// returns its issuer.
func startForeign(t *testing.T, args ...string) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if _, serr := os.Stat(filepath.Join(foreignDir, "node_modules", "oidc-provider")); err != nil || serr != nil {
		if os.Getenv("BROKER_TEST_ALL") == "1" {
			t.Fatalf("node or oidc-provider is missing; get it: %s", getForeign)
		}
		t.Skipf("node or oidc-provider is missing; get it: %s", getForeign)
	}
	cmd := exec.Command(node, append([]string{"suite.mjs"}, args...)...)
	cmd.Dir = foreignDir
	stdin, err := cmd.StdinPipe() // it ends when this closes
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	line := make(chan string, 1)
	go func() {
		s, _ := bufio.NewReader(stdout).ReadString('\n')
		line <- s
		_, _ = io.Copy(io.Discard, stdout)
	}()
	var ready struct{ Issuer string }
	select {
	case s := <-line:
		if err := json.Unmarshal([]byte(s), &ready); err != nil {
			t.Fatalf("oidc-provider said %q", s)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("oidc-provider did not start within 30 s")
	}
	return ready.Issuer
}

const noFrontchannel = "it has given up front-channel logout and session management"

// foreignConfig is how somebody signs in and out there.
func foreignConfig(issuer string) Config {
	secret := func(id string) ClientConfig {
		return ClientConfig{ID: id, Secret: "a-secret-of-the-test-0123456789-" + id}
	}
	submit := Command{Verb: "click", By: "css", Target: `button[type="submit"]`}
	return Config{
		Alias: "broker", Server: ServerConfig{DiscoveryURL: issuer + wellKnown}, Client: secret("first"), Client2: secret("second"), ClientSecretPost: secret("post"),
		Browser: []Entry{{Match: issuer + "/auth*", Tasks: []Task{
			{Task: "sign in or allow", Match: issuer + "/interaction/*", Optional: true, Commands: []Command{
				{Verb: "text", By: "name", Target: "login", Value: "ada", Optional: true}, {Verb: "text", By: "name", Target: "password", Value: "any", Optional: true}, submit,
			}},
			{Task: "allow", Match: issuer + "/interaction/*", Optional: true, Commands: []Command{submit}},
		}}, {Match: issuer + "/session/end*", Tasks: []Task{
			{Task: "sign out", Match: issuer + "/session/end*", Optional: true, Commands: []Command{{Verb: "click", By: "css", Target: `button[value="yes"]`, Optional: true}}},
		}}},
	}
}

// foreign are the results on npm's oidc-provider that are not "passed", by
// "client registration/module".
var foreign = map[string]expectation{
	"*/oidcc-ensure-post-request-succeeds":                        {Failed, "it takes no POST at the authorization endpoint unless its cookies are SameSite=None"},
	"*/oidcc-idtoken-unsigned":                                    {Skipped, "it has none switched off"},
	"static_client/oidcc-ensure-request-object-with-redirect-uri": {Skipped, "its clients of this test have no keys; dynamic clients have some"},
	"*/oidcc-frontchannel-logout-discovery-endpoint-verification": {Skipped, noFrontchannel},
	"*/oidcc-session-management-discovery-endpoint-verification":  {Skipped, noFrontchannel},
	"*/oidcc-session-management-rp-initiated-logout":              {Skipped, noFrontchannel},
	"*/oidcc-frontchannel-rp-initiated-logout":                    {Skipped, noFrontchannel},
	"*/oidcc-backchannel-rp-initiated-logout":                     {Skipped, "it cannot reach this suite; TestForeignBackchannel has one that it can reach"},
}

// TestForeign runs the plans against an OP that we did not write: what it does
// otherwise than our broker is where a suite of one's own goes blind.
func TestForeign(t *testing.T) {
	base := DefaultBaseURL + "/test/a/broker"
	issuer := startForeign(t, base+"/callback", base+"/post_logout_redirect")
	s, err := New(context.Background(), Options{Config: foreignConfig(issuer), CodeReuse: testReuse})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, p := range Plans() {
		for _, kind := range []string{StaticClient, DynamicClient} {
			t.Run(p.Short+"/"+kind, func(t *testing.T) {
				for _, v := range p.Registered(kind).Variants {
					for _, m := range p.Runs(v) {
						t.Run(v.ResponseType+"/"+m.Name, func(t *testing.T) {
							checkResult(t, expectationOf(foreign, kind, m.Name), s.Module(context.Background(), p, v, m))
						})
					}
				}
			})
		}
	}
}

// TestForeignBackchannel is about what an OP that we did not write tells
// applications: the suite listens where it can reach it.
func TestForeignBackchannel(t *testing.T) {
	w := &world{dir: t.TempDir()}
	w.roots = certify(t, filepath.Join(w.dir, "tls.crt"), filepath.Join(w.dir, "tls.key"))
	t.Setenv("NODE_EXTRA_CA_CERTS", filepath.Join(w.dir, "ca.crt"))
	l, base := listen(t, w.dir)
	issuer := startForeign(t, base+"/test/a/broker/callback", base+"/test/a/broker/post_logout_redirect")
	s := w.suite(t, foreignConfig(issuer), l, base)
	for _, got := range s.Run(context.Background(), backchannelPlan().Registered(DynamicClient)) {
		checkResult(t, expectation{Outcome: Passed}, got)
	}
}
