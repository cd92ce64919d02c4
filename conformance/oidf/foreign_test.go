package oidf

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"idbroker/providers/providertest/oidcprovider"
)

// startForeign runs npm's oidc-provider over HTTPS with the certificate in dir,
// and returns its issuer.
func startForeign(t *testing.T, dir string, args ...string) string {
	t.Helper()
	args = append(args, filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	return oidcprovider.Start(t, "../../providers/providertest/oidcprovider", []string{"NODE_EXTRA_CA_CERTS=" + filepath.Join(dir, "ca.crt")}, "suite.mjs", args...)
}

const noFrontchannel = "it has given up front-channel logout and session management"

// foreignConfig is how somebody signs in and out there.
func foreignConfig(issuer string) Config {
	secret := func(id string) ClientConfig {
		return ClientConfig{ID: id, Secret: "a-secret-of-the-test-0123456789-" + id}
	}
	submit := Command{Verb: "click", By: "css", Target: `button[type="submit"]`}
	told := secret("told") // no other module's sign-out is told to it
	return Config{
		Override: map[string]Override{"oidcc-backchannel-rp-initiated-logout": {Client: &told}},
		Alias:    "broker", Server: ServerConfig{DiscoveryURL: issuer + wellKnown}, Client: secret("first"), Client2: secret("second"), ClientSecretPost: secret("post"),
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
	"*/oidcc-idtoken-unsigned":                                    {Skipped, "it has none switched off"},
	"*/oidcc-refresh-token-rp-key-rotation":                       {Failed, "it keeps the keys of clients for a minute; TestForeignKeyRotation waits for that"},
	"*/oidcc-server-rotate-keys":                                  {Skipped, "it takes its keys when it starts"},
	"static_client/oidcc-ensure-request-object-with-redirect-uri": {Skipped, "its clients of this test have no keys; dynamic clients have some"},
	"*/oidcc-frontchannel-logout-discovery-endpoint-verification": {Skipped, noFrontchannel},
	"*/oidcc-session-management-discovery-endpoint-verification":  {Skipped, noFrontchannel},
	"*/oidcc-session-management-rp-initiated-logout":              {Skipped, noFrontchannel},
	"*/oidcc-frontchannel-rp-initiated-logout":                    {Skipped, noFrontchannel},
	"*/oidcc-request-uri-signed-rs256":                            {Skipped, "it fetches no requests"},
	"*/oidcc-request-uri-unsigned":                                {Skipped, "it fetches no requests"},
}

// TestForeign runs the plans against an OP that we did not write: what it does
// otherwise than our broker is where a suite of one's own goes blind.
func TestForeign(t *testing.T) {
	t.Parallel()
	s := foreignSuite(t, time.Millisecond)
	testPlans(t, foreign, func(Plan, string) *Suite { return s })
}

// TestForeignKeyRotation waits until it looks for a client's new key. It is alone,
// since an OP that is busy forgets in that minute: its memory has 1000 places.
func TestForeignKeyRotation(t *testing.T) {
	t.Parallel()
	s := foreignSuite(t, 0)
	for _, got := range s.Run(context.Background(), dynamicPlan(), "oidcc-refresh-token-rp-key-rotation") {
		checkResult(t, expectation{Outcome: Passed}, got)
	}
}

// foreignSuite is one that oidc-provider can reach, for an oidc-provider of its own.
func foreignSuite(t *testing.T, refetch time.Duration) *Suite {
	t.Helper()
	dir := t.TempDir()
	roots := certify(t, filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	l, base := listen(t, dir)
	issuer := startForeign(t, dir, base+"/test/a/broker/callback", base+"/test/a/broker/post_logout_redirect")
	s, err := New(context.Background(), Options{Config: foreignConfig(issuer), CAs: roots, CodeReuse: testReuse, KeyRefetch: refetch, Listener: l, BaseURL: base})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}
