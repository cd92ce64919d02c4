package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"idbroker/conformance/oidf"
)

type conformanceCommands struct {
	Run conformanceRun `cmd:"" help:"Test an OpenID Provider, this one or any other, against the specifications."`
}

type conformanceRun struct {
	Issuer        string   `placeholder:"URL" help:"The OpenID Provider. Otherwise the one of the test configuration."`
	TestConfig    string   `name:"test-config" placeholder:"FILE" help:"Test configuration, in the format of the OpenID Foundation's suite."`
	Plan          []string `default:"basic" placeholder:"NAME" help:"What is tested: a plan's name, or all. Repeat for more."`
	Module        []string `placeholder:"NAME" help:"Run only this module of the plans. Repeat for more."`
	Registration  string   `enum:"static,dynamic," default:"" help:"static: with the clients of the test configuration. dynamic: with clients that register themselves. Otherwise static where the configuration has clients."`
	User          string   `placeholder:"EMAIL" help:"Who signs in at the pages of this broker. The test configuration describes other pages."`
	PasswordStdin bool     `help:"Read their password from the first line of standard input."`
	BaseURL       string   `name:"base-url" placeholder:"URL" help:"Where the redirect URIs are. Otherwise ${base_url}. Without --listen nobody need be there."`
	Listen        string   `placeholder:"ADDRESS" help:"Host and port where the suite can be reached at --base-url, for what it publishes and is told. Otherwise modules that need that are skipped."`
	Certificate   string   `placeholder:"FILE" help:"PEM file with the certificate of --listen; with --key. Otherwise it speaks HTTP: behind a proxy."`
	Key           string   `placeholder:"FILE" help:"PEM file with its private key."`
	CA            string   `name:"ca" placeholder:"FILE" help:"PEM file with authorities to trust beside the system's."`
	RotateKeys    string   `name:"rotate-keys" placeholder:"COMMAND" help:"Shell command that makes the OpenID Provider rotate its signing keys, such as \"broker keys rotate\". Otherwise the module for that is skipped."`
	Format        string   `enum:"text,json,html" default:"text" help:"How the report is written: ${enum}."`
	Output        string   `short:"o" placeholder:"FILE" help:"Where the report is written. Otherwise standard output."`
	List          bool     `help:"List the plans and their modules, and run nothing."`
}

// Help teaches.
func (conformanceRun) Help() string {
	return `Exit code 0: nothing failed; 1: something did; 2: nothing could be run.
Accounts and applications are used for real: run it against an installation for tests.

    broker conformance run --list
    pass show ada | broker conformance run --issuer https://id.example.org --user ada@example.org --password-stdin --registration dynamic
    broker conformance run --test-config basic.json --plan basic --format html -o report.html`
}

// failedTests is the error of a run in which modules failed; the report says why.
type failedTests struct{ summary string }

func (e failedTests) Error() string { return e.summary }

// cannotRun is the error of a run that did not come about.
type cannotRun struct{ err error }

func (e cannotRun) Error() string { return e.err.Error() }
func (e cannotRun) Unwrap() error { return e.err }

// ExitCode tells scripts that nothing was tested.
func (cannotRun) ExitCode() int { return 2 }

// Run runs the plans and writes the report.
func (c conformanceRun) Run(ctx context.Context, p *program) error {
	plans, err := c.plans()
	if err != nil {
		return cannotRun{err}
	}
	if c.List {
		return listPlans(p.out, plans)
	}
	o, err := c.options(p)
	if err != nil {
		return cannotRun{err}
	}
	done := 0
	o.Done = func(r oidf.Result) {
		done++
		fmt.Fprintf(p.err, "%3d  %-8s %s\n", done, r.Outcome, r.Module)
	}
	if o.Listener, err = c.listen(); err != nil {
		return cannotRun{err}
	}
	suite, err := oidf.New(ctx, o)
	if err != nil {
		if o.Listener != nil {
			_ = o.Listener.Close()
		}
		return cannotRun{err}
	}
	defer suite.Close()
	if err := c.signIn(p, suite); err != nil {
		return cannotRun{err}
	}
	began := time.Now()
	var results []oidf.Result
	for _, plan := range plans {
		results = append(results, suite.Run(ctx, c.registered(plan, o.Config), c.Module...)...)
	}
	if len(results) == 0 {
		return cannotRun{errors.New("no module ran: --module must name one of the plans; see: broker conformance run --list")}
	}
	report := oidf.NewReport(suite.Issuer(), began, time.Now(), results)
	if err := c.write(p, report); err != nil {
		return cannotRun{err}
	}
	if err := ctx.Err(); err != nil {
		return cannotRun{fmt.Errorf("interrupted after %d modules: %w", len(results), err)}
	}
	if report.Totals[oidf.Skipped] == len(results) {
		return cannotRun{errors.New("every module was skipped, so nothing is tested; the report says why")}
	}
	if !report.OK() {
		return failedTests{report.Summary()}
	}
	return nil
}

