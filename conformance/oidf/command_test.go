package oidf

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"idbroker/conformance/served"
)

// command runs "broker conformance run" and returns its exit code.
func (w *world) command(t *testing.T, stdin string, args ...string) (code int, out, problems string) {
	t.Helper()
	cmd := served.Command(w.bin, w.dir, nil, append([]string{"conformance", "run"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}

// TestCommand runs the suite as an operator does, against a broker that it
// knows nothing of but its issuer.
func TestCommand(t *testing.T) {
	w := start(t)
	ca := filepath.Join(w.dir, "ca.crt")
	own := []string{"--issuer", w.issuer, "--ca", ca, "--user", testEmail, "--password-stdin"}
	t.Run("passes", func(t *testing.T) {
		code, out, problems := w.command(t, testPassword, append(own, "--module", "oidcc-server", "--module", "oidcc-idtoken-unsigned", "--plan", "basic", "--plan", "formpost-basic")...)
		if code != 0 || !strings.Contains(out, "4 modules: 2 passed, 0 with a warning, 2 skipped, 0 failed") || !strings.Contains(out, "client_registration=dynamic_client") {
			t.Errorf("exit %d\n%s\n%s", code, out, problems)
		}
	})
	t.Run("signs out, and begins at the broker", func(t *testing.T) {
		code, out, problems := w.command(t, testPassword, append(own, "--plan", "rp-initiated-logout", "--module", "oidcc-rp-initiated-logout-no-params", "--plan", "3rdparty-init-login", "--module", "oidcc-3rd_party-init-login")...)
		if code != 0 || !strings.Contains(out, "2 modules: 2 passed") {
			t.Errorf("exit %d\n%s\n%s", code, out, problems)
		}
	})
	t.Run("listens, and rotates keys", func(t *testing.T) {
		file, address := filepath.Join(w.dir, "report.html"), served.FreeAddress(t)
		rotate := strings.Join([]string{w.bin, "--config", w.file, "keys", "rotate"}, " ")
		args := append(own, "--listen", address, "--base-url", "https://"+address, "--certificate", filepath.Join(w.dir, "tls.crt"), "--key", filepath.Join(w.dir, "tls.key"), "--rotate-keys", rotate,
			"--plan", "dynamic", "--module", "oidcc-registration-jwks-uri", "--module", "oidcc-server-rotate-keys", "--format", "html", "-o", file)
		code, _, problems := w.command(t, testPassword, args...)
		b, err := os.ReadFile(file)
		if err != nil || code != 0 || !strings.Contains(string(b), "2 modules: 2 passed") || !strings.HasPrefix(string(b), "<!doctype html>") || strings.Contains(string(b), testPassword) {
			t.Errorf("exit %d %v\n%s\n%s", code, err, problems, b)
		}
	})
	t.Run("test configuration", func(t *testing.T) {
		c := Config{Alias: "broker", Server: ServerConfig{DiscoveryURL: w.issuer + wellKnown}, Client: w.client(t, DefaultBaseURL), Browser: BrokerPages(w.issuer, w.issuer+"/oauth2/authorize", testEmail, testPassword)}
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(w.dir, "test.json")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, problems := w.command(t, "", "--test-config", file, "--ca", ca, "--module", "oidcc-server")
		if code != 0 || !strings.Contains(out, "1 modules: 1 passed") && !strings.Contains(out, "1 module: 1 passed") || !strings.Contains(out, "client_registration=static_client") {
			t.Errorf("exit %d\n%s\n%s", code, out, problems)
		}
		if err := os.WriteFile(file, append(b, '!'), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, problems := w.command(t, "", "--test-config", file); code != 2 || !strings.Contains(problems, "line 1") {
			t.Errorf("exit %d\n%s", code, problems)
		}
	})
	t.Run("fails with 1", func(t *testing.T) {
		file := filepath.Join(w.dir, "report.json")
		code, out, problems := w.command(t, "wrong", append(own, "--module", "oidcc-server", "--format", "json", "-o", file)...)
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var r Report
		if err := json.Unmarshal(b, &r); err != nil || r.Totals[Failed] != 1 || code != 1 || out != "" {
			t.Errorf("exit %d %v\n%s\n%s\n%s", code, err, out, problems, b)
		}
		if strings.Contains(string(b), `"wrong"`) || strings.Contains(string(b), "=wrong") {
			t.Error("the password stands in the report")
		}
	})
	t.Run("all skipped is nothing tested", func(t *testing.T) {
		code, out, problems := w.command(t, testPassword, append(own, "--plan", "basic", "--module", "oidcc-idtoken-unsigned")...)
		if code != 2 || !strings.Contains(out, "0 passed, 0 with a warning, 1 skipped") || !strings.Contains(problems, "broker: every module was skipped") {
			t.Errorf("exit %d\n%s\n%s", code, out, problems)
		}
	})
	for name, args := range map[string][]string{
		"no issuer":      {"--plan", "basic"},
		"unknown plan":   append(own, "--plan", "fapi9"),
		"unknown module": append(own, "--module", "oidcc-nothing"),
		"untrusted":      {"--issuer", w.issuer},
		"nobody there":   {"--issuer", "https://127.0.0.1:1"},
	} {
		t.Run(name+" cannot run", func(t *testing.T) {
			if code, out, problems := w.command(t, testPassword, args...); code != 2 || !strings.HasPrefix(problems, "broker: ") {
				t.Errorf("exit %d\n%s\n%s", code, out, problems)
			}
		})
	}
}
