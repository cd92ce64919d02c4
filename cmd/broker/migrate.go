package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"idbroker/store"
)

type migrateCommands struct {
	Status migrateStatus `cmd:"" help:"List the migrations and which are applied."`
	Plan   migratePlan   `cmd:"" help:"Show the statements that up would run."`
	Up     migrateUp     `cmd:"" help:"Apply what is missing."`
	Down   migrateDown   `cmd:"" help:"Take back the newest migrations."`
}

// bare opens the database as it is: migrations need no keys.
func (p *program) bare(ctx context.Context) (*store.DB, error) {
	cfg, err := p.load()
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Options{DSN: cfg.Database.DSN.Reveal()})
	if err != nil {
		return nil, notOpened(err)
	}
	return db, nil
}

type migrationView struct {
	Name    string    `json:"name"`
	Applied bool      `json:"applied"`
	At      time.Time `json:"at,omitzero"`
	SQL     []string  `json:"sql,omitempty"`
}

func viewMigrations(all []store.Migration, statements bool) []migrationView {
	views := make([]migrationView, 0, len(all))
	for _, m := range all {
		v := migrationView{Name: m.Name, Applied: m.Applied, At: m.At}
		if statements {
			v.SQL = m.SQL
		}
		views = append(views, v)
	}
	return views
}

type migrateStatus struct{ output }

// Run lists the migrations.
func (c migrateStatus) Run(ctx context.Context, p *program) error {
	db, err := p.bare(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	all, err := db.MigrateStatus(ctx)
	if err != nil {
		return err
	}
	return c.print(p.out, viewMigrations(all, false), func(w io.Writer) {
		row(w, "MIGRATION", "APPLIED", "AT")
		for _, m := range all {
			row(w, m.Name, yesNo(m.Applied), m.At)
		}
	})
}

type migratePlan struct{ output }

// Run shows what up would do.
func (c migratePlan) Run(ctx context.Context, p *program) error {
	db, err := p.bare(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	plan, err := db.MigratePlan(ctx)
	if err != nil {
		return err
	}
	return c.print(p.out, viewMigrations(plan, true), func(w io.Writer) {
		if len(plan) == 0 {
			fmt.Fprintln(w, "-- The schema is up to date.")
		}
		for _, m := range plan {
			fmt.Fprintf(w, "-- %s\n", m.Name)
			for _, s := range m.SQL {
				fmt.Fprintf(w, "%s;\n", s)
			}
		}
	})
}

type migrateUp struct{ output }

// Help teaches.
func (migrateUp) Help() string {
	return `Each migration is one transaction: it is applied as a whole or not at all. A running broker of the previous version goes on working while and after it runs.

	broker migrate plan      # read first what it will do
	broker migrate up
	broker serve`
}

// Run migrates.
func (c migrateUp) Run(ctx context.Context, p *program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	if _, _, err := keyring(ctx, cfg); err != nil { // while the database is still empty
		return err
	}
	db, err := p.bare(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	names, err := db.MigrateUp(ctx)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		if found, err := anyDoubled(ctx, db); err != nil {
			return err
		} else if found {
			fmt.Fprintln(p.err, someDoubled)
		}
	}
	return printMigrated(c.output, p, "applied", names)
}

type migrateDown struct {
	Steps int  `default:"1" help:"How many migrations to take back."`
	Yes   bool `help:"Do it: what only the newer schema can hold is lost."`
	output
}

// Run takes migrations back.
func (c migrateDown) Run(ctx context.Context, p *program) error {
	if c.Steps < 1 {
		return fmt.Errorf("--steps %d: give a number of at least 1", c.Steps)
	}
	if !c.Yes {
		return fmt.Errorf("taking %d migration(s) back can lose data; make a backup, then run it again with --yes", c.Steps)
	}
	db, err := p.bare(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	names, err := db.MigrateDown(ctx, c.Steps)
	if err != nil {
		return err
	}
	return printMigrated(c.output, p, "taken back", names)
}

func printMigrated(o output, p *program, what string, names []string) error {
	if names == nil {
		names = []string{}
	}
	return o.print(p.out, names, func(w io.Writer) {
		if len(names) == 0 {
			fmt.Fprintln(w, "There was nothing to do.")
		}
		for _, n := range names {
			fmt.Fprintf(w, "%s: %s\n", what, n)
		}
	})
}
