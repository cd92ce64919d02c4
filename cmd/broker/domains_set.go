package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"idbroker/broker"
	"idbroker/broker/local"
)

const (
	// maxImported bounds the domains of a file: the longest list of disposable domains
	// that we know has a tenth of it.
	maxImported = 1_000_000
	// maxComplaints is how many bad lines of a file are told.
	maxComplaints = 20
	// maxFlag bounds who flagged a domain, in code points: a name, not a story.
	maxFlag = 100
)

type domainsSet struct {
	Domain string  `arg:"" help:"Domain, such as example.org."`
	Status string  `arg:"" enum:"new,moderated,verified,blocked" help:"new, moderated, verified or blocked."`
	Flag   *string `placeholder:"WHO" help:"Note who thinks that it is a bad one; it decides nothing. An empty text removes the note."`
	Force  bool    `help:"Verify a domain under which strangers can register theirs (co.uk, github.io)."`
	output
}

// Run decides about a domain.
func (c domainsSet) Run(ctx context.Context, p *program) error {
	name, err := domainName(c.Domain)
	if err != nil {
		return err
	}
	if err := mayDecide(name, broker.DomainStatus(c.Status), c.Force); err != nil {
		return err
	}
	if c.Flag != nil {
		if *c.Flag, err = flagOf(*c.Flag, "--flag"); err != nil {
			return err
		}
	}
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	if _, err := r.accounts.SetDomain(ctx, name, broker.DomainStatus(c.Status), c.Flag); err != nil {
		return err
	}
	v, err := r.showDomain(ctx, name)
	if err != nil {
		return err
	}
	return c.print(p.out, v, func(w io.Writer) {
		v.text(w)
		if n := v.Below.Users - v.Below.Blocked; v.Holds == broker.DomainBlocked && n > 0 {
			fmt.Fprintf(w, "\nAccounts from there go on: %d. To block them, too: broker domains block %s --accounts\n", n, name)
		}
	})
}

// mayDecide keeps an operator from vouching for strangers by mistake.
func mayDecide(name string, status broker.DomainStatus, force bool) error {
	if status == broker.DomainVerified && !force && local.IsPublicSuffix(name) {
		return fmt.Errorf("anybody can register a domain under %s (publicsuffix.org): all of them would be verified; name the domain that you mean, or add --force", name)
	}
	return nil
}

func flagOf(typed, option string) (string, error) {
	who, ok := broker.CleanReason(typed)
	if !ok || len([]rune(who)) > maxFlag {
		return "", fmt.Errorf("%s: give at most %d printable characters", option, maxFlag)
	}
	return who, nil
}

type domainsBlock struct {
	Domain   string `arg:"" help:"Domain, such as example.org."`
	Accounts bool   `help:"Block the accounts of its people, too: sessions and tokens end at once."`
	Reason   string `help:"Why, for those accounts, as with \"broker users block\"."`
	DryRun   bool   `help:"Say how many accounts that is, and change nothing."`
	Yes      bool   `help:"Really, with --accounts."`
	output
}

// Help teaches.
func (domainsBlock) Help() string {
	return `A blocked domain keeps newcomers out, and its sub-domains with it. Who has an account already keeps it, unless you say --accounts; accounts of sub-domains about which something else is decided are left alone.

	broker domains block evil.example --accounts --dry-run
	broker domains block evil.example --accounts --yes --reason "This domain hands out throw-away addresses."`
}

type domainBlocked struct {
	Domain   string `json:"domain"`
	Was      string `json:"domain_was"` // what held for it before
	Blocked  bool   `json:"blocked"`
	Accounts int    `json:"accounts"` // found that are not blocked yet
	Done     int    `json:"accounts_blocked"`
	DryRun   bool   `json:"dry_run,omitempty"` // nothing was changed
}

func (v domainBlocked) text(w io.Writer, accounts bool) {
	row(w, "domain", v.Domain)
	row(w, "until now", v.Was)
	switch {
	case !v.DryRun:
		row(w, "blocked", yesNo(v.Blocked))
		if accounts {
			row(w, "accounts", v.Accounts)
			row(w, "accounts blocked", v.Done)
		}
	case accounts:
		row(w, "would be blocked", "the domain and "+howMany(v.Accounts, "account"))
		fmt.Fprint(w, "\nNothing was changed. To do it: --yes instead of --dry-run.\n")
	default:
		row(w, "would be blocked", "the domain")
		row(w, "would go on", howMany(v.Accounts, "account"))
		fmt.Fprint(w, "\nNothing was changed. To do it: leave --dry-run out. To block the accounts, too: add --accounts.\n")
	}
}

