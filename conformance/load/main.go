// Command load puts a bounded load on a broker on this machine and prints what
// an operation costs: operations a second, how long they take, and the CPU
// time of the server's processes, beside the same figures of a bare net/http
// handler in the same run. It connects to loopback addresses alone.
//
//	broker users create load@example.org --password-stdin <<< "$BROKER_LOAD_PASSWORD"
//	broker clients create Load --redirect-uri http://127.0.0.1:1/callback \
//	    --grant authorization_code --grant refresh_token --grant client_credentials
//	go run ./conformance/load -issuer http://127.0.0.1:8080 -pid "$(pidof broker)" \
//	    -client ID -email load@example.org -flow code,refresh -c 8 -n 2000
//
// The client's secret and the password are read from BROKER_LOAD_SECRET and
// BROKER_LOAD_PASSWORD, since arguments can be read by every process. What follows
// "--" is started as the server, waited for and stopped at the end; its time to
// the first answer and its memory are printed, too.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"idbroker/conformance/load/driver"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == bareArg {
		os.Exit(serveBare(os.Stdin, os.Stdout))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := load(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// settings are the command line.
type settings struct {
	driver.Options
	flows   string
	pids    string
	json    bool
	bare    bool
	command []string
}

func parse(args []string) (settings, error) {
	s := settings{}
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.StringVar(&s.Issuer, "issuer", "http://127.0.0.1:8080", "issuer `URL`, on loopback")
	f.StringVar(&s.flows, "flow", driver.Discovery, "`flows`, with commas between: "+strings.Join(driver.Flows(), ", "))
	f.IntVar(&s.Concurrency, "c", 8, "workers")
	f.IntVar(&s.Operations, "n", 2000, "operations of a flow")
	f.DurationVar(&s.Duration, "t", time.Minute, "end of a flow, whatever is left")
	f.StringVar(&s.pids, "pid", "", "`processes` whose CPU time counts, with commas between: the server, its database")
	f.StringVar(&s.ClientID, "client", "", "client id; its secret stands in BROKER_LOAD_SECRET")
	f.StringVar(&s.RedirectURI, "redirect", "http://127.0.0.1:1/callback", "redirect `URI` of the client; nobody listens there")
	f.StringVar(&s.Scope, "scope", "openid", "scopes to ask for")
	f.StringVar(&s.Email, "email", "", "who signs in; the password stands in BROKER_LOAD_PASSWORD")
	f.BoolVar(&s.json, "json", false, "print JSON")
	f.BoolVar(&s.bare, "bare", true, "measure a bare net/http handler, too")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	s.command = f.Args()
	s.ClientSecret, s.Password = os.Getenv("BROKER_LOAD_SECRET"), os.Getenv("BROKER_LOAD_PASSWORD")
	for _, p := range strings.FieldsFunc(s.pids, func(r rune) bool { return r == ',' || r == ' ' }) {
		pid, err := strconv.Atoi(p)
		if err != nil || pid < 1 {
			return s, fmt.Errorf("%q is no process id", p)
		}
		s.PIDs = append(s.PIDs, pid)
	}
	return s, nil
}

// outcome is all that a run prints.
type outcome struct {
	Start *started        `json:"start,omitempty"`
	Runs  []driver.Report `json:"runs"`
}

func load(ctx context.Context, args []string, out io.Writer) error {
	s, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	var o outcome
	if len(s.command) > 0 {
		server, err := start(ctx, s.Issuer, s.command)
		if err != nil {
			return err
		}
		defer server.stop()
		s.PIDs = append(s.PIDs, server.PID)
		o.Start = server
	}
	failed := 0
	for flow := range strings.SplitSeq(s.flows, ",") {
		s.Flow = strings.TrimSpace(flow)
		r, err := driver.Run(ctx, s.Options)
		if err != nil {
			return err
		}
		if failed += r.Failed(); r.Operations == 0 {
			failed++
		}
		o.Runs = append(o.Runs, r)
	}
	if s.bare {
		for _, requests := range requestCounts(o.Runs) {
			r, err := bare(ctx, s.Options, requests)
			if err != nil {
				return err
			}
			o.Runs = append(o.Runs, r)
		}
	}
	if o.Start != nil {
		o.Start.ResidentAfter = driver.Resident(o.Start.PID)
	}
	if err := o.write(out, s.json); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d operations failed", failed)
	}
	return nil
}

// requestCounts are the numbers of requests that an operation took, each once.
func requestCounts(runs []driver.Report) []int {
	var counts []int
	seen := map[int]bool{}
	for _, r := range runs {
		if n := (r.Requests + r.Operations/2) / max(r.Operations, 1); n > 0 && !seen[n] {
			seen[n] = true
			counts = append(counts, n)
		}
	}
	return counts
}

func (o outcome) write(out io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(o)
	}
	if s := o.Start; s != nil {
		fmt.Fprintf(out, "first answer after %s, CPU %s; resident %.1f MB when idle, %.1f MB after the load\n",
			s.Ready.Round(time.Millisecond), s.CPU.Round(time.Millisecond), float64(s.ResidentIdle)/1e6, float64(s.ResidentAfter)/1e6)
	}
	fmt.Fprintf(out, "%-20s %3s %8s %8s %9s %9s %9s %9s %9s %10s %10s\n",
		"flow", "c", "done", "failed", "per s", "p50", "p90", "p99", "max", "CPU/op", "CPU/req")
	for _, r := range o.Runs {
		perOp, perReq := "-", "-"
		if r.CPU > 0 {
			perOp, perReq = r.CPUPerOperation().Round(time.Microsecond).String(), r.CPUPerRequest().Round(time.Microsecond).String()
		}
		fmt.Fprintf(out, "%-20s %3d %8d %8d %9.0f %9s %9s %9s %9s %10s %10s\n", r.Flow, r.Concurrency, r.Operations, r.Failed(), r.PerSecond(),
			r.P50.Round(10*time.Microsecond), r.P90.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond), r.Max.Round(10*time.Microsecond), perOp, perReq)
		for _, e := range r.Worst() {
			fmt.Fprintf(out, "    %d× %s\n", r.Errors[e], e)
		}
	}
	return nil
}
