package storetest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"idbroker/store/storetest"
)

// TestSpareSchemas: what a test did to its schema, the next one does not see.
func TestSpareSchemas(t *testing.T) {
	const events = "INSERT INTO events SELECT i::text, 0, '', '', '', '', '', '', '', '' FROM generate_series(1, %d) AS i"
	fresh := storetest.Postgres(t)
	if n := rowsOf(t, fresh); n != 0 {
		t.Fatalf("migrations leave %d rows: give them back when a schema is emptied (spare.go)", n)
	}
	for name, c := range map[string]struct {
		query string
		same  bool // the schema is given on
	}{
		"nothing":           {"SELECT 1", true},
		"rows":              {fmt.Sprintf(events, 2), true},
		"many rows":         {fmt.Sprintf(events, 10_000), false},
		"another table":     {"CREATE TABLE other (id text)", false},
		"another column":    {"ALTER TABLE users ADD COLUMN other text", false},
		"a lost constraint": {"ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE", false},
		"a lost index":      {"DROP INDEX sessions_user", false},
		"a trigger": {`CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''never''; END';
			CREATE TRIGGER never BEFORE INSERT ON users EXECUTE FUNCTION never()`, false},
		"statistics": {fmt.Sprintf(events, 2) + "; ANALYZE events", false},
	} {
		t.Run(name, func(t *testing.T) {
			var dsn string
			t.Run("changes", func(t *testing.T) {
				dsn = storetest.Postgres(t)
				exec(t, dsn, c.query)
			})
			next := storetest.Postgres(t)
			if (next == dsn) != c.same {
				t.Errorf("the next test has the same schema: %v", next == dsn)
			}
			if n := rowsOf(t, next); n != 0 {
				t.Errorf("the next test finds %d rows", n)
			}
		})
	}
}

func exec(t *testing.T, dsn, query string) {
	t.Helper()
	raw := storetest.Raw(t, dsn)
	if _, err := raw.Exec(query); err != nil {
		t.Fatal(err)
	}
}

// rowsOf counts the rows of a schema, without those that tell its migrations.
func rowsOf(t *testing.T, dsn string) int {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx) //nolint:errcheck // only read
	rows, err := conn.Query(ctx, `SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname NOT LIKE 'bun\_%'`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) == 0 {
		t.Fatal(len(tables), err)
	}
	total := 0
	for _, table := range tables {
		var n int
		if err := conn.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM %q", table)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		total += n
	}
	return total
}
