// Package served runs the broker as it was built, as processes that end with
// the test, and reads the mails that it writes. It never imports the broker's
// rooms: what it knows of them came over the wire.
package served

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
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
)

const (
	// patience is how long a process may take to say or serve something; it is
	// long because machines that run tests are busy.
	patience = 30 * time.Second
	// farewell is how long a process may take to stop: server.shutdown_timeout.
	farewell = 20 * time.Second
)

// Build makes the binary as it is shipped, from the module at root, into out.
func Build(root, out string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "./cmd/broker")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, said)
	}
	return look(root)
}

// look reads the directories that the build reads. "go test" remembers what a test
// looked at: it would otherwise show the result of a broker that has changed since.
func look(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		return err
	})
}

// Command is the binary with nothing of our environment that concerns it.
func Command(bin, dir string, env []string, args ...string) *exec.Cmd {
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

// Output collects what a process says; it is safe for concurrent use.
type Output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// Process is a running broker.
type Process struct {
	Cmd    *exec.Cmd
	said   Output // standard output and standard error
	ended  chan struct{}
	result error // once ended is closed
}

// Start starts the binary in dir. It is stopped when the test ends; what it said
// is shown if the test failed, and a panic or a race in it fails the test.
func Start(t testing.TB, bin, dir string, env []string, args ...string) *Process {
	t.Helper()
	p := &Process{ended: make(chan struct{})}
	p.Cmd = Command(bin, dir, env, args...)
	p.Cmd.Stdout, p.Cmd.Stderr = &p.said, &p.said
	if err := p.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.result = p.Cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
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

// Stop ends the process gently and says whether it went well. It may be called
// again.
func (p *Process) Stop() error {
	_ = p.Cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return p.result
	case <-time.After(farewell):
		_ = p.Cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("killed after %s", farewell)
	}
}

// Said is what the process has said until now.
func (p *Process) Said() string { return p.said.String() }

// Ended is closed when the process is over.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Wait returns the first submatch of the pattern in what the process says.
func (p *Process) Wait(t testing.TB, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
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

// Answers waits until the issuer serves its discovery document, asked through
// the transport.
func Answers(t testing.TB, via http.RoundTripper, issuer string) {
	t.Helper()
	client := &http.Client{Transport: via, Timeout: time.Second}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if err := ask(client, issuer+"/.well-known/openid-configuration"); err == nil {
			return
		}
	}
	t.Fatalf("%s does not answer", issuer)
}

func ask(client *http.Client, address string) error {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body)
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	return nil
}

// Ports that FreeAddress hands out. The kernel takes those of outgoing
// connections from above, so that none of them gets in between.
const (
	firstPort = 12000
	lastPort  = 32000
)

// FreeAddress is an address on loopback where nobody listens, and which no other test, of this process
// or another, is handed until this one ends: a broker takes a while until it listens. The UDP port of that
// number, which nobody uses, shows that it is taken. We do not listen there ourselves to
// see that it is free: a child that is just being started would go on for a moment.
func FreeAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(lastPort-firstPort))
		mine, err := net.ListenPacket("udp", address)
		if err != nil {
			continue // another test has it
		}
		if c, err := net.Dial("tcp", address); err == nil {
			_ = errors.Join(c.Close(), mine.Close())
			continue // somebody listens
		}
		t.Cleanup(func() { _ = mine.Close() })
		return address
	}
	t.Fatal("no port is free")
	return ""
}
