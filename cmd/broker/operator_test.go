package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"idbroker/conformance/served"
)

// The tests of this file and its neighbours build the program as it is
// released and use it as an operator does: from outside.

// built is the program; it is built once for all tests.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "broker-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "broker")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := built(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// operator is somebody at a shell in an empty directory.
type operator struct {
	t   testing.TB
	bin string
	dir string
	env []string
	// limit is how much memory a program may have, in KiB (RLIMIT_DATA); 0: as it likes.
	limit int
}

// newOperator has two listeners on free ports of loopback, since tests share
// the machine; nothing else is configured.
func newOperator(t testing.TB) *operator {
	t.Helper()
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return &operator{t: t, bin: bin, dir: t.TempDir(), env: []string{
		"HOME=/nonexistent", "PATH=" + os.Getenv("PATH"), "BROKER_SERVER__ADDRESS=127.0.0.1:0", "BROKER_SERVER__ADMIN_ADDRESS=127.0.0.1:0",
	}}
}

func (o *operator) set(env ...string) *operator {
	c := *o
	c.env = append(append([]string{}, o.env...), env...)
	return &c
}

func (o *operator) command(args ...string) *exec.Cmd {
	cmd := exec.Command(o.bin, args...)
	if o.limit > 0 {
		cmd = exec.Command("sh", append([]string{"-c", `ulimit -d "$0" && exec "$@"`, strconv.Itoa(o.limit), o.bin}, args...)...)
	}
	cmd.Dir, cmd.Env = o.dir, o.env
	return cmd
}

// try runs a command to its end.
func (o *operator) try(stdin string, args ...string) (stdout, stderr string, code int) {
	o.t.Helper()
	cmd := o.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	if err := cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	// A refusal that does not come must not hold up the tests.
	late := time.AfterFunc(2*startTime, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		o.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// run runs a command that must succeed, and returns what it printed.
func (o *operator) run(args ...string) string {
	o.t.Helper()
	out, errs, code := o.try("", args...)
	if code != 0 {
		o.t.Fatalf("broker %s: exit code %d\n%s", strings.Join(args, " "), code, errs)
	}
	return out
}

// read runs a command with --json and reads its answer into v.
func (o *operator) read(v any, args ...string) {
	o.t.Helper()
	out := o.run(append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), v); err != nil {
		o.t.Fatalf("broker %s: %v in\n%s", strings.Join(args, " "), err, out)
	}
}

// refuses runs a command that must fail with exit code 1, one line on standard
// error and nothing on standard output; it returns the line.
func (o *operator) refuses(args ...string) string {
	o.t.Helper()
	out, errs, code := o.try("", args...)
	if code != 1 || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "broker: ") {
		o.t.Errorf("broker %s: exit code %d, standard output %q, standard error:\n%s", strings.Join(args, " "), code, out, errs)
	}
	return errs
}

// running is a broker that was started.
type running struct {
	t        testing.TB
	cmd      *exec.Cmd
	out, err served.Output
	base     string // as it was printed
	admin    string
	done     chan error
}

var (
	baseLine  = regexp.MustCompile(`(?m)^The broker is at (\S+)$`)
	adminLine = regexp.MustCompile(`health and metrics  (\S+)`)
	claimLine = regexp.MustCompile(`(?m)^  (\S+/claim/\?token=\S+)$`)
)

// startTime is how long a broker may take to print its address on a machine
// that is busy.
const startTime = 30 * time.Second

// serve starts a broker and waits until it says where it is.
func (o *operator) serve(args ...string) *running {
	o.t.Helper()
	r := &running{t: o.t, cmd: o.command(append([]string{"serve"}, args...)...), done: make(chan error, 1)}
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.err
	if err := r.cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	go func() { r.done <- r.cmd.Wait() }()
	o.t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	r.await("its address", func() bool { return baseLine.MatchString(r.out.String()) })
	r.base = baseLine.FindStringSubmatch(r.out.String())[1]
	r.await("where metrics are", func() bool { return adminLine.MatchString(r.out.String()) })
	r.admin = adminLine.FindStringSubmatch(r.out.String())[1]
	return r
}

// await waits for something, and fails when the broker ends before.
func (r *running) await(what string, is func() bool) {
	r.t.Helper()
	for end := time.Now().Add(startTime); !is(); time.Sleep(2 * time.Millisecond) {
		select {
		case err := <-r.done:
			r.t.Fatalf("ended while waiting for %s: %v\n%s%s", what, err, r.out.String(), r.err.String())
		default:
		}
		if time.Now().After(end) {
			r.t.Fatalf("no %s:\n%s%s", what, r.out.String(), r.err.String())
		}
	}
}

func (r *running) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// end waits until the broker has ended.
func (r *running) end() error {
	r.t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(startTime):
		r.t.Fatalf("does not end:\n%s", r.err.String())
		return nil
	}
}

// stop ends the broker as an init system does.
func (r *running) stop() {
	r.t.Helper()
	r.signal(syscall.SIGTERM)
	if err := r.end(); err != nil {
		r.t.Fatalf("%v\n%s", err, r.err.String())
	}
}

// get fetches a URL without following redirects.
func get(t testing.TB, url string, header ...string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

const discoveryPath = "/.well-known/openid-configuration"

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}