func (c conformanceRun) plans() ([]oidf.Plan, error) {
	if c.List && slices.Equal(c.Plan, []string{"basic"}) || slices.Contains(c.Plan, "all") {
		return oidf.Plans(), nil
	}
	var plans []oidf.Plan
	for _, name := range c.Plan {
		plan, err := oidf.FindPlan(name)
		if err != nil {
			return nil, err
		}
		plans = append(plans, plan)
	}
	return plans, nil
}

func listPlans(w io.Writer, plans []oidf.Plan) error {
	modules := oidf.Modules()
	for _, plan := range plans {
		fmt.Fprintf(w, "%s (%s)\n", plan.Short, plan.Name)
		for _, m := range plan.Modules {
			fmt.Fprintf(w, "  %s\n      %s\n", m.Module, modules[m.Module].Summary)
		}
	}
	return nil
}

// options reads the files.
func (c conformanceRun) options(p *program) (oidf.Options, error) {
	o := oidf.Options{BaseURL: c.BaseURL, Config: oidf.Config{Alias: "broker"}}
	if c.TestConfig != "" {
		f, err := os.Open(c.TestConfig)
		if err != nil {
			return o, err
		}
		defer func() { _ = f.Close() }()
		if o.Config, err = oidf.ReadConfig(f); err != nil {
			return o, fmt.Errorf("%s: %w", c.TestConfig, err)
		}
	}
	switch {
	case c.Issuer != "":
		o.Config.Server.DiscoveryURL = strings.TrimSuffix(c.Issuer, "/") + "/.well-known/openid-configuration"
	case c.TestConfig == "":
		return o, errors.New("nothing says what is tested; give --issuer URL or --test-config FILE")
	}
	if c.RotateKeys != "" {
		o.RotateKeys = c.rotateKeys
	}
	if c.CA != "" {
		b, err := os.ReadFile(c.CA)
		if err != nil {
			return o, err
		}
		if o.CAs, err = x509.SystemCertPool(); err != nil {
			o.CAs = x509.NewCertPool()
		}
		if !o.CAs.AppendCertsFromPEM(b) {
			return o, fmt.Errorf("%s has no certificate in PEM", c.CA)
		}
	}
	return o, nil
}

// rotateKeys runs the operator's command.
func (c conformanceRun) rotateKeys(ctx context.Context) error {
	said, err := exec.CommandContext(ctx, "sh", "-c", c.RotateKeys).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", c.RotateKeys, err, said)
	}
	return nil
}

// listen opens the suite's own address; nil: it has none.
func (c conformanceRun) listen() (net.Listener, error) {
	switch {
	case c.Listen == "" && c.Certificate == "" && c.Key == "":
		return nil, nil
	case c.Listen == "" || c.BaseURL == "":
		return nil, errors.New("--listen needs --base-url, the address under which the OpenID Provider reaches it, and --certificate needs --listen")
	case c.Certificate == "" && c.Key == "":
		return net.Listen("tcp", c.Listen)
	}
	pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
	if err != nil {
		return nil, fmt.Errorf("--certificate and --key: %w", err)
	}
	return tls.Listen("tcp", c.Listen, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
}

// signIn puts the steps at our own pages into a suite whose configuration has none.
func (c conformanceRun) signIn(p *program, suite *oidf.Suite) error {
	if c.User == "" {
		if len(suite.Config().Browser) == 0 {
			fmt.Fprintln(p.err, "Nobody signs in: give --user and --password-stdin, or a test configuration with the steps in the browser.")
		}
		return nil
	}
	if !c.PasswordStdin {
		return errors.New("--user needs a password: pipe it in and add --password-stdin")
	}
	line, err := bufio.NewReader(io.LimitReader(p.in, 8<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("standard input: %w", err)
	}
	password := strings.TrimRight(line, "\r\n")
	if password == "" {
		return errors.New("there is no password on standard input")
	}
	suite.SignInWith(c.User, password)
	return nil
}

// registered is the plan with the kind of clients that was asked for, or that
// the configuration has.
func (c conformanceRun) registered(plan oidf.Plan, config oidf.Config) oidf.Plan {
	switch {
	case c.Registration == "static":
		return plan.Registered(oidf.StaticClient)
	case c.Registration == "dynamic", config.Client.ID == "":
		return plan.Registered(oidf.DynamicClient)
	}
	return plan
}

func (c conformanceRun) write(p *program, r oidf.Report) (err error) {
	w := p.out
	if c.Output != "" {
		f, e := os.OpenFile(c.Output, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if e != nil {
			return e
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		w = f
	}
	switch c.Format {
	case "json":
		return r.JSON(w)
	case "html":
		return r.HTML(w)
	}
	return r.Text(w)
}
