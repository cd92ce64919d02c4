package cvezoo

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table into docs/security/cve-zoo.md")

const (
	tableBegin = "<!-- table: go test ./conformance/cvezoo -run TestTable -update -->\n\n"
	tableEnd   = "\n<!-- end of the table -->\n"
	// fewest is how many advisories the project has promised to keep.
	fewest = 30
)

// TestTable holds docs/security/cve-zoo.md to the exhibits: one row each, in the
// same words.
func TestTable(t *testing.T) {
	page := filepath.Join(root, "docs", "security", "cve-zoo.md")
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), tableBegin)
	got, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table: %q to %q", page, tableBegin, tableEnd)
	}
	want := table()
	if *update {
		if err := os.WriteFile(page, []byte(before+tableBegin+want+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("%s does not agree with the exhibits; see what changed, then: go test ./conformance/cvezoo -run TestTable -update", page)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| advisory | of | the defect | our defence | test | mutant | source |\n|---|---|---|---|---|---|---|\n")
	for _, e := range exhibits {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | `%s` | `%s` | %s |\n", e.id, e.peer, e.defect, e.defence, e.path(), strings.Join(e.without, "` `"), e.source)
	}
	return b.String()
}

// path is what -run takes, below the names of the test functions.
func (e exhibit) path() string { return strings.ReplaceAll(e.test(), " ", "_") }

// TestExhibits holds every exhibit to what the table must tell.
func TestExhibits(t *testing.T) {
	if len(exhibits) < fewest {
		t.Errorf("%d exhibits; %d were promised", len(exhibits), fewest)
	}
	seen := map[string]bool{}
	for _, e := range exhibits {
		if seen[e.id] {
			t.Errorf("%s stands twice", e.id)
		}
		seen[e.id] = true
		for what, text := range map[string]string{"id": e.id, "peer": e.peer, "defect": e.defect, "defence": e.defence, "source": e.source} {
			if text == "" || strings.ContainsAny(text, "|\n") {
				t.Errorf("%s: the %s is %q, which no row can hold", e.id, what, text)
			}
		}
		if e.attack == nil || len(e.without) == 0 {
			t.Errorf("%s has no attack, or no mutant", e.id)
		}
	}
	if !slices.ContainsFunc(exhibits, func(e exhibit) bool { return e.rows }) {
		t.Error("nothing is tried on PostgreSQL")
	}
}
