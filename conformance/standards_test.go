package conformance

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var testName = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`")

// promises are the documents that name tests, and how many rows and names each
// has at least: a table that shrank has lost something.
var promises = map[string]struct{ rows, tests int }{
	"standards.md":  {30, 60},
	"guarantees.md": {84, 160},
	"acceptance.md": {118, 235},
}

// TestStandardsAreHeld: every test that a document names is there, and every row
// of docs/guarantees.md names one.
func TestStandardsAreHeld(t *testing.T) {
	root := moduleRoot(t)
	var tests bytes.Buffer
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		tests.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(pages) < len(promises) {
		t.Fatalf("%v, %v", pages, err)
	}
	for _, path := range pages {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, rows := filepath.Base(path), 0
		for line := range strings.Lines(string(page)) {
			if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| guarantee ") {
				continue
			}
			if rows++; name == "guarantees.md" && !testName.MatchString(line) {
				t.Errorf("%s: nothing holds %s", name, line)
			}
		}
		named := testName.FindAllSubmatch(page, -1)
		if least := promises[name]; rows < least.rows || len(named) < least.tests {
			t.Errorf("%s has %d rows and names %d tests, want %d and %d", name, rows, len(named), least.rows, least.tests)
		}
		for _, m := range named {
			if !bytes.Contains(tests.Bytes(), []byte("\nfunc "+string(m[1])+"(")) {
				t.Errorf("docs/%s names %s, which does not exist", name, m[1])
			}
		}
	}
}

// acceptanceRow is a row of docs/acceptance.md: its place in the list, whether others
// get it wrong, what stands here, what holds it.
var acceptanceRow = regexp.MustCompile(`^\| (\d\d|[BC]\.\d+)( !)? \| [^|]+ \| ([^|]+) \| ([^|]*)\|$`)

// TestAcceptanceIsWhole: the whole list that local accounts were accepted by is
// there, and whatever is neither missing nor to come is held by a test; so is
// always what others get wrong.
func TestAcceptanceIsWhole(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(moduleRoot(t), "docs", "acceptance.md"))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| |") {
			continue
		}
		row := acceptanceRow.FindStringSubmatch(line)
		if row == nil {
			t.Errorf("not a row: %s", line)
			continue
		}
		told[row[1]] = true
		open := row[2] == "" && (strings.HasPrefix(row[3], "not yet") || strings.HasPrefix(row[3], "**missing**"))
		if !open && !testName.MatchString(row[4]) {
			t.Errorf("nothing holds %s", line)
		}
	}
	var list []string
	for n := 33; n <= 48; n++ {
		list = append(list, strconv.Itoa(n))
	}
	for part, last := range map[string]int{"B": 14, "C": 4} {
		for n := 1; n <= last; n++ {
			list = append(list, part+"."+strconv.Itoa(n))
		}
	}
	for _, place := range list {
		if !told[place] {
			t.Errorf("nothing is said of %s", place)
		}
	}
}

// TestLibrariesAreTold: the page for developers names the versions that we test with.
func TestLibrariesAreTold(t *testing.T) {
	root := moduleRoot(t)
	read := func(elem ...string) string {
		b, err := os.ReadFile(filepath.Join(append([]string{root}, elem...)...))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var node struct{ Dependencies map[string]string }
	if err := json.Unmarshal([]byte(read("conformance", "relyingparty", "package.json")), &node); err != nil {
		t.Fatal(err)
	}
	versions := node.Dependencies
	for name, file := range map[string]string{"go-oidc/v3 v": read("go.mod"), "authlib==": read("conformance", "relyingparty", "requirements.in")} {
		m := regexp.MustCompile(regexp.QuoteMeta(name) + `(\S+)`).FindStringSubmatch(file)
		if m == nil {
			t.Fatalf("no %s", name)
		}
		versions[regexp.MustCompile(`^[a-z]+(-[a-z]+)?`).FindString(name)] = m[1]
	}
	page := strings.ToLower(read("docs", "first-relying-party.md"))
	for _, lib := range append([]library{{name: "go-oidc"}}, libraries...) {
		if version := versions[lib.name]; version == "" || !strings.Contains(page, lib.name+" "+version) {
			t.Errorf("docs/first-relying-party.md does not name %s %s", lib.name, version)
		}
	}
}
