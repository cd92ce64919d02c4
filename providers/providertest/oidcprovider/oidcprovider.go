// Package oidcprovider runs npm's oidc-provider, an OpenID Provider that is
// certified and not ours, for tests.
package oidcprovider

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const (
	install = "npm ci --prefix providers/providertest/oidcprovider"
	// patience is how long it may take to start: machines that run tests are busy.
	patience = 30 * time.Second
)

// Start runs a script of dir, which is this package's as the test sees it, until
// the test ends, and returns the issuer. env comes on top of the test's own.
// Without Node or the package the test is skipped, or fails where
// BROKER_TEST_ALL=1.
func Start(t testing.TB, dir string, env []string, script string, args ...string) (issuer string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if _, serr := os.Stat(filepath.Join(dir, "node_modules", "oidc-provider")); err != nil || serr != nil {
		if os.Getenv("BROKER_TEST_ALL") == "1" {
			t.Fatalf("node or oidc-provider is missing; get it: %s", install)
		}
		t.Skipf("node or oidc-provider is missing; get it: %s", install)
	}
	cmd := exec.Command(node, append([]string{script}, args...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
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
	case <-time.After(patience):
		t.Fatalf("oidc-provider did not start within %s", patience)
	}
	return ready.Issuer
}
