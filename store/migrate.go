package store

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"
)

// The schema changes in numbered steps: migrations/0001_name.up.sql and
// .down.sql, templates in which only the names of types differ between the
// databases. A released step is never edited. Each runs in one transaction,
// together with the line that records it, so that it is there whole or not at
// all; bun/migrate orders them and models the record.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrationTable is where bun/migrate looks for what was applied.
const migrationTable = "bun_migrations"

// migrationLock is the advisory lock of PostgreSQL under which replicas that
// start together migrate one after another ("idbroker" in ASCII).
const migrationLock = 0x6964_6272_6f6b_6572

// Migration is a step of the schema.
type Migration struct {
	Name    string // "0001_first"
	Applied bool
	At      time.Time // when it was applied; zero: not yet
	SQL     []string  // the statements of the way up, as this database gets them
}

// step is a migration of ours.
type step struct {
	migrate.Migration
	up, down []string // statements, once they are read
}

// name is the name with the comment.
func (s step) name() string { return s.Name + "_" + s.Comment }

// steps lists the migrations that the program knows, in order. Their statements are left
// out: a start seldom runs one.
func (f flavour) steps() ([]step, error) {
	files, err := fs.Glob(migrationFiles, "migrations/*.up.sql")
	if err != nil {
		return nil, err
	}
	registry, byName := migrate.NewMigrations(), map[string]step{}
	for _, file := range files {
		base := strings.TrimSuffix(strings.TrimPrefix(file, "migrations/"), ".up.sql")
		number, comment, _ := strings.Cut(base, "_")
		s := step{Migration: migrate.Migration{Name: number, Comment: comment}}
		registry.Add(s.Migration)
		byName[number] = s
	}
	var list []step
	for _, m := range registry.Sorted() {
		list = append(list, byName[m.Name])
	}
	return list, nil
}

// read reads the statements of a step.
func (f flavour) read(s *step) (err error) {
	if s.up, err = f.statements("migrations/" + s.name() + ".up.sql"); err != nil {
		return err
	}
	s.down, err = f.statements("migrations/" + s.name() + ".down.sql")
	return err
}

// statements renders a file for the database and splits it at the semicolons
// that end a line.
func (f flavour) statements(file string) ([]string, error) {
	text, err := migrationFiles.ReadFile(file)
	if err != nil {
		return nil, err
	}
	t, err := template.New(file).Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, f.types()); err != nil {
		return nil, err
	}
	var list []string
	for s := range strings.SplitSeq(b.String(), ";\n") {
		var lines []string
		for line := range strings.SplitSeq(s, "\n") {
			if line = strings.TrimRight(line, " "); line != "" && !strings.HasPrefix(line, "--") {
				lines = append(lines, line)
			}
		}
		if len(lines) > 0 {
			list = append(list, strings.Join(lines, "\n"))
		}
	}
	return list, nil
}

// types are what the migrations call types and kinds of tables.
func (f flavour) types() map[string]string {
	if f == flavourPostgres {
		return map[string]string{
			"Text": `text COLLATE "C"`, "Int": "bigint", "Bool": "boolean", "Bytes": "bytea", "NoBytes": `'\x'`,
			"Cold": "", "Hot": " WITH (fillfactor = 80)",
		}
	}
	return map[string]string{
		"Text": "TEXT", "Int": "INTEGER", "Bool": "INTEGER", "Bytes": "BLOB", "NoBytes": "X''",
		"Cold": " STRICT", "Hot": " STRICT",
	}
}

// applied reads what was applied, by number; none where the table is missing.
func applied(ctx context.Context, on bun.IDB) (map[string]migrate.Migration, error) {
	var rows []migrate.Migration
	if err := on.NewSelect().Model(&rows).ModelTableExpr(migrationTable+" AS migration").Column("id", "name", "group_id", "migrated_at").Scan(ctx); err != nil {
		if noTable(err) {
			return nil, nil
		}
		return nil, err
	}
	m := make(map[string]migrate.Migration, len(rows))
	for _, r := range rows {
		m[r.Name] = r
	}
	return m, nil
}

// errNewer: the database was migrated by a newer program.
var errNewer = errors.New("the database has migrations that this program does not know; use the program that made them, or a newer one")

// schemaKnown refuses a database with a migration that the program does not know. It
// is one query.
func (db *DB) schemaKnown(ctx context.Context) error {
	done, err := applied(ctx, db.write.bun)
	if err != nil {
		return db.failed("read migrations", err)
	}
	_, err = db.flavour.unknown(done)
	return err
}

// unknown returns the steps that the program knows, or errNewer.
func (f flavour) unknown(done map[string]migrate.Migration) ([]step, error) {
	steps, err := f.steps()
	if err != nil {
		return nil, err
	}
	for name := range done {
		if !slices.ContainsFunc(steps, func(s step) bool { return s.Name == name }) {
			return nil, fmt.Errorf("migration %s: %w", name, errNewer)
		}
	}
	return steps, nil
}
