package conformance

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var testName = regexp.MustCompile("`(Test[A-Za-z0-9]+)`")

// TestStandardsAreHeld: every test that docs/standards.md names is there.
func TestStandardsAreHeld(t *testing.T) {
	root := moduleRoot(t)
	page, err := os.ReadFile(filepath.Join(root, "docs", "standards.md"))
	if err != nil {
		t.Fatal(err)
	}
	var tests bytes.Buffer
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
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
	named := testName.FindAllSubmatch(page, -1)
	if len(named) < 30 {
		t.Errorf("only %d tests are named", len(named))
	}
	for _, m := range named {
		if !bytes.Contains(tests.Bytes(), []byte("\nfunc "+string(m[1])+"(")) {
			t.Errorf("docs/standards.md names %s, which does not exist", m[1])
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
