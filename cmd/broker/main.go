// Command broker is the identity broker: people sign in with what they have,
// applications get one account a person. This package wires the rooms and
// holds the operator's commands; it decides nothing about accounts or tokens.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // of the times on pages, where the system has no zones

	"github.com/alecthomas/kong"

	"idbroker/conformance/oidf"
)

func main() {
	p := &program{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ()}
	os.Exit(p.run(os.Args[1:]))
}

// program is what a command knows of the outside.
type program struct {
	in       io.Reader
	out, err io.Writer
	environ  []string // as os.Environ gives it
	config   string   // --config; "" none
}

// commands is the tree of commands.
type commands struct {
	File string `name:"config" short:"c" placeholder:"FILE" help:"Configuration file. Otherwise $$BROKER_CONFIG, or broker.yaml in the working directory if there is one."`

	Serve       serveCommand        `cmd:"" help:"Run the broker."`
	Users       userCommands        `cmd:"" help:"Create, list, verify, block and disable accounts."`
	Domains     domainCommands      `cmd:"" help:"Decide about the e-mail domains that people come from."`
	Passwords   passwordCommands    `cmd:"" help:"Prepare and ask the file of breached passwords."`
	Clients     clientCommands      `cmd:"" help:"Register applications and rotate their secrets."`
	Providers   providerCommands    `cmd:"" help:"List, try and explain the remote apps that people sign in with."`
	Keys        keyCommands         `cmd:"" help:"List and rotate signing keys; make a keyring."`
	Mail        mailCommands        `cmd:"" aliases:"mails" help:"Try the mail server; see which mails did not leave, and send or drop them."`
	Templates   templateCommands    `cmd:"" help:"Take out pages, mails and texts to change them, and check what was changed."`
	Logouts     logoutCommands      `cmd:"" help:"See which applications could not be told of sign-outs, and tell them again."`
	Revocations revocationCommands  `cmd:"" help:"See which tokens at providers could not be ended, and ask again."`
	Secrets     secretCommands      `cmd:"" help:"Change the key that seals what the database holds."`
	Redis       redisCommands       `cmd:"" help:"Try the Redis that sessions are in."`
	Migrate     migrateCommands     `cmd:"" help:"Bring the database schema up to date, or back."`
	Settings    configCommands      `cmd:"" name:"config" help:"Check, print and explain the configuration."`
	Healthcheck healthcheckCommand  `cmd:"" help:"Tell whether a running broker is ready."`
	Conformance conformanceCommands `cmd:"" help:"Test an OpenID Provider against the specifications."`
	Version     versionCommand      `cmd:"" help:"Print the version."`
}

const description = `An identity broker: people sign in with GitHub, ORCID, CERN, Globus or any OpenID Provider, and applications get one account a person.

	broker serve --demo                      # try it, offline
	broker serve                             # run it: nothing else is needed, it prints what to do next
	broker config example > broker.yaml      # shape it`

// exit is what a --help leaves with.
type exit int

// run runs one command and returns its exit code: 0, or 1 (another, where the
// command has more to tell) with what to do on standard error.
func (p *program) run(args []string) (code int) {
	var c commands
	parser, err := kong.New(&c,
		kong.Name("broker"), kong.Description(description), kong.UsageOnError(),
		kong.Vars{"base_url": oidf.DefaultBaseURL},
		kong.Writers(p.out, p.err), kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, NoExpandSubcommands: false}),
	)
	if err != nil {
		return p.fail(err)
	}
	defer func() {
		switch x := recover().(type) {
		case nil:
		case exit:
			code = int(x)
		default:
			panic(x)
		}
	}()
	ctx, err := parser.Parse(args)
	if err != nil {
		return p.fail(usage(err))
	}
	p.config = c.File
	background, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(background, stop) // a second signal ends the process
	if err := p.command(ctx.Selected())(background); err != nil {
		return p.fail(err)
	}
	return 0
}

// command is what a node of the tree does. The library would run it, too, and keep the
// description of all commands meanwhile, half a megabyte.
func (p *program) command(n *kong.Node) func(context.Context) error {
	if n != nil {
		switch c := n.Target.Addr().Interface().(type) {
		case interface {
			Run(context.Context, *program) error
		}:
			return func(ctx context.Context) error { return c.Run(ctx, p) }
		case interface{ Run(*program) error }:
			return func(context.Context) error { return c.Run(p) }
		}
	}
	return func(context.Context) error { return errors.New("no such command; see broker --help") }
}

// usage turns a parser's complaint into what to do.
func usage(err error) error {
	where := "broker --help"
	var pe *kong.ParseError
	if errors.As(err, &pe) && pe.Context != nil && pe.Context.Command() != "" {
		var words []string
		for _, w := range strings.Fields(pe.Context.Command()) {
			if !strings.HasPrefix(w, "<") && !strings.HasPrefix(w, "[") {
				words = append(words, w)
			}
		}
		where = "broker " + strings.Join(words, " ") + " --help"
	}
	return fmt.Errorf("%s; see %s", strings.TrimSuffix(err.Error(), "?"), where)
}

// fail writes what went wrong, once, and returns the exit code: 1, or what the
// error says.
func (p *program) fail(err error) int {
	fmt.Fprintln(p.err, "broker: "+say(err))
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return 1
}
