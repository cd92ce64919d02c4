package store

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestReleasedMigrationsStand: the fixtures hold the schema as it was released,
// so an edited migration is seen.
func TestReleasedMigrationsStand(t *testing.T) {
	b, err := os.ReadFile("testdata/0001_first.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "fixture.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it is a copy
	rows, err := db.Query("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name <> 'bun_migrations' AND name <> 'sqlite_sequence' ORDER BY rowid")
	if err != nil {
		t.Fatal(err)
	}
	var released []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		released = append(released, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if got := first(t, flavourSQLite); !slices.Equal(got, released) {
		t.Errorf("0001_first is not what the SQLite fixture was made with:\n%s\n---\n%s", strings.Join(got, "\n"), strings.Join(released, "\n"))
	}
	script, err := os.ReadFile("testdata/0001_first.postgres.sql")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(script), strings.Join(first(t, flavourPostgres), ";\n")+";\n") {
		t.Error("0001_first is not what the PostgreSQL fixture was made with")
	}
}

// first is the first migration as a database gets it.
func first(t *testing.T, f flavour) []string {
	t.Helper()
	return whole(t, f)[0].up
}

// whole are all migrations with their statements.
func whole(t *testing.T, f flavour) []step {
	t.Helper()
	steps, err := f.steps()
	if err != nil {
		t.Fatal(err)
	}
	for i := range steps {
		if err := f.read(&steps[i]); err != nil {
			t.Fatal(err)
		}
	}
	return steps
}

// TestStepsDifferInTypesOnly: the two databases get the same statements but for
// the names of types and the kinds of tables, and what stands around the statement
// of a trigger.
func TestStepsDifferInTypesOnly(t *testing.T) {
	lite, pg := whole(t, flavourSQLite), whole(t, flavourPostgres)
	plain := strings.NewReplacer(`text COLLATE "C"`, "TEXT", "bigint", "INTEGER", "boolean", "INTEGER", "bytea", "BLOB", " WITH (fillfactor = 80)", "", " STRICT", "", `'\x'`, "X''")
	for i := range lite {
		if lite[i].name() != pg[i].name() || len(lite[i].down) == 0 {
			t.Errorf("%s beside %s, %d statements down", lite[i].name(), pg[i].name(), len(lite[i].down))
		}
		for j := range lite[i].up {
			if got, want := triggered(plain.Replace(pg[i].up[j])), triggered(plain.Replace(lite[i].up[j])); got != want {
				t.Errorf("%s differs:\n%s\n%s", lite[i].name(), got, want)
			}
		}
	}
}

// triggered is the statement that a trigger or its function runs; any other
// statement is itself.
func triggered(statement string) string {
	if !strings.HasPrefix(statement, "CREATE TRIGGER") && !strings.HasPrefix(statement, "CREATE FUNCTION") {
		return statement
	}
	_, body, _ := strings.Cut(statement, " BEGIN\n")
	body, _, _ = strings.Cut(body, ";")
	return body
}

// TestSealedTables: what the schema calls sealed is what Reseal knows.
func TestSealedTables(t *testing.T) {
	var schema, known []string
	table := regexp.MustCompile(`^(?:CREATE|ALTER) TABLE (\w+)`)
	for _, s := range whole(t, flavourSQLite) {
		for _, q := range s.up {
			m := table.FindStringSubmatch(q)
			if m == nil {
				continue
			}
			for _, c := range regexp.MustCompile(`(?m)^(?: +|ALTER .* COLUMN )(\w+) .*(?:-- sealed|/\* sealed \*/)$`).FindAllStringSubmatch(q, -1) {
				schema = append(schema, m[1]+"."+c[1])
			}
		}
	}
	for _, s := range sealedTables() {
		for _, c := range s.columns {
			known = append(known, s.name+"."+c)
		}
	}
	slices.Sort(schema)
	slices.Sort(known)
	if len(schema) == 0 || !slices.Equal(schema, known) {
		t.Errorf("the schema seals %v, Reseal knows %v", schema, known)
	}
}
