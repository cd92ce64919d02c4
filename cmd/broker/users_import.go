package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"idbroker/broker/local"
)

// importBatch is how many accounts are written at once: few enough that other
// writers of an SQLite database wait for a moment only.
const importBatch = 200

type usersImport struct {
	File       string `arg:"" help:"CSV with a header, or JSON Lines; - is standard input."`
	DryRun     bool   `help:"Check everything, write nothing."`
	DoubleHash bool   `help:"Password hashes are of HMAC-SHA512(accounts.invenio_password_salt, password), as Invenio and Flask-Security make them, but those that begin with $$invenio-aes$$."`
	output
}

// Help teaches.
func (usersImport) Help() string {
	return `Columns of the CSV, or members of each line's JSON object; only email is needed:

	email           the address
	email_verified  true: its person has proven there that they read its mail. Otherwise
	                the account goes to whoever does so here ("lost password")
	name, username, locale
	password_hash   argon2id, bcrypt, scrypt, pbkdf2-sha256 or -sha512, sha256-crypt, sha512-crypt,
	                $invenio-aes$; replaced by ours at the first sign-in
	double_hash     true: as --double-hash, for this account
	created_at      2024-01-31T12:00:00Z, or 2024-01-31 12:00:00 for UTC
	confirmed_at    when they proved it, which says email_verified, too
	verified_at     since when an operator there vouched for the person
	blocked_at      since when an operator there kept them out; blocked_reason is shown
	                to who proves a credential of the account
	active          false: it does not open; disabled, true, says the same. The proof of the
	                address, the word for the person and the block are facts of their own
	identities      [{"provider": "orcid", "subject": "0000-0001-2345-6789"}], also in CSV

The whole file is checked first, and each problem told with its line; nothing is written while there is one. Accounts whose address is there already stay as they are, so the command can be run again after it was interrupted. Administrators are not imported.

	broker users import users.csv --dry-run
	psql -At -f export.sql invenio | broker users import - --double-hash

docs/migration.md has the exports of Invenio and Flask-Security.`
}

// importView is what an import came to.
type importView struct {
	Accounts   int  `json:"accounts"`
	New        int  `json:"new"`
	Known      int  `json:"known"`
	Identities int  `json:"identities"` // of all accounts
	Written    int  `json:"written"`
	DryRun     bool `json:"dry_run"`
}

// Run imports.
func (c usersImport) Run(ctx context.Context, p *program) error {
	f, err := c.open(p)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	v, err := c.check(ctx, p, r, f)
	if err != nil {
		return err
	}
	if v.DryRun = c.DryRun; !c.DryRun {
		if v.Written, err = c.write(ctx, p, r, f); err != nil {
			return fmt.Errorf("%d accounts are written and stay; mend this and run the command again: %w", v.Written, err)
		}
	}
	return c.print(p.out, v, func(w io.Writer) {
		row(w, "accounts", v.Accounts)
		row(w, "there already", v.Known)
		row(w, "new", v.New)
		row(w, "identities", v.Identities)
		if c.DryRun {
			fmt.Fprintf(w, "\nEverything is in order. Nothing was written: leave --dry-run out to import.\n")
			return
		}
		row(w, "written", v.Written)
	})
}

// open opens the file so that it can be read twice. Standard input is kept in a
// file without a name meanwhile.
func (c usersImport) open(p *program) (*os.File, error) {
	if c.File != "-" {
		return os.Open(c.File)
	}
	f, err := os.CreateTemp("", "broker-import-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if _, err := io.Copy(f, p.in); err != nil {
		return nil, errors.Join(fmt.Errorf("standard input: %w", err), f.Close())
	}
	return f, nil
}

// check reads the whole file and tells every problem as it is found.
func (c usersImport) check(ctx context.Context, p *program, r *rooms, f *os.File) (importView, error) {
	var v importView
	problems, i := 0, r.accounts.Import()
	complain := func(line int, fields map[string]error) {
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			problems++
			fmt.Fprintf(p.err, "line %d: %s: %s\n", line, field, oneLine(strings.TrimSuffix(words(fields[field]), ".")))
		}
	}
	err := eachImported(f, c.DoubleHash, complain, func(line int, n local.Imported) error {
		v.Accounts++
		v.Identities += len(n.Identities)
		known, err := i.Check(ctx, n)
		var bad *local.ImportError
		switch {
		case errors.As(err, &bad):
			complain(line, bad.Fields)
		case err != nil:
			return fmt.Errorf("line %d: %w", line, err)
		case known:
			v.Known++
		default:
			v.New++
		}
		return nil
	})
	switch {
	case err != nil:
		return v, err
	case problems > 0:
		return v, fmt.Errorf("%s; nothing was written", howMany(problems, "problem"))
	case v.Accounts == 0:
		return v, fmt.Errorf("%s holds no account; see: broker users import --help", printable(c.File))
	}
	return v, nil
}

// write imports a file that is in order.
func (c usersImport) write(ctx context.Context, p *program, r *rooms, f *os.File) (written int, err error) {
	i := r.accounts.Import()
	batch := make([]local.Imported, 0, importBatch)
	flush := func() error {
		n, err := i.Write(ctx, batch)
		written, batch = written+n, batch[:0]
		return err
	}
	changed := func(line int, fields map[string]error) {
		err = errors.Join(err, fmt.Errorf("line %d: the file has changed meanwhile", line))
	}
	if e := eachImported(f, c.DoubleHash, changed, func(_ int, n local.Imported) error {
		if batch = append(batch, n); len(batch) < importBatch {
			return nil
		}
		return flush()
	}); e != nil || err != nil {
		return written, errors.Join(err, e)
	}
	return written, flush()
}
