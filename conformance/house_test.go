package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module = "idbroker"
	// maxLines is the most that a file may have: a reader keeps one subject in mind.
	maxLines = 400
)

// arrows are the drawing in ARCHITECTURE.md: which room may import which of
// ours, in production code. A package belongs to the room with the longest
// matching path, and packages of one room may import each other.
var arrows = map[string][]string{
	"broker":          {},
	"broker/local":    {"broker"},
	"fields":          {"broker"},
	"providers":       {"broker"},
	"linking":         {"broker"},
	"tokens":          {"broker"},
	"store":           {"broker"},
	"fetch":           {"broker"},
	"i18n":            {"broker"},
	"mail":            {"broker", "i18n"},
	"outbox":          {"broker"},
	"limits":          {"broker"},
	"volatile":        {"broker"},
	"sms":             {"broker"},
	"web":             {"broker", "broker/local", "linking", "tokens", "limits", "i18n"},
	"config":          {"broker"},
	"cmd/broker":      {"broker", "broker/local", "providers", "linking", "tokens", "store", "fetch", "i18n", "mail", "outbox", "limits", "volatile", "sms", "fields", "web", "config", "cmd/broker/demo", "conformance/oidf"},
	"cmd/broker/demo": {"broker", "mail"},
	"conformance":     {},

	"conformance/oidf": {}, // asks any OP over HTTP, and knows none
}

// words are the libraries, each with the rooms that may know it in production
// code. The longest matching path counts; a library that is not here belongs nowhere.
var words = map[string][]string{
	"database/sql":                          {"store"},
	"github.com/uptrace/bun":                {"store"},
	"github.com/jackc/pgx/v5":               {"store"},
	"modernc.org/sqlite":                    {"store"},
	"github.com/gomodule/redigo/redis":      {"volatile"},
	"golang.org/x/crypto/chacha20poly1305":  {"store"},
	"golang.org/x/crypto/argon2":            {"broker/local"},
	"github.com/go-crypt/crypt":             {"broker/local"},
	"github.com/pquerna/otp":                {"broker/local"},
	"github.com/go-webauthn/webauthn":       {"broker/local"},
	"github.com/ccojocar/zxcvbn-go":         {"broker/local"},
	"github.com/boombuler/barcode":          {"web"},
	"github.com/ory/fosite":                 {"tokens"},
	"github.com/ory/x":                      {"tokens"},
	"github.com/go-jose/go-jose/v3":         {"tokens"},
	"github.com/go-jose/go-jose/v4":         {"tokens", "providers", "cmd/broker/demo", "conformance", "conformance/oidf"},
	"github.com/markbates/goth":             {"providers"},
	"golang.org/x/oauth2":                   {"providers", "cmd/broker/demo"},
	"github.com/coreos/go-oidc/v3":          {"providers", "cmd/broker/demo"},
	"github.com/gorilla/sessions":           {"web"},
	"github.com/mileusna/useragent":         {"web"},
	"golang.org/x/image/webp":               {"web"},
	"html/template":                         {"web", "mail", "cmd/broker/demo", "conformance/oidf"},
	"github.com/nicksnyder/go-i18n/v2":      {"i18n"},
	"github.com/hashicorp/go-retryablehttp": {"tokens"},         // a type of fosite's configuration
	"golang.org/x/text/language":            {"i18n", "tokens"}, // another
	"golang.org/x/text/unicode/norm":        {"broker/local", "i18n"},
	"golang.org/x/text/secure/precis":       {"broker/local"},
	"golang.org/x/text":                     {"i18n"},
	"github.com/wneessen/go-mail":           {"mail"},
	"github.com/knadh/koanf":                {"config"},
	"go.yaml.in/yaml/v3":                    {"config"},
	"github.com/santhosh-tekuri/jsonschema": {"fields"},
	"github.com/alecthomas/kong":            {"cmd/broker"},
	"github.com/oschwald/maxminddb-golang":  {"cmd/broker"},
	"github.com/VictoriaMetrics/metrics":    {"cmd/broker"},
	"golang.org/x/net/html":                 {"web", "mail", "conformance", "conformance/oidf"},
	"golang.org/x/net/idna":                 {"broker", "mail"},
	"golang.org/x/net/publicsuffix":         {"broker/local", "conformance/oidf"},
	"golang.org/x/sync":                     everywhere,
}

var everywhere = []string{"*"}

// homeless are package names that say nothing of what lives there.
var homeless = []string{"util", "utils", "common", "helper", "helpers", "model", "models", "misc"}

