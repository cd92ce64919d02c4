// Package keycloak runs Keycloak, an OpenID Provider that is not ours, for
// tests, and does there what its administrator would. It gets it from Maven
// Central when asked to, and never uses one that runs already.
package keycloak

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"
	"testing"
	"time"
)

const (
	install = "go run ./providers/providertest/keycloak/get (it needs Java 17 or later)"
	// Home is the environment variable that names an installation of one's own
	// ("kc.sh build --db=dev-mem" has run in it); unset: where Get puts one.
	Home = "BROKER_TEST_KEYCLOAK"
	// patience is how long it may take to start: 20 seconds of two idle cores,
	// and machines that run tests are busy; four minutes have been seen.
	patience = 6 * time.Minute
	// farewell is how long it may take to end.
	farewell = 15 * time.Second
)

// Realm is the realm that Start makes; its people are in realm.json. Access
// tokens live half a minute, a refresh token is used once.
const Realm = "harbour"

//go:embed realm.json
var realm []byte

// Server is a running Keycloak.
type Server struct {
	URL    string // "http://127.0.0.1:port"
	Issuer string // of the realm

	admin admin
}

// Start runs Keycloak with its realm until the test ends; its log is shown
// where the test failed. Without Java or the distribution the test is skipped, or
// fails where BROKER_TEST_ALL=1. It takes long: have one for all tests.
func Start(t testing.TB) *Server {
	t.Helper()
	home, err := find()
	if err != nil {
		if os.Getenv("BROKER_TEST_ALL") == "1" {
			t.Fatalf("%v; get it: %s", err, install)
		}
		t.Skipf("%v; get it: %s", err, install)
	}
	dir := t.TempDir()
	said, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = said.Close() }()
	// The shell waits for the end of this process, whatever way the tests end:
	// its standard input ends then.
	cmd := exec.Command("/bin/sh", "-c", `"$0" "$@" </dev/null & pid=$!
		cat >/dev/null
		kill $pid; wait $pid`,
		filepath.Join(home, "bin", "kc.sh"), "start", "--optimized", "--cache=local", "--http-enabled=true", "--hostname-strict=false",
		"--http-host=127.0.0.1", "--http-port=0", "--log=console")
	password := randomText()
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is for us
	cmd.Env = append(os.Environ(), "KC_BOOTSTRAP_ADMIN_USERNAME=admin", "KC_BOOTSTRAP_ADMIN_PASSWORD="+password,
		// It never lives long enough for the second compiler to pay.
		"JAVA_OPTS_APPEND=-XX:TieredStopAtLevel=1 -Djava.io.tmpdir="+dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		late := time.AfterFunc(farewell, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		_ = cmd.Wait()
		late.Stop()
		if t.Failed() {
			log, _ := os.ReadFile(said.Name())
			t.Logf("Keycloak said:\n%s", log)
		}
	})
	s := &Server{URL: awaitAddress(t, said.Name())}
	s.Issuer = s.URL + "/realms/" + Realm
	s.admin = admin{url: s.URL, password: password}
	s.admin.call(t, "POST", "/admin/realms", realm, nil)
	t.Logf("Keycloak %s: ready after %s", version, time.Since(begun).Round(100*time.Millisecond))
	return s
}

var listening = regexp.MustCompile(`Listening on: (http://127\.0\.0\.1:\d+)`)

// awaitAddress reads in the log where Keycloak listens.
func awaitAddress(t testing.TB, log string) string {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		said, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if m := listening.FindSubmatch(said); m != nil {
			return string(m[1])
		}
	}
	t.Fatalf("Keycloak did not start within %s", patience)
	return ""
}

// find returns the installation to run.
func find() (string, error) {
	if runtime.GOOS == "windows" {
		return "", fmt.Errorf("keycloak is run by a shell")
	}
	if _, err := exec.LookPath("java"); err != nil {
		return "", fmt.Errorf("java is missing")
	}
	home := os.Getenv(Home)
	if home == "" {
		dir, err := CacheDir()
		if err != nil {
			return "", err
		}
		home = installed(dir)
	}
	if _, err := os.Stat(filepath.Join(home, "bin", "kc.sh")); err != nil {
		return "", fmt.Errorf("keycloak is not in %s", home)
	}
	return home, nil
}
