package conformance

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"idbroker/conformance/served"
	"idbroker/conformance/visitor"
)

// bin is where TestMain's directory keeps the built broker.
var bin string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	bin = filepath.Join(dir, "broker")
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// build makes the binary as it is shipped, once for all tests.
var build = sync.OnceValue(func() error { return served.Build("..", bin) })

// process is a running broker.
type process struct{ *served.Process }

// run starts the binary in dir; see served.Start.
func run(t testing.TB, dir string, env []string, args ...string) *process {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return &process{served.Start(t, bin, dir, env, args...)}
}

// wait returns the first submatch of the pattern in what the process says.
func (p *process) wait(t testing.TB, pattern string) string {
	t.Helper()
	return p.Wait(t, pattern)
}

// house is a broker with everything around it.
type house struct {
	*process
	issuer, app, providers, mailbox string
	load                            string                                                  // where it expects the load driver as a provider; "" nowhere
	cli                             func(t testing.TB, stdin string, args ...string) string // nil: a demo has no commands
	roots                           *x509.CertPool                                          // nil: it is reached over http
}

// transport reaches the house and nothing outside of this machine.
func (h *house) transport(conns int) *http.Transport {
	tr := visitor.Transport(conns)
	if h.roots != nil {
		tr.TLSClientConfig = &tls.Config{RootCAs: h.roots, MinVersion: tls.VersionTLS12}
	}
	return tr
}

// startDemo runs "serve --demo" as somebody would who has just built it.
func startDemo(t testing.TB) *house {
	t.Helper()
	p := run(t, t.TempDir(), []string{"BROKER_SERVER__ADDRESS=127.0.0.1:0", "BROKER_SERVER__ADMIN_ADDRESS=127.0.0.1:0"}, "serve", "--demo")
	h := &house{
		process: p,
		mailbox: p.wait(t, `mailbox +(http://\S+)`), // the last line of the list
		app:     p.wait(t, `sign in:\s+(http://\S+)`), issuer: p.wait(t, `the broker +(http://\S+)`), providers: p.wait(t, `demo providers +(http://\S+)`),
	}
	served.Answers(t, h.transport(1), h.issuer)
	return h
}