// goPackage is what we read of go list -json.
type goPackage struct {
	Dir, ImportPath, Name                        string
	GoFiles, CgoFiles, TestGoFiles, XTestGoFiles []string
	Imports, TestImports, XTestImports           []string
}

// TestHouse holds the code to the plan.
func TestHouse(t *testing.T) {
	pkgs, err := listPackages(moduleRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(pkgs) < 3 {
		t.Fatalf("go list found %d packages", len(pkgs))
	}
	for _, p := range pkgs {
		for _, problem := range append(planProblems(p), fileProblems(p)...) {
			t.Error(problem)
		}
	}
}

// planProblems are what p imports and should not.
func planProblems(p goPackage) []string {
	var problems []string
	room := roomOf(p.ImportPath)
	if room == "" {
		return []string{p.ImportPath + " is in no room: give it a row in the plan and in arrows"}
	}
	if slices.Contains(homeless, p.Name) {
		problems = append(problems, p.ImportPath+": the name says nothing; a function lives with the thing that it serves")
	}
	forTests := strings.HasSuffix(p.Name, "test")
	for _, i := range p.Imports {
		switch other := roomOf(i); {
		case other != "" && strings.HasSuffix(i, "test") && !forTests:
			problems = append(problems, fmt.Sprintf("%s imports %s, which is for tests", p.ImportPath, i))
		case other != "" && other != room && !slices.Contains(arrows[room], other):
			problems = append(problems, fmt.Sprintf("%s imports %s: %s may import %v", p.ImportPath, i, room, arrows[room]))
		case other == "" && ours(i):
			problems = append(problems, fmt.Sprintf("%s imports %s, which is in no room", p.ImportPath, i))
		case other == "" && !forTests:
			if rooms, known := roomsOf(i); !known {
				problems = append(problems, fmt.Sprintf("%s imports %s, a library that the plan does not know", p.ImportPath, i))
			} else if rooms != nil && rooms[0] != "*" && !slices.Contains(rooms, room) {
				problems = append(problems, fmt.Sprintf("%s imports %s, which only %v may know", p.ImportPath, i, rooms))
			}
		}
	}
	for _, i := range slices.Concat(p.TestImports, p.XTestImports) {
		if i == module+"/cmd/broker/demo" && room == "conformance" {
			continue // it stands around the broker, and wires nothing
		}
		if other := roomOf(i); other != room && !slices.Contains(arrows[room], other) && (strings.HasPrefix(other, "cmd/") || other == "config") {
			problems = append(problems, fmt.Sprintf("a test of %s imports %s: nobody knows who wires", p.ImportPath, i))
		}
	}
	return problems
}

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// roomOf is the room of one of our packages; "" none.
func roomOf(path string) string {
	if !ours(path) {
		return ""
	}
	return longest(strings.TrimPrefix(path, module+"/"), arrows)
}

// roomsOf are the rooms that may import a foreign package; nil: every room, as it
// is of the standard library and nobody claims it.
func roomsOf(path string) (rooms []string, known bool) {
	if word := longest(path, words); word != "" {
		return words[word], true
	}
	first, _, _ := strings.Cut(path, "/")
	return nil, !strings.Contains(first, ".")
}

// longest is the longest key that path is, or is below.
func longest(path string, of map[string][]string) string {
	best := ""
	for key := range of {
		if (path == key || strings.HasPrefix(path, key+"/")) && len(key) > len(best) {
			best = key
		}
	}
	return best
}

// fileProblems are what is wrong with the files of p.
func fileProblems(p goPackage) []string {
	var problems []string
	described := false
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
		path := filepath.Join(p.Dir, name)
		source, err := os.ReadFile(path)
		if err != nil {
			return append(problems, err.Error())
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.ParseComments)
		if err != nil {
			return append(problems, err.Error())
		}
		described = described || file.Doc != nil
		problems = append(problems, sourceProblems(p.ImportPath+"/"+name, source, file)...)
	}
	if !described && len(p.GoFiles) > 0 {
		problems = append(problems, p.ImportPath+" has no package comment")
	}
	return problems
}

func sourceProblems(name string, source []byte, file *ast.File) []string {
	var problems []string
	if n := bytes.Count(source, []byte("\n")); n > maxLines {
		problems = append(problems, fmt.Sprintf("%s has %d lines: %d are the most", name, n, maxLines))
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			problems = append(problems, name+" has an init: whoever wires calls what must happen")
		}
	}
	return problems
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func listPackages(root string) ([]goPackage, error) {
	cmd := exec.Command("go", "list", "-json=Dir,ImportPath,Name,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var pkgs []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		pkgs = append(pkgs, p)
	}
}
