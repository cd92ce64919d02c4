package storetest

import (
	"database/sql"
	"slices"
	"strings"
	"testing"
)

// Rows tells how many rows each table has, those of except left out.
func Rows(t testing.TB, raw *sql.DB, except ...string) string {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	rows, err := raw.Query("SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY 1")
	if err != nil {
		rows, err = raw.Query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1")
	}
	must(err)
	defer rows.Close()
	var parts []string
	for rows.Next() {
		var name string
		must(rows.Scan(&name))
		if !slices.Contains(except, name) {
			parts = append(parts, "SELECT '"+name+"' AS name, count(*) AS n FROM "+name)
		}
	}
	must(rows.Err())
	if len(parts) < 15 {
		t.Fatalf("only %d tables", len(parts))
	}
	counts, err := raw.Query(strings.Join(parts, " UNION ALL ") + " ORDER BY 1")
	must(err)
	defer counts.Close()
	var text strings.Builder
	for counts.Next() {
		var name, n string
		must(counts.Scan(&name, &n))
		text.WriteString(name + " " + n + "; ")
	}
	must(counts.Err())
	return text.String()
}
