// Package volatiletest gives tests a real Redis, and a database whose sessions and
// buckets are in it. It is for tests only.
package volatiletest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

const envAll = "BROKER_TEST_ALL"

// errNoRedis: there is no Redis on this machine.
var errNoRedis = errors.New("no Redis: install it (apt-get install redis-server); it is started and stopped by the tests")

// startTime is how long a Redis may take to answer, on a busy machine.
const startTime = 20 * time.Second

// Server is a Redis of a test, reachable through a socket and nothing else. It keeps
// nothing on disk.
type Server struct {
	URL string // "unix:///…"

	t      testing.TB
	dir    string
	mu     sync.Mutex
	server *exec.Cmd // nil: it was killed
	input  io.Closer // of server
}

// Start starts a Redis for the time of the test. Where there is none, the test is
// skipped with a line that says how to get it, or fails with BROKER_TEST_ALL=1.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv(envAll) == "1" {
			t.Fatal(errNoRedis)
		}
		t.Skip(errNoRedis)
	}
	dir, err := os.MkdirTemp("/tmp", "redis-") // short: a socket's path has 107 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{URL: "unix://" + filepath.Join(dir, "s"), t: t, dir: dir}
	t.Cleanup(func() {
		s.Kill()
		_ = os.RemoveAll(dir)
	})
	s.Revive(settings...)
	return s
}

// Revive starts the server again after Kill, as empty as a Redis that kept nothing.
func (s *Server) Revive(settings ...string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	args := append([]string{"--port", "0", "--unixsocket", filepath.Join(s.dir, "s"), "--save", "", "--appendonly", "no", "--dir", s.dir, "--databases", "4"}, settings...)
	// A shell waits for the end of its input, which comes whatever way the tests end.
	s.server = exec.Command("/bin/sh", append([]string{"-c", `"$0" "$@" >/dev/null 2>&1 </dev/null & pid=$!
		cat >/dev/null
		kill -KILL $pid; wait $pid`, "redis-server"}, args...)...)
	s.server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is for us
	var err error
	if s.input, err = s.server.StdinPipe(); err != nil {
		s.t.Fatal(err)
	}
	if err := s.server.Start(); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(startTime); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("unix", filepath.Join(s.dir, "s"))
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal(fmt.Errorf("redis-server does not start: %w", err))
		}
	}
}

// Kill ends the server as a crash does.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		return
	}
	_ = s.input.Close()
	_ = s.server.Wait() // killed: that is its error
	s.server = nil
	_ = os.Remove(filepath.Join(s.dir, "s"))
}
