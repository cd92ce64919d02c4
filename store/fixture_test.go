package store_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"idbroker/store"
	"idbroker/store/storetest"
)

// The fixture of a schema is a database that a program of that time wrote. It is
// never made anew once the schema is released: every later program must be able
// to take it over, so it is kept for ever, in two forms. The SQLite file is as it
// was written; the SQL file has the same rows, with the schema, for PostgreSQL.
//
//	go test ./store -run TestFixture -write-fixture
//
// writes that of the newest migration, while it is not released.
var writeFixture = flag.Bool("write-fixture", false, "write the fixture database of the newest migration")

const (
	fixtureName = "testdata/0001_first"
	sqliteForm  = fixtureName + ".sqlite"
	pgForm      = fixtureName + ".postgres.sql"
	// fixtureKeys opens the sealed columns of the fixture. It protects nothing.
	fixtureKeys = fixtureName + ".keyring"
)

// keysOfFixture reads the keyring of the fixture.
func keysOfFixture(t *testing.T) store.Keyring {
	t.Helper()
	text, err := os.ReadFile(fixtureKeys)
	ok(t, err)
	k, err := store.ParseKeyring(text)
	ok(t, err)
	return k
}

// TestFixture takes over the databases of the first schema: migrates them to the
// newest, reads every row, and goes on working with them.
func TestFixture(t *testing.T) {
	if *writeFixture {
		generate(t)
	}
	keys := keysOfFixture(t)
	t.Run("sqlite", func(t *testing.T) {
		b, err := os.ReadFile(sqliteForm)
		ok(t, err)
		path := filepath.Join(t.TempDir(), "broker.db")
		ok(t, os.WriteFile(path, b, 0o600))
		takeOver(t, "sqlite:"+path, keys)
	})
	t.Run("postgres", func(t *testing.T) {
		script, err := os.ReadFile(pgForm)
		ok(t, err)
		dsn := storetest.EmptyPostgres(t)
		_, err = storetest.Raw(t, dsn+"&default_query_exec_mode=simple_protocol").Exec(string(script))
		ok(t, err)
		takeOver(t, dsn, keys)
	})
}

// takeOver migrates a fixture and checks it.
func takeOver(t *testing.T, dsn string, keys store.Keyring) {
	t.Helper()
	ctx := context.Background()
	db := storetest.Open(t, dsn, storetest.Keys(keys))
	status, err := db.MigrateStatus(ctx)
	ok(t, err)
	if !status[0].Applied {
		t.Fatalf("%s is not a fixture of the first schema", dsn)
	}
	_, err = db.MigrateUp(ctx)
	ok(t, err)
	readFixture(t, db)
	workOn(t, db)
	_, err = db.Reseal(ctx, nil)
	ok(t, err)
}

// generate writes both forms of the fixture.
func generate(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	pg := storetest.Open(t, storetest.EmptyPostgres(t))
	plan, err := pg.MigratePlan(ctx)
	ok(t, err)
	if len(plan) != 1 {
		t.Fatal("the first schema is released: write the fixture of the newest one under another name")
	}
	keys := store.NewKeyring()
	comment := "# Opens the fixture database. It protects nothing.\n"
	ok(t, os.WriteFile(fixtureKeys, append([]byte(comment), keys.Marshal()...), 0o644)) //nolint:gosec // it protects nothing
	if err := os.Remove(sqliteForm); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	ok(t, os.WriteFile(sqliteForm, nil, 0o644)) //nolint:gosec // a public file
	db, err := store.Open(ctx, store.Options{DSN: "sqlite:" + sqliteForm, Keys: keys})
	ok(t, err)
	_, err = db.MigrateUp(ctx)
	ok(t, err)
	writeFixtureRows(t, db)
	ok(t, db.Close())

	var b strings.Builder
	b.WriteString("-- A database of the first schema, with the rows of " + filepath.Base(sqliteForm) + ". Written by fixture_test.go.\n\n")
	b.WriteString(strings.Join(plan[0].SQL, ";\n") + ";\n")
	b.WriteString("CREATE TABLE bun_migrations (id BIGSERIAL NOT NULL PRIMARY KEY, name VARCHAR, group_id BIGINT, migrated_at TIMESTAMPTZ NOT NULL DEFAULT current_timestamp);\n")
	b.WriteString("INSERT INTO bun_migrations (name, group_id) VALUES ('0001', 1);\n")
	raw := storetest.Raw(t, "sqlite:"+sqliteForm)
	rows, err := raw.Query("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'bun_migrations' AND name NOT LIKE 'sqlite%' ORDER BY rowid")
	ok(t, err)
	var tables []string
	for rows.Next() {
		var name string
		ok(t, rows.Scan(&name))
		tables = append(tables, name)
	}
	ok(t, rows.Err())
	for _, table := range tables {
		dump(t, &b, raw, table, strings.Join(plan[0].SQL, ";\n"))
	}
	ok(t, os.WriteFile(pgForm, []byte(b.String()), 0o644)) //nolint:gosec // a public file
}

// dump writes the rows of a table as PostgreSQL takes them.
func dump(t *testing.T, b *strings.Builder, raw *sql.DB, table, schema string) {
	t.Helper()
	rows, err := raw.Query("SELECT * FROM " + table)
	ok(t, err)
	cols, err := rows.Columns()
	ok(t, err)
	_, definition, _ := strings.Cut(schema, "CREATE TABLE "+table+" (")
	definition, _, _ = strings.Cut(definition, "\n)")
	for rows.Next() {
		values, dest := make([]any, len(cols)), make([]any, len(cols))
		for i := range values {
			dest[i] = &values[i]
		}
		ok(t, rows.Scan(dest...))
		var list []string
		for i, v := range values {
			_, column, _ := strings.Cut(definition, "\n    "+cols[i]+" ")
			kind := strings.Fields(column)[0]
			switch v := v.(type) {
			case int64:
				if kind == "boolean" {
					list = append(list, fmt.Sprint(v != 0))
				} else {
					list = append(list, fmt.Sprint(v))
				}
			case string:
				list = append(list, "'"+strings.ReplaceAll(v, "'", "''")+"'")
			case []byte:
				list = append(list, `'\x`+hex.EncodeToString(v)+"'")
			case nil: // modernc returns an empty blob so
				list = append(list, "''")
			default:
				t.Fatalf("%s.%s is %T", table, cols[i], v)
			}
		}
		fmt.Fprintf(b, "INSERT INTO %s (%s) VALUES (%s);\n", table, strings.Join(cols, ", "), strings.Join(list, ", "))
	}
	ok(t, rows.Err())
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
