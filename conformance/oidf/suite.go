package oidf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

const (
	// DefaultBaseURL is where the official suite runs on a developer's machine:
	// a client that is registered for it serves both suites.
	DefaultBaseURL = "https://localhost.emobix.co.uk:8443"
	// moduleTimeout bounds a module; the slowest waits 30 seconds on purpose.
	moduleTimeout = 5 * time.Minute
	// defaultReuse is how long oidcc-codereuse-30seconds waits.
	defaultReuse = 30 * time.Second
	// defaultRefetch is how long an OP may keep a client's keys before it looks
	// for one that it does not know: a minute, and what clocks round off.
	defaultRefetch = 65 * time.Second
	// defaultNotice is how long an OP may take to tell an application of a sign-out:
	// it may be busy, and it may have a queue.
	defaultNotice = 30 * time.Second
)

// Options are what a suite is made from.
type Options struct {
	Config Config
	// BaseURL is where the redirect URIs are. Nobody need listen there: the
	// browser stops before it asks. "": DefaultBaseURL.
	BaseURL string
	// Listener answers at BaseURL, where the OP must reach it, over TLS if
	// BaseURL says https; nil: modules that need that are skipped.
	Listener net.Listener
	// CAs are trusted beside the system's; nil: none.
	CAs *x509.CertPool
	// CodeReuse is how long oidcc-codereuse-30seconds waits; 0: 30 seconds.
	CodeReuse time.Duration
	// KeyRefetch is how long the OP may refuse a client's new key at a jwks_uri
	// that it knows; 0: a little more than a minute.
	KeyRefetch time.Duration
	// RotateKeys makes the OP rotate the keys that it signs with, as its operator
	// does; nil: the module that needs it is skipped.
	RotateKeys func(context.Context) error
	// Notice is how long the OP may take to tell an application of a sign-out; 0:
	// 30 seconds.
	Notice time.Duration
	// Done is told of each result as it comes; nil: nobody is.
	Done func(Result)
}

// Suite runs modules against one OP.
type Suite struct {
	o         Options
	issuer    string
	metadata  Metadata
	transport *http.Transport
	origins   map[string]bool
	host      *host // nil: the OP cannot reach us
}

// New reads the OP's metadata. An error says that nothing can be run, and why.
func New(ctx context.Context, o Options) (*Suite, error) {
	if err := o.Config.Check(); err != nil {
		return nil, err
	}
	if o.BaseURL == "" {
		o.BaseURL = DefaultBaseURL
	}
	o.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	if o.CodeReuse == 0 {
		o.CodeReuse = defaultReuse
	}
	if o.KeyRefetch == 0 {
		o.KeyRefetch = defaultRefetch
	}
	if o.Notice == 0 {
		o.Notice = defaultNotice
	}
	s := &Suite{o: o, issuer: o.Config.Issuer(), origins: map[string]bool{}}
	s.transport = &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		DialContext:     (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig: &tls.Config{RootCAs: o.CAs, MinVersion: tls.VersionTLS12},
		MaxIdleConns:    20, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true, DisableCompression: true,
	}
	s.allow(o.Config.Server.DiscoveryURL)
	if err := s.discover(ctx); err != nil {
		return nil, err
	}
	for _, origin := range s.metadata.origins(s.issuer) {
		s.allow(origin)
	}
	s.allow(o.Config.Extension.ApplicationStart)
	s.allowEntries(o.Config.Browser)
	for _, override := range o.Config.Override {
		s.allowEntries(override.Browser)
	}
	if o.Listener != nil {
		s.allow(o.BaseURL)
		s.host = serve(o.Listener)
	}
	return s, nil
}

// Close lets the connections and the listener go.
func (s *Suite) Close() {
	s.host.close()
	s.transport.CloseIdleConnections()
}

// Metadata is what the OP says about itself.
func (s *Suite) Metadata() Metadata { return s.metadata }

// Issuer is the OP's.
func (s *Suite) Issuer() string { return s.issuer }

// Config is the configuration.
func (s *Suite) Config() Config { return s.o.Config }

