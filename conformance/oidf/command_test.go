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
