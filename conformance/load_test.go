package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"idbroker/conformance/load/driver"
	"idbroker/store/storetest"
)

// loaded runs the load driver as a command against a served broker.
func loaded(t testing.TB, h *house, count int, args ...string) []driver.Report {
	t.Helper()
	tool := filepath.Join(t.TempDir(), "load")
	if out, err := exec.Command("go", "build", "-o", tool, "./load").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	h.cli(t, password+"\n", "users", "create", "load@example.org", "--name", "Load", "--password-stdin")
	var client struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	const back = "http://127.0.0.1:1/callback"
	out := h.cli(t, "", "clients", "create", "Load", "--redirect-uri", back, "--alg", "ES256", "--json",
		"--grant", "authorization_code", "--grant", "refresh_token", "--grant", "client_credentials")
	if err := json.Unmarshal([]byte(out), &client); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tool, append([]string{
		"-issuer", h.issuer, "-client", client.ID, "-redirect", back, "-email", "load@example.org", "-pid", fmt.Sprint(h.Cmd.Process.Pid),
		"-flow", strings.Join(driver.Flows(), ","), "-n", fmt.Sprint(count), "-json",
	}, args...)...)
	cmd.Env = append(os.Environ(), "BROKER_LOAD_SECRET="+client.Secret, "BROKER_LOAD_PASSWORD="+password)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	printed, err := cmd.Output()
	var runs struct{ Runs []driver.Report }
	if err := json.Unmarshal(printed, &runs); err != nil {
		t.Fatalf("load: %v: %s%s", err, printed, problems.String())
	}
	for _, r := range runs.Runs {
		for _, e := range r.Worst() {
			t.Errorf("%s: %d× %s", r.Flow, r.Errors[e], e)
		}
	}
	if err != nil {
		t.Fatalf("load: %v: %s", err, problems.String())
	}
	return runs.Runs
}

// Every flow of the load driver works against the real pages and endpoints, on
// both databases, with many callers at once: no error, nothing that hangs.
func TestLoad(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		for _, r := range loaded(t, startServed(t, dsn), 128, "-c", "64", "-bare=false") {
			if r.Operations != 128 {
				t.Errorf("%s: %d operations", r.Flow, r.Operations)
			}
		}
	})
}

// TestCrowd: 256 callers at once, who write. (That many people would first have to sign
// in, which is hard on purpose: their flows are run by hand, see docs/performance.md.)
func TestCrowd(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		flows := driver.ClientCredentials + "," + driver.Introspect
		for _, r := range loaded(t, startServed(t, dsn), 1024, "-c", "256", "-bare=false", "-flow", flows) {
			if r.Operations != 1024 {
				t.Errorf("%s: %d operations", r.Flow, r.Operations)
			}
		}
	})
}

// BenchmarkLoad prints what each flow costs, beside a bare net/http handler,
// over SQLite: go test -run '^$' -bench Load -benchtime 1x ./conformance
func BenchmarkLoad(b *testing.B) {
	h := startServed(b, storetest.EmptySQLite(b))
	b.ResetTimer()
	for _, r := range loaded(b, h, 3000, "-c", "8") { // it counts by itself
		name := strings.NewReplacer(" ", "_", "/", "_", ",", "").Replace(r.Flow)
		b.ReportMetric(float64(r.CPUPerOperation().Microseconds()), name+"-CPU-µs/op")
		b.Logf("%-22s %6.0f/s  p50 %8s  p99 %8s  CPU %8s", r.Flow, r.PerSecond(), r.P50, r.P99, r.CPUPerOperation())
	}
}