// SignInWith makes the person sign in, and begin, at the pages of our own broker,
// in every module that has no steps of its own.
func (s *Suite) SignInWith(email, password string) {
	s.o.Config.Browser = BrokerPages(s.issuer, s.metadata.Text("authorization_endpoint"), email, password)
	if s.o.Config.Extension.ApplicationStart == "" {
		s.o.Config.Extension.ApplicationStart = BrokerApplicationStart(s.issuer)
	}
}

func (s *Suite) allow(address string) {
	if o := originOf(address); o != "" && !strings.Contains(o, "*") {
		s.origins[o] = true
	}
}

// allowEntries allows the hosts of the OP's pages, which the configuration names.
func (s *Suite) allowEntries(entries []Entry) {
	for _, e := range entries {
		s.allow(e.Match)
		for _, t := range e.Tasks {
			s.allow(t.Match)
		}
	}
}

func (s *Suite) discover(ctx context.Context) error {
	w := s.wire(func(Line) {})
	req, err := newRequest(ctx, http.MethodGet, s.o.Config.Server.DiscoveryURL, nil)
	if err != nil {
		return err
	}
	res, err := w.do(req)
	if err != nil {
		return fmt.Errorf("read the OP's metadata: %w", err)
	}
	if res.Status != http.StatusOK {
		return fmt.Errorf("read the OP's metadata: %s answers with %d; is the issuer right?", s.o.Config.Server.DiscoveryURL, res.Status)
	}
	m, err := res.Object()
	if err != nil {
		return fmt.Errorf("read the OP's metadata at %s: %w", s.o.Config.Server.DiscoveryURL, err)
	}
	s.metadata = m
	for _, need := range []string{"issuer", "authorization_endpoint", "jwks_uri"} {
		if s.metadata.Text(need) == "" {
			return fmt.Errorf("the metadata at %s has no %s (OpenID Connect Discovery 1.0, section 3)", s.o.Config.Server.DiscoveryURL, need)
		}
	}
	return nil
}

func (s *Suite) wire(log func(Line)) *wire {
	return &wire{transport: s.transport, log: log, allowed: func(u *url.URL) bool { return s.origins[u.Scheme+"://"+u.Host] }}
}

// Run runs the modules of a plan in all its variants; only, where it is not
// empty, are the names of the modules that run.
func (s *Suite) Run(ctx context.Context, p Plan, only ...string) []Result {
	var results []Result
	for _, v := range p.Variants {
		for _, m := range p.Runs(v) {
			if len(only) > 0 && !slices.Contains(only, m.Name) {
				continue
			}
			results = append(results, s.Module(ctx, p, v, m))
			if ctx.Err() != nil {
				return results
			}
		}
	}
	return results
}

// Module runs one module. Its result says all there is to say: a module that
// panics has failed.
func (s *Suite) Module(ctx context.Context, p Plan, v Variant, m Module) Result {
	ctx, cancel := context.WithTimeout(ctx, moduleTimeout)
	defer cancel()
	r := newRun(ctx, s, v, m)
	result := Result{Plan: p.Name, Variant: v, Module: m.Name, Summary: m.Summary, Clauses: m.Clauses, Started: time.Now()}
	result.Outcome, result.Reason = r.run()
	result.Seconds = time.Since(result.Started).Seconds()
	for _, l := range r.lines {
		if (l.Kind == Failure || l.Kind == Warning) && result.Clause == "" && string(l.Kind) == string(result.Outcome) {
			result.Clause, result.Reason = l.Clause, l.Text
		}
	}
	result.Log = r.lines
	if s.o.Done != nil {
		s.o.Done(result)
	}
	return result
}

// stop is what ends a module before its end.
type stop struct{ skipped string }

// run calls the module and cleans up after it.
func (r *Run) run() (outcome Outcome, reason string) {
	defer func() {
		r.cleanUp()
		outcome, reason = r.outcome()
	}()
	defer func() {
		switch x := recover().(type) {
		case nil:
		case stop:
			r.skipped = x.skipped
		default:
			r.add(Line{Kind: Failure, Clause: "the module itself", Text: fmt.Sprintf("panic: %v\n%s", x, debug.Stack())})
		}
	}()
	r.module.Run(r)
	return "", ""
}
