package conformance

import (
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// A rule that was never seen to refuse holds nothing: each kind of breach is
// shown to the house test here.
func TestHouseSeesBreaches(t *testing.T) {
	for _, tt := range []struct {
		name string
		pkg  goPackage
		want string // "" no problem
	}{
		{"an arrow of the plan", goPackage{ImportPath: "idbroker/web", Imports: []string{"net/http", "idbroker/tokens", "github.com/gorilla/sessions"}}, ""},
		{"inside a room", goPackage{ImportPath: "idbroker/store", Imports: []string{"idbroker/store/schema"}}, ""},
		{"a second arrow", goPackage{ImportPath: "idbroker/linking", Imports: []string{"idbroker/store"}}, "idbroker/linking imports idbroker/store"},
		{"the vocabulary imports a room", goPackage{ImportPath: "idbroker/broker", Imports: []string{"idbroker/broker/local"}}, "imports idbroker/broker/local"},
		{"local accounts import pages", goPackage{ImportPath: "idbroker/broker/local", Imports: []string{"idbroker/web"}}, "imports idbroker/web"},
		{"a room reads the configuration", goPackage{ImportPath: "idbroker/web", Imports: []string{"idbroker/config"}}, "imports idbroker/config"},
		{"the plan's own room looks inside", goPackage{ImportPath: "idbroker/conformance/load", Imports: []string{"idbroker/tokens"}}, "imports idbroker/tokens"},
		{"production imports a test package", goPackage{ImportPath: "idbroker/cmd/broker", Imports: []string{"idbroker/store/storetest"}}, "which is for tests"},
		{"a test package of the same room", goPackage{ImportPath: "idbroker/store", Imports: []string{"idbroker/store/storetest"}}, "which is for tests"},
		{"a test package imports its room", goPackage{ImportPath: "idbroker/store/storetest", Name: "storetest", Imports: []string{"idbroker/store", "pgregory.net/rapid"}}, ""},
		{"a foreign word elsewhere", goPackage{ImportPath: "idbroker/web", Imports: []string{"github.com/ory/fosite/handler/oauth2"}}, "only [tokens] may know"},
		{"a driver elsewhere", goPackage{ImportPath: "idbroker/cmd/broker", Imports: []string{"modernc.org/sqlite"}}, "only [store] may know"},
		{"a word of the standard library elsewhere", goPackage{ImportPath: "idbroker/tokens", Imports: []string{"database/sql"}}, "only [store] may know"},
		{"its driver interface, too", goPackage{ImportPath: "idbroker/tokens", Imports: []string{"database/sql/driver"}}, "only [store] may know"},
		{"two libraries of one maker", goPackage{ImportPath: "idbroker/store", Imports: []string{"golang.org/x/crypto/argon2"}}, "only [broker/local] may know"},
		{"a new library", goPackage{ImportPath: "idbroker/web", Imports: []string{"github.com/labstack/echo"}}, "does not know"},
		{"the vocabulary knows none", goPackage{ImportPath: "idbroker/broker", Imports: []string{"golang.org/x/text/language"}}, "may know"},
		{"a new room", goPackage{ImportPath: "idbroker/queue"}, "is in no room"},
		{"the module's root", goPackage{ImportPath: "idbroker"}, "is in no room"},
		{"an import of a new room", goPackage{ImportPath: "idbroker/web", Imports: []string{"idbroker/queue"}}, "which is in no room"},
		{"a name like a room's", goPackage{ImportPath: "idbroker/webhooks"}, "is in no room"},
		{"a name that says nothing", goPackage{ImportPath: "idbroker/web/util", Name: "util"}, "says nothing"},
		{"a test that wires", goPackage{ImportPath: "idbroker/web", XTestImports: []string{"idbroker/cmd/broker/demo"}}, "nobody knows who wires"},
		{"a test on the real database", goPackage{ImportPath: "idbroker/linking", XTestImports: []string{"idbroker/store/storetest"}}, ""},
	} {
		got := strings.Join(planProblems(tt.pkg), "\n")
		if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestHouseReadsFiles(t *testing.T) {
	for _, tt := range []struct{ name, source, want string }{
		{"fine", "// Package a is.\npackage a\n\nfunc (t T) init() {}\ntype T int\n", ""},
		{"init", "package a\n\nfunc init() {}\n", "has an init"},
		{"long", "package a\n" + strings.Repeat("\n", maxLines), "has 401 lines"},
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "a.go", tt.source, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(sourceProblems("a.go", []byte(tt.source), file), "\n")
		if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := fileProblems(goPackage{Dir: t.TempDir(), GoFiles: []string{"gone.go"}}); len(got) != 1 {
		t.Errorf("a file that cannot be read: %q", got)
	}
}
