package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"idbroker/conformance/load/driver"
	"idbroker/conformance/visitor"
)

const (
	// bareArg makes this program the bare handler: it must be a process of its
	// own, or its CPU time could not be told from the load's.
	bareArg    = "-serve-bare"
	startLimit = 30 * time.Second
	stopLimit  = 15 * time.Second
)

// bareAnswer is as long as a token answer.
var bareAnswer = []byte(`{"access_token":"` + strings.Repeat("x", 64) + `","token_type":"Bearer","expires_in":3600}`)

// serveBare answers every request at once until in ends.
func serveBare(in io.Reader, out io.Writer) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		return 1
	}
	srv := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(bareAnswer)
	})}
	go func() { _ = srv.Serve(l) }()
	fmt.Fprintln(out, "http://"+l.Addr().String()+"/")
	_, _ = io.Copy(io.Discard, in) // ends with our parent, however that ends
	_ = srv.Close()
	return 0
}

// bare measures the bare handler in a child process.
func bare(ctx context.Context, o driver.Options) (driver.Report, error) {
	self, err := os.Executable()
	if err != nil {
		return driver.Report{}, err
	}
	cmd := exec.CommandContext(ctx, self, bareArg)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return driver.Report{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return driver.Report{}, err
	}
	if err := cmd.Start(); err != nil {
		return driver.Report{}, err
	}
	defer func() {
		_ = in.Close()
		_ = cmd.Wait()
	}()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return driver.Report{}, fmt.Errorf("bare handler: %w", err)
	}
	o.PIDs = []int{cmd.Process.Pid}
	return driver.Bare(ctx, strings.TrimSpace(address), o)
}

// started is a server that we started.
type started struct {
	cmd           *exec.Cmd
	PID           int           `json:"pid"`
	Ready         time.Duration `json:"ready_ns"` // to the first 200 of discovery
	CPU           time.Duration `json:"cpu_ns"`   // until then
	ResidentIdle  int64         `json:"resident_idle_bytes"`
	ResidentAfter int64         `json:"resident_after_bytes"`
}

// start runs the command and waits until discovery answers.
func start(ctx context.Context, issuer string, command []string) (*started, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	s := &started{cmd: cmd, PID: cmd.Process.Pid}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	client := &http.Client{Transport: visitor.Transport(1), Timeout: time.Second}
	for time.Since(began) < startLimit && ctx.Err() == nil {
		select {
		case err := <-ended:
			return nil, fmt.Errorf("the server ended: %w", errors.Join(err, errors.New(command[0])))
		case <-time.After(2 * time.Millisecond):
		}
		if answers(ctx, client, issuer) {
			s.Ready = time.Since(began)
			s.CPU = driver.CPUTime(s.PID)
			time.Sleep(time.Second) // let it come to rest
			s.ResidentIdle = driver.Resident(s.PID)
			return s, nil
		}
	}
	s.stop()
	return nil, fmt.Errorf("the server did not answer within %s", startLimit)
}

func answers(ctx context.Context, client *http.Client, issuer string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", nil)
	if err != nil {
		return false
	}
	res, err := client.Do(r)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// stop ends the server, gently at first.
func (s *started) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	for end := time.Now().Add(stopLimit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if s.cmd.Process.Signal(syscall.Signal(0)) != nil {
			return
		}
	}
	_ = s.cmd.Process.Kill()
}
