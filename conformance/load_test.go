package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"idbroker/conformance/load/driver"
	"idbroker/conformance/served"
	"idbroker/store/storetest"
)

// loader runs the load driver as a command against a served broker.
type loader struct {
	tool string
	args []string
	env  []string
}

// newLoader builds the command, and makes the person and the application that it is.
func newLoader(t testing.TB, h *house) loader {
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
	return loader{tool, []string{
		"-provider-issuer", h.load, "-issuer", h.issuer, "-client", client.ID, "-redirect", back, "-email", "load@example.org", "-pid", fmt.Sprint(h.Cmd.Process.Pid),
		"-flow", strings.Join(driver.Flows(), ","), "-json",
	}, append(os.Environ(), "BROKER_LOAD_SECRET="+client.Secret, "BROKER_LOAD_PASSWORD="+password)}
}

// run puts so many operations of each flow on the broker. None may fail.
func (l loader) run(t testing.TB, count int, args ...string) []driver.Report {
	t.Helper()
	cmd := exec.Command(l.tool, append(append(l.args, "-n", fmt.Sprint(count)), args...)...)
	cmd.Env = l.env
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
		if r.Operations != count {
			t.Errorf("%s: %d operations", r.Flow, r.Operations)
		}
	}
	if err != nil {
		t.Fatalf("load: %v: %s", err, problems.String())
	}
	return runs.Runs
}

// cheap are all flows that stretch no password.
var cheap = strings.Join(slices.DeleteFunc(driver.Flows(), func(f string) bool { return f == driver.Password }), ",")

// startLoaded is startServed with the provider that the load driver is.
func startLoaded(t testing.TB, dsn string) *house {
	load := "http://" + served.FreeAddress(t)
	const key = "BROKER_PROVIDERS__LOAD__"
	h := startServed(t, dsn, key+"KIND=oidc", key+"ISSUER="+load, key+"CLIENT_ID=load", key+"CLIENT_SECRET=load", key+"SIGN_UP=automatic")
	h.load = load
	return h
}

// Every flow of the load driver works against the real pages and endpoints, on
// both databases, with many callers at once: no error, nothing that hangs.
func TestLoad(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		l := newLoader(t, startLoaded(t, dsn))
		// So many unknown browsers at once at the password of one account would have to compute.
		l.run(t, 128, "-c", "64", "-bare=false", "-flow", cheap)
		l.run(t, 8, "-c", "2", "-bare=false", "-flow", driver.Password)
	})
}

// TestCrowd: 256 callers at once, who write. (That many people would first have to sign
// in, which is hard on purpose: their flows are run by hand, see docs/performance.md.)
func TestCrowd(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		flows := driver.ClientCredentials + "," + driver.Introspect
		newLoader(t, startLoaded(t, dsn)).run(t, 1024, "-c", "256", "-bare=false", "-flow", flows)
	})
}

// BenchmarkLoad prints what each flow costs, beside a bare net/http handler,
// over SQLite: go test -run '^$' -bench Load -benchtime 1x ./conformance
func BenchmarkLoad(b *testing.B) {
	l := newLoader(b, startLoaded(b, storetest.EmptySQLite(b)))
	b.ResetTimer()
	for _, r := range append(l.run(b, 3000, "-c", "8", "-flow", cheap), l.run(b, 100, "-c", "4", "-flow", driver.Password, "-bare=false")...) { // it counts by itself
		name := strings.NewReplacer(" ", "_", "/", "_", ",", "").Replace(r.Flow)
		b.ReportMetric(float64(r.CPUPerOperation().Microseconds()), name+"-CPU-µs/op")
		b.Logf("%-22s %6.0f/s  p50 %8s  p99 %8s  CPU %8s", r.Flow, r.PerSecond(), r.P50, r.P99, r.CPUPerOperation())
	}
}
