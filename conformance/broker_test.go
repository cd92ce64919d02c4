package conformance

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

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
var build = sync.OnceValue(func() error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, "./cmd/broker")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return nil
})

// output collects what a process says; it is safe for concurrent use.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// process is a running broker.
type process struct {
	cmd    *exec.Cmd
	said   output // standard output and standard error
	ended  chan struct{}
	result error // once ended is closed
}

// run starts the binary in dir; it is stopped when the test ends, and what it
// said is shown if the test failed.
func run(t testing.TB, dir string, env []string, args ...string) *process {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	p := &process{ended: make(chan struct{})}
	p.cmd = command(dir, env, args...)
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.result = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Errorf("the broker did not stop as it should: %v", err)
		}
		if t.Failed() {
			t.Logf("the broker said:\n%s", p.said.String())
		}
		for _, never := range []string{"panic", "DATA RACE"} {
			if strings.Contains(p.said.String(), never) {
				t.Errorf("the broker said %q:\n%s", never, p.said.String())
			}
		}
	})
	return p
}

// command is the binary with nothing of our environment that concerns it.
func command(dir string, env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(bin, args...)
	cmd.Dir = dir
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "BROKER_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// stop ends the process gently and says whether it went well.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return p.result
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return errors.New("killed after 20 seconds")
	}
}

// wait returns the first submatch of the pattern in what the process says.
func (p *process) wait(t testing.TB, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if m := re.FindStringSubmatch(p.said.String()); m != nil {
			return m[1]
		}
		select {
		case <-p.ended:
			t.Fatalf("the broker ended before it said %s: %v\n%s", pattern, p.result, p.said.String())
		default:
		}
	}
	t.Fatalf("the broker did not say %s:\n%s", pattern, p.said.String())
	return ""
}

// answers waits until discovery is served.
func (h *house) answers(t testing.TB) {
	t.Helper()
	client := &http.Client{Transport: h.transport(1), Timeout: time.Second}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, h.issuer+"/.well-known/openid-configuration", nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := client.Do(r); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
	}
	t.Fatalf("%s does not answer", h.issuer)
}

// house is a broker with everything around it.
type house struct {
	*process
	issuer, app, providers, mailbox string
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
	h.answers(t)
	return h
}
