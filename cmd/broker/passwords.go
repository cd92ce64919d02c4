package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"time"

	"idbroker/broker/local"
	"idbroker/config"
	"idbroker/fetch"
)

type passwordCommands struct {
	Prepare passwordsPrepare `cmd:"" help:"Make a file of breached passwords out of the public list."`
	Check   passwordsCheck   `cmd:"" help:"Tell whether a password is in that file."`
	Status  passwordsStatus  `cmd:"" help:"Tell how the passwords of all accounts are kept, and whether an old pepper or salt may go."`
}

type passwordsPrepare struct {
	List  string `arg:"" help:"The list: lines of SHA-1, a colon and a count, as Have I Been Pwned publishes them, in any order."`
	File  string `arg:"" help:"File to make; it replaces an older one when it is complete."`
	Least int    `name:"seen" default:"1" placeholder:"N" help:"Leave out passwords that were seen less than N times."`
	output
}

// Help teaches.
func (passwordsPrepare) Help() string {
	return `Nothing is asked of the Internet: get the list yourself, for example with haveibeenpwned-downloader. The file and the memory to make it take two bytes for each password, 2 GB for the whole list; --seen 10 makes it much smaller.

	broker passwords prepare pwned-passwords-sha1.txt /var/lib/broker/breached --seen 10

Then name it in accounts.breached_passwords and restart. About one good password in a thousand is refused with the bad ones.`
}

// Run makes the file.
func (c passwordsPrepare) Run(p *program) error {
	if c.Least < 1 {
		return fmt.Errorf("--seen %d: give 1 or more", c.Least)
	}
	list, err := os.Open(c.List)
	if err != nil {
		return err
	}
	defer list.Close()
	n, err := local.PrepareBreached(list, c.File, c.Least)
	if err != nil {
		return fmt.Errorf("%s: %w", printable(c.List), err)
	}
	view := struct {
		File      string `json:"file"`
		Passwords uint64 `json:"passwords"`
	}{c.File, n}
	return c.print(p.out, view, func(w io.Writer) {
		row(w, "passwords", n)
		row(w, "file", c.File)
		fmt.Fprintf(w, "\nName it in accounts.breached_passwords, and restart the broker.\n")
	})
}

type passwordsCheck struct {
	File string `name:"in" placeholder:"FILE" help:"Prepared file; otherwise that of accounts.breached_passwords."`
}

// Help teaches.
func (passwordsCheck) Help() string {
	return `The password is read from the first line of standard input. The exit code is 0 where it is not in the file, 1 where it is.

	pass show broker/ada | broker passwords check --in /var/lib/broker/breached`
}

// Run looks a password up.
func (c passwordsCheck) Run(_ context.Context, p *program) error {
	password, err := firstLine(p.in, "password", "")
	if err != nil {
		return err
	}
	name := c.File
	if name == "" {
		cfg, err := p.load()
		if err != nil {
			return err
		}
		if name = cfg.Accounts.BreachedPasswords; name == "" {
			return errors.New("accounts.breached_passwords is not set; set it, or say --in FILE")
		}
	}
	list, err := local.OpenBreached(name)
	if err != nil {
		return err
	}
	defer list.Close()
	switch known, err := list.Contains(password); {
	case err != nil:
		return err
	case known:
		return errors.New("it is among the breached passwords: use another one")
	}
	fmt.Fprintln(p.out, "It is not among the breached passwords.")
	return nil
}

// breached opens the file that the configuration names; nil none.
func breached(cfg config.Config) (*local.Breached, error) {
	if cfg.Accounts.BreachedPasswords == "" {
		return nil, nil
	}
	b, err := local.OpenBreached(cfg.Accounts.BreachedPasswords)
	if err != nil {
		const path, fix = "accounts.breached_passwords", "make one with \"broker passwords prepare\", or remove the setting"
		var pe *fs.PathError
		if errors.As(err, &pe) {
			return nil, config.Unreadable(path, cfg.Accounts.BreachedPasswords, err, fix)
		}
		return nil, config.Problem{Path: path, What: err.Error()}
	}
	return b, nil
}

const (
	// rangeTimeout is short: somebody waits for their new password.
	rangeTimeout = 3 * time.Second
	// rangeAge is how long an answer serves: who is told that a password has leaked tries
	// the next one, or the same again. Leaks become known in weeks.
	rangeAge = 10 * time.Minute
	// rangesKept bounds the memory: an answer takes 40 KiB.
	rangesKept = 64
)

// ranges asks the range service that the configuration names; nil: nobody.
func ranges(cfg config.Config, base string, counted *counters) func(context.Context, string) ([]byte, error) {
	service := cfg.Accounts.BreachedRangeURL
	if service == "" {
		return nil
	}
	o := reach(cfg, base)
	o.Timeout, o.Kept, o.Accept = rangeTimeout, rangesKept, "text/plain"
	o.Header = http.Header{"Add-Padding": {"true"}} // or the length of the answer would tell the prefix
	client := fetch.New(o)
	return func(ctx context.Context, prefix string) ([]byte, error) {
		answer, err := client.Get(ctx, service+prefix, rangeAge)
		if counted != nil {
			counted.add("broker_breached_range_requests_total", "outcome", map[bool]string{true: "answered", false: "failed"}[err == nil])
		}
		return answer, err
	}
}
