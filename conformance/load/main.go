// Command load puts a bounded load on a broker on this machine and prints what
// an operation costs: operations a second, how long they take, and the CPU
// time of the server's processes and their children, also as a multiple of what a
// request to a bare net/http handler costs in the same run. Multiples carry to
// other machines, times do not. It connects to loopback addresses alone.
//
//	broker users create load@example.org --password-stdin <<< "$BROKER_LOAD_PASSWORD"
//	broker clients create Load --redirect-uri http://127.0.0.1:1/callback \
//	    --grant authorization_code --grant refresh_token --grant client_credentials
//	go run ./conformance/load -issuer http://127.0.0.1:8080 -pid "$(pidof broker)" \
//	    -client ID -email load@example.org -flow code,refresh -c 8 -n 1000000 -t 5s -rounds 3
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
	rounds  int
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
	f.StringVar(&s.pids, "pid", "", "`processes` whose CPU time counts, with that of their children, commas between: the server, its database")
	f.IntVar(&s.rounds, "rounds", 1, "how often all flows are run; the multiples are medians")
	f.StringVar(&s.ClientID, "client", "", "client id; its secret stands in BROKER_LOAD_SECRET")
	f.StringVar(&s.RedirectURI, "redirect", "http://127.0.0.1:1/callback", "redirect `URI` of the client; nobody listens there")
	f.StringVar(&s.Scope, "scope", "openid", "scopes to ask for")
	f.StringVar(&s.Email, "email", "", "who signs in; the password stands in BROKER_LOAD_PASSWORD")
	f.StringVar(&s.Remote.ID, "provider", "load", "for the flow provider: its `id` in the broker's configuration")
	f.StringVar(&s.Remote.Issuer, "provider-issuer", "http://127.0.0.1:9999", "for the flow provider: its issuer `URL` there, on loopback, where the driver listens")
	f.BoolVar(&s.json, "json", false, "print JSON")
	f.BoolVar(&s.bare, "bare", true, "measure a bare net/http handler, too")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if s.rounds < 1 || s.rounds > maxRounds {
		return s, fmt.Errorf("%d rounds are not in 1…%d", s.rounds, maxRounds)
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

// maxRounds is more than anybody waits for.
const maxRounds = 100

// outcome is all that a run prints.
type outcome struct {
	Start     *started        `json:"start,omitempty"`
	Runs      []driver.Report `json:"runs"`
	Multiples []multiple      `json:"multiples,omitempty"`
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
	for range s.rounds {
		round, err := s.round(ctx)
		if err != nil {
			return err
		}
		for _, r := range round {
			if failed += r.Failed(); r.Operations == 0 {
				failed++
			}
		}
		o.Runs = append(o.Runs, round...)
	}
	o.Multiples = multiples(o.Runs)
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

// round runs every flow once, and the bare handler.
func (s settings) round(ctx context.Context) ([]driver.Report, error) {
	var runs []driver.Report
	for flow := range strings.SplitSeq(s.flows, ",") {
		s.Flow = strings.TrimSpace(flow)
		r, err := driver.Run(ctx, s.Options)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	if s.bare {
		r, err := bare(ctx, s.Options)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	return runs, nil
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
	for i, m := range o.Multiples {
		if i == 0 {
			fmt.Fprintf(out, "\n%-20s %9s %9s %9s   (CPU/op of a bare net/http request = 1)\n", "multiple", "median", "least", "most")
		}
		fmt.Fprintf(out, "%-20s %9.2f %9.2f %9.2f\n", m.Flow, m.Median, m.Least, m.Most)
	}
	return nil
}
