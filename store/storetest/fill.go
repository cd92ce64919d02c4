package storetest

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
)

// firstRow is the number of the first row that Fill writes: with numbers of one
// length texts are in order, which spares indexes much work.
const firstRow = 1_000_001

// Fill writes n rows into each of the tables, whatever columns they have by now,
// and lets the database look at them (ANALYZE). A value is made of the
// number of its row, i: a text is its column's name and i, a number 1, a truth
// FALSE, bytes none; set names columns that hold another SQL expression.
func Fill(t testing.TB, dsn string, n int, set map[string]string, tables ...string) {
	t.Helper()
	raw := Raw(t, dsn)
	raw.SetMaxOpenConns(1)
	quick := []string{"PRAGMA synchronous = OFF", "PRAGMA cache_size = -100000"}
	if !strings.HasPrefix(dsn, "sqlite:") {
		quick = []string{"SET synchronous_commit = off", "SET session_replication_role = replica"} // the latter spares foreign keys
	}
	for _, q := range quick {
		if _, err := raw.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range tables {
		var names, values []string
		for _, c := range columnsOf(t, raw, table) {
			value, ok := set[c.Name()]
			switch kind := strings.ToUpper(c.DatabaseTypeName()); {
			case ok:
			case strings.HasPrefix(kind, "INT"), strings.HasPrefix(kind, "BIGINT"):
				value = "1"
			case strings.HasPrefix(kind, "BOOL"):
				value = "FALSE"
			case kind == "BYTEA":
				value = `'\x'`
			case kind == "BLOB":
				value = "x''"
			default:
				value = "'" + c.Name() + "' || i"
			}
			names, values = append(names, c.Name()), append(values, value)
		}
		if _, err := raw.Exec(fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO %s (%s) SELECT %s FROM n",
			firstRow, firstRow+n-1, table, strings.Join(names, ", "), strings.Join(values, ", "))); err != nil {
			t.Fatalf("fill %s: %v", table, err)
		}
	}
	if _, err := raw.Exec("ANALYZE"); err != nil {
		t.Fatal(err)
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
}

func columnsOf(t testing.TB, raw *sql.DB, table string) []*sql.ColumnType {
	t.Helper()
	rows, err := raw.Query("SELECT * FROM " + table + " LIMIT 0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.ColumnTypes()
	if err == nil {
		err = rows.Err()
	}
	if err != nil {
		t.Fatal(err)
	}
	return columns
}
