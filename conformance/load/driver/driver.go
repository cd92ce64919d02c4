// Package driver puts a bounded load on an OpenID Provider of this machine and
// tells what it cost. It connects to loopback addresses alone, and ends by
// itself: after a count of operations or a time, whichever comes first.
package driver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"idbroker/conformance/visitor"
)

// Bounds of every run, whatever is asked for.
const (
	MaxOperations  = 1_000_000
	MaxConcurrency = 256
	MaxDuration    = 10 * time.Minute
)

// Flows that can be run.
const (
	Discovery         = "discovery"
	JWKS              = "jwks"
	ClientCredentials = "client_credentials"
	Code              = "code"    // authorize and token, somebody is signed in
	Refresh           = "refresh" // each worker rotates a token of its own
	UserInfo          = "userinfo"
	Introspect        = "introspect"
	Provider          = "provider" // a sign-in with a provider, which the driver is
	Password          = "password" // a sign-in with a password, from the form on
)

// Flows are all flows, the cheap ones first. Provider needs a broker that knows the
// driver (Remote).
func Flows() []string {
	return []string{Discovery, JWKS, UserInfo, Introspect, ClientCredentials, Refresh, Code, Provider, Password}
}

// Options says what to run. A zero value of a field is its default.
type Options struct {
	Issuer      string
	Flow        string
	Concurrency int           // 0: 8
	Operations  int           // 0: 2000
	Duration    time.Duration // 0: one minute
	PIDs        []int         // whose CPU time is counted; none: it is not

	ClientID, ClientSecret string // a secret of "": a public client
	RedirectURI            string // of the client; nobody needs to listen there
	Scope                  string // "": "openid"; Refresh adds offline_access
	Email, Password        string // who signs in, for Code, Refresh, UserInfo and Password
	Remote                 Remote // what the broker knows the driver by, for Provider
}

// Report is what a run cost.
type Report struct {
	Flow        string         `json:"flow"`
	Concurrency int            `json:"concurrency"`
	Operations  int            `json:"operations"` // that succeeded
	Requests    int            `json:"requests"`   // that they took
	Errors      map[string]int `json:"errors,omitempty"`
	Elapsed     time.Duration  `json:"elapsed_ns"`
	P50         time.Duration  `json:"p50_ns"`
	P90         time.Duration  `json:"p90_ns"`
	P99         time.Duration  `json:"p99_ns"`
	Max         time.Duration  `json:"max_ns"`
	CPU         time.Duration  `json:"cpu_ns"` // of the server's processes; 0: not counted
}

// PerSecond is operations a second.
func (r Report) PerSecond() float64 { return float64(r.Operations) / max(r.Elapsed.Seconds(), 1e-9) }

// CPUPerOperation is the server's CPU time of one operation.
func (r Report) CPUPerOperation() time.Duration {
	return r.CPU / time.Duration(max(r.Operations, 1))
}

// CPUPerRequest is the server's CPU time of one request.
func (r Report) CPUPerRequest() time.Duration { return r.CPU / time.Duration(max(r.Requests, 1)) }

// Failed is the number of operations that did not succeed.
func (r Report) Failed() int {
	n := 0
	for _, count := range r.Errors {
		n += count
	}
	return n
}

// operation does one round and says how many requests it took.
type operation func(ctx context.Context) (requests int, err error)

func (o *Options) check() error {
	if o.Concurrency == 0 {
		o.Concurrency = 8
	}
	if o.Operations == 0 {
		o.Operations = 2000
	}
	if o.Duration == 0 {
		o.Duration = time.Minute
	}
	if o.Scope == "" {
		o.Scope = "openid"
	}
	switch {
	case o.Issuer == "":
		return errors.New("no issuer")
	case !slices.Contains(Flows(), o.Flow):
		return fmt.Errorf("flow %q is none of %v", o.Flow, Flows())
	case o.Concurrency < 1 || o.Concurrency > MaxConcurrency:
		return fmt.Errorf("concurrency %d is not in 1…%d", o.Concurrency, MaxConcurrency)
	case o.Operations < 1 || o.Operations > MaxOperations:
		return fmt.Errorf("count %d is not in 1…%d", o.Operations, MaxOperations)
	case o.Duration < 0 || o.Duration > MaxDuration:
		return fmt.Errorf("duration %s is longer than %s", o.Duration, MaxDuration)
	}
	return nil
}

