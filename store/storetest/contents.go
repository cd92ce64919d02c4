package storetest

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Contents is a text that differs where any row of any table does, those of except
// left out: a line for each table.
func Contents(t testing.TB, raw *sql.DB, except ...string) string {
	t.Helper()
	var text strings.Builder
	for part := range strings.SplitSeq(Rows(t, raw, except...), "; ") {
		name, count, ok := strings.Cut(part, " ")
		if !ok {
			continue
		}
		fmt.Fprintf(&text, "%s %s %x\n", name, count, sha256.Sum256([]byte(table(t, raw, name))))
	}
	return text.String()
}

// table is every row of a table, in an order that does not depend on the database.
func table(t testing.TB, raw *sql.DB, name string) string {
	t.Helper()
	rows, err := raw.Query("SELECT * FROM " + name)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		line := ""
		for _, v := range values {
			line += fmt.Sprintf("%v\x00", *v.(*any))
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