// Run blocks a domain.
func (c domainsBlock) Run(ctx context.Context, p *program) error {
	name, err := domainName(c.Domain)
	if err != nil {
		return err
	}
	reason, ok := broker.CleanReason(c.Reason)
	if !ok {
		return fmt.Errorf("--reason: give a line of at most %d printable characters", broker.MaxReason)
	}
	if reason != "" && !c.Accounts {
		return errors.New("--reason is for accounts: add --accounts, or leave it out")
	}
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	v := domainBlocked{Domain: name}
	before, err := r.showDomain(ctx, name)
	if err != nil {
		return err
	}
	v.Was = string(before.Holds)
	var people []broker.UserID
	if c.Accounts || c.DryRun {
		if people, err = r.accounts.PeopleOf(ctx, name); err != nil {
			return err
		}
		v.Accounts = len(people)
	}
	if c.Accounts && !c.DryRun && !c.Yes {
		return fmt.Errorf("this blocks %s and %s; add --yes, or look first with --dry-run", name, howMany(v.Accounts, "account"))
	}
	v.DryRun = c.DryRun
	if !c.DryRun {
		if _, err := r.accounts.SetDomain(ctx, name, broker.DomainBlocked, nil); err != nil {
			return err
		}
		v.Blocked = true
	}
	if v.Blocked && c.Accounts {
		if people, err = r.accounts.PeopleOf(ctx, name); err != nil { // whoever came until it was blocked
			return err
		}
		v.Accounts = len(people)
		for _, id := range people {
			switch err := r.accounts.SetState(ctx, id, broker.OpBlock, reason); {
			case errors.Is(err, broker.ErrNotFound): // deleted meanwhile
			case err != nil:
				return fmt.Errorf("%d of %d accounts are blocked; run it again: %w", v.Done, v.Accounts, err)
			default:
				v.Done++
			}
		}
	}
	return c.print(p.out, v, func(w io.Writer) { v.text(w, c.Accounts) })
}

type domainsImport struct {
	File   string `arg:"" help:"One domain a line; # begins a comment; a leading @, . or *. is left away. - is standard input."`
	Status string `enum:"moderated,verified,blocked" default:"blocked" placeholder:"STATUS" help:"moderated, verified or blocked."`
	Source string `required:"" placeholder:"NAME" help:"Name of the list: its domains are flagged by it."`
	DryRun bool   `help:"Read the file and change nothing."`
	Force  bool   `help:"As with \"broker domains set\"."`
	output
}

// Help teaches.
func (domainsImport) Help() string {
	return `Nothing is asked of the Internet: get a list yourself. Where a line is bad nothing is imported. Domains about which something is decided already are left alone.

	broker domains import disposable_email_blocklist.conf --source "disposable domains, 2026-11"`
}

// Run imports a file.
func (c domainsImport) Run(ctx context.Context, p *program) error {
	source, err := flagOf(c.Source, "--source")
	if err != nil {
		return err
	}
	if source == "" {
		return errors.New("--source: give the list a name")
	}
	in := p.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	names, err := readDomains(in, func(name string) error { return mayDecide(name, broker.DomainStatus(c.Status), c.Force) })
	if err != nil {
		return fmt.Errorf("%s: %w", printable(c.File), err)
	}
	v := struct {
		Domains  int `json:"domains"`
		Imported int `json:"imported"`
	}{Domains: len(names)}
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	if !c.DryRun {
		if v.Imported, err = r.accounts.ImportDomains(ctx, names, broker.DomainStatus(c.Status), source); err != nil {
			return fmt.Errorf("%d of %d domains are imported; run it again: %w", v.Imported, v.Domains, err)
		}
	}
	return c.print(p.out, v, func(w io.Writer) {
		row(w, "domains in the file", v.Domains)
		row(w, "imported", v.Imported)
		if !c.DryRun {
			row(w, "decided before", v.Domains-v.Imported)
		}
	})
}

// readDomains reads a list of domains, each once, in their order. All bad lines are
// told at once, as far as somebody would read them.
func readDomains(in io.Reader, may func(name string) error) ([]string, error) {
	var names, bad []string
	known := map[string]bool{}
	lines := bufio.NewScanner(in)
	n := 0
	for n = 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		text = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(text), "@"), "*"), ".")
		if text == "" {
			continue
		}
		name, err := domainName(text)
		if err == nil {
			err = may(name)
		}
		switch {
		case err != nil:
			bad = append(bad, fmt.Sprintf("line %d: %v", n, err))
		case !known[name]:
			known[name] = true
			names = append(names, name)
		}
		if len(names) > maxImported {
			return nil, fmt.Errorf("line %d: there are more than %d domains; split the file", n, maxImported)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("line %d: it is too long for a domain", n)
	} else if err != nil {
		return nil, err
	}
	if more := len(bad) - maxComplaints; more > 0 {
		bad = append(slices.Clip(bad[:maxComplaints]), fmt.Sprintf("and %d more lines", more))
	}
	if len(bad) > 0 {
		return nil, errors.New("nothing is imported; " + strings.Join(bad, "; "))
	}
	if len(names) == 0 {
		return nil, errors.New("there is no domain in it")
	}
	return names, nil
}