// Run prepares the workers (each signs in where the flow needs it), lets them
// warm up, and measures.
func Run(ctx context.Context, o Options) (Report, error) {
	if err := o.check(); err != nil {
		return Report{}, err
	}
	transport := visitor.Transport(o.Concurrency)
	defer transport.CloseIdleConnections()
	p, err := discover(ctx, transport, o)
	if err != nil {
		return Report{}, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if o.Flow == Provider {
		if p.remote, err = o.Remote.serve(ctx); err != nil {
			return Report{}, err
		}
	}
	work := make([]operation, o.Concurrency)
	for i := range work {
		if work[i], err = p.worker(ctx, o.Flow); err != nil {
			return Report{}, fmt.Errorf("prepare %s: %w", o.Flow, err)
		}
	}
	return measure(ctx, o, work)
}

// BareFlow is the Flow of Bare's report.
const BareFlow = "bare net/http"

// Bare measures a server that answers at once: what a request costs without a
// broker.
func Bare(ctx context.Context, url string, o Options) (Report, error) {
	o.Issuer, o.Flow = url, Discovery
	if err := o.check(); err != nil {
		return Report{}, err
	}
	transport := visitor.Transport(o.Concurrency)
	defer transport.CloseIdleConnections()
	work := make([]operation, o.Concurrency)
	for i := range work {
		c := &caller{client: &http.Client{Transport: transport, Timeout: requestTimeout}}
		work[i] = func(ctx context.Context) (int, error) { _, err := c.get(ctx, url, ""); return 1, err }
	}
	r, err := measure(ctx, o, work)
	r.Flow = BareFlow
	return r, err
}

// measure runs the operations: first a tenth more that does not count.
func measure(ctx context.Context, o Options, work []operation) (Report, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Duration+10*time.Second)
	defer cancel()
	run(ctx, work, min(o.Operations/10, 50*len(work)), o.Duration)
	before, err := cpuTime(o.PIDs)
	if err != nil {
		return Report{}, err
	}
	start := time.Now()
	results := run(ctx, work, o.Operations, o.Duration)
	report := Report{Flow: o.Flow, Concurrency: o.Concurrency, Elapsed: time.Since(start), Errors: map[string]int{}}
	after, err := cpuTime(o.PIDs)
	if err != nil {
		return Report{}, err
	}
	report.CPU = after - before
	var times []time.Duration
	for _, r := range results {
		times = append(times, r.times...)
		report.Requests += r.requests
		for e, n := range r.errors {
			report.Errors[e] += n
		}
	}
	report.Operations = len(times)
	slices.Sort(times)
	report.P50, report.P90, report.P99, report.Max = percentile(times, 50), percentile(times, 90), percentile(times, 99), percentile(times, 100)
	return report, nil
}

// result is what one worker did.
type result struct {
	times    []time.Duration
	requests int
	errors   map[string]int
}

func run(ctx context.Context, work []operation, count int, d time.Duration) []result {
	results := make([]result, len(work))
	var left atomic.Int64
	left.Store(int64(count))
	end := time.Now().Add(d)
	var wait sync.WaitGroup
	for i, op := range work {
		wait.Go(func() {
			r := result{errors: map[string]int{}}
			for left.Add(-1) >= 0 && time.Now().Before(end) && ctx.Err() == nil {
				start := time.Now()
				n, err := op(ctx)
				if err != nil {
					if len(r.errors) < maxErrors {
						r.errors[short(err)]++
					} else {
						r.errors["others"]++
					}
					continue
				}
				r.times = append(r.times, time.Since(start))
				r.requests += n
			}
			results[i] = r
		})
	}
	wait.Wait()
	return results
}

const maxErrors = 20 // different ones of a worker

func short(err error) string {
	s := err.Error()
	if len(s) > 200 {
		s = s[:200]
	}
	return s
}

// percentile is the value that p percent of the sorted times do not exceed.
func percentile(times []time.Duration, p int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return times[max(0, (len(times)*p+99)/100-1)]
}

// Worst lists the errors, the most frequent first.
func (r Report) Worst() []string {
	return slices.SortedFunc(maps.Keys(r.Errors), func(a, b string) int { return r.Errors[b] - r.Errors[a] })
}
