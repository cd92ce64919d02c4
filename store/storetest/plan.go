package storetest

import (
	"context"
	"database/sql"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Scans asks the database of dsn how it would run a statement, and returns the
// steps that read a whole table or index. A statement may have placeholders; what
// is asked for then is the plan for any values.
func Scans(t testing.TB, raw *sql.DB, dsn, statement string) []string {
	t.Helper()
	if strings.HasPrefix(dsn, "sqlite:") {
		// Bound, as the store does: a literal would let SQLite prove from it what a
		// partial index asks for.
		bound := make([]any, strings.Count(statement, "?"))
		for i := range bound {
			bound[i] = "x"
		}
		return scansSQLite(plan(t, raw, "EXPLAIN QUERY PLAN "+statement, bound...))
	}
	n := 0
	for strings.Contains(statement, "$"+strconv.Itoa(n+1)) {
		n++
	}
	if n == 0 {
		return scansPostgres(plan(t, raw, "EXPLAIN "+statement))
	}
	conn, err := raw.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	do := func(q string) {
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	do("SET plan_cache_mode = force_generic_plan")
	do("PREPARE asked AS " + statement)
	defer do("DEALLOCATE asked")
	return scansPostgres(plan(t, conn, "EXPLAIN EXECUTE asked("+strings.Repeat("NULL, ", n-1)+"NULL)"))
}

// plan returns the last column of the rows of an EXPLAIN.
func plan(t testing.TB, db interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}, query string, args ...any) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		dest, line := make([]any, len(columns)), ""
		for i := range dest {
			dest[i] = new(any)
		}
		dest[len(dest)-1] = &line
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// rangeAlone is a search that begins or ends somewhere and finds nothing in particular.
var rangeAlone = regexp.MustCompile(`^SEARCH .*\([^=]*[<>][^=]*\)$`)

// scansSQLite: SEARCH follows an index or the key, SCAN reads all of it, and so does a
// part of an OR (INDEX 1, INDEX 2) that is a range: the other condition, which would
// have found one row, was of no use.
func scansSQLite(lines []string) []string {
	var scans []string
	for i, line := range lines {
		whole := strings.HasPrefix(line, "SCAN ") && line != "SCAN CONSTANT ROW"
		if whole || i > 0 && strings.HasPrefix(lines[i-1], "INDEX ") && rangeAlone.MatchString(line) {
			scans = append(scans, line)
		}
	}
	return scans
}

var indexScan = regexp.MustCompile(`(Index|Index Only) Scan|Bitmap Index Scan`)

// scansPostgres: what reads an index names the condition that leads there, or it
// reads all of it.
func scansPostgres(lines []string) []string {
	var scans []string
	for i, line := range lines {
		switch {
		case strings.Contains(line, "Seq Scan on "):
			scans = append(scans, strings.TrimSpace(line))
		case indexScan.MatchString(line) && (i+1 == len(lines) || !strings.Contains(lines[i+1], "Index Cond: ")):
			scans = append(scans, strings.TrimSpace(line))
		}
	}
	return scans
}
