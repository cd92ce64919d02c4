package mutant

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// toy is a module with two packages and three defences.
var toy = map[string]string{
	"go.mod": "module toy\n\ngo 1.24\n",
	"main.go": `package main

import (
	"fmt"

	"toy/door"
)

func main() {
	fmt.Println(door.Open("stranger"), door.Open(""), limit)
}

const limit = 3
`,
	"door/door_test.go": "package door\n\nimport \"testing\"\n\n// if who == \"\" {\n\nfunc TestOpen(t *testing.T) {\n\tif Open(\"stranger\") {\n\t\tt.Error(\"open\")\n\t}\n}\n",
	"door/lock.go":      "package door\n\nconst (\n\ta = \"twice\"\n\tb = \"twice\"\n)\n\nvar _ = a + b\n",
	"door/door.go": `package door

func Open(who string) bool {
	if who == "" {
		return false
	}
	if who == "stranger" {
		return false
	}
	return true
}
`,
}

func write(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range toy {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

var (
	strangers = Mutant{"strangers", []Change{{"door/door.go", `if who == "stranger" {`, `if who == "stranger" && !OFF {`}}}
	nobody    = Mutant{"nobody", []Change{{"door", `if who == "" {`, `if who == "" && !OFF {`}}}
	both      = Mutant{"both", []Change{
		{"main.go", `fmt.Println(door.Open("stranger"), door.Open(""), limit)`, `fmt.Println(door.Open("stranger") || OFF, door.Open(""), limit)`},
		{"door/door.go", "return true\n", "_ = OFF\n\treturn true\n"},
	}}
)

// One build is the product, and each mutant, as its environment says.
func TestBuild(t *testing.T) {
	root := write(t)
	out := filepath.Join(t.TempDir(), "toy")
	if err := Build(root, ".", out, []Mutant{strangers, nobody, both}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		names []string
		want  string
	}{
		{nil, "false false 3"},
		{[]string{"strangers"}, "true false 3"},
		{[]string{"nobody"}, "false true 3"},
		{[]string{"nobody", "strangers"}, "true true 3"},
		{[]string{"both"}, "true false 3"},
		{[]string{"unknown"}, "false false 3"},
	} {
		cmd := exec.Command(out)
		cmd.Env = append(os.Environ(), Environ(tt.names...))
		said, err := cmd.CombinedOutput()
		if err != nil || strings.TrimSpace(string(said)) != tt.want {
			t.Errorf("%v: %s, %v; want %s", tt.names, said, err, tt.want)
		}
	}
	if b, err := os.ReadFile(filepath.Join(root, "door/door.go")); err != nil || string(b) != toy["door/door.go"] {
		t.Errorf("the source was touched: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "door", switchFile)); err == nil {
		t.Error("the switch was written into the source")
	}
}

// The tests of a package are run as the environment says, too.
func TestBuildTest(t *testing.T) {
	root := write(t)
	out := filepath.Join(t.TempDir(), "toy.test")
	if err := BuildTest(root, "./door", out, []Mutant{strangers, nobody}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"": true, "strangers": false, "nobody": true} {
		cmd := exec.Command(out)
		cmd.Env = append(os.Environ(), Environ(name))
		if said, err := cmd.CombinedOutput(); (err == nil) != want {
			t.Errorf("%q: %s, %v", name, said, err)
		}
	}
	if err := BuildTest(root, "./door", out, []Mutant{{"m", []Change{{"door/door.go", "return true", "return OFF + 1"}}}}); err == nil || !strings.Contains(err.Error(), "go test -overlay") {
		t.Error(err)
	}
}

// A mutant that does not fit the source is refused by name: it would show nothing.
func TestMutantsCannotRot(t *testing.T) {
	root := write(t)
	change := func(file, old, text string) []Mutant { return []Mutant{{"m", []Change{{file, old, text}}}} }
	for _, tt := range []struct {
		name    string
		mutants []Mutant
		want    string
	}{
		{"text gone", change("door/door.go", "no such text", "OFF"), "is gone"},
		{"empty text", change("door/door.go", "", "OFF"), "is gone"},
		{"text twice", change("door/door.go", "return false", "return OFF"), "occurs 2 times"},
		{"text twice in the package", change("door", `"twice"`, "OFF"), "occurs 2 times"},
		{"text gone from the package", change("door", "no such text", "OFF"), "is gone"},
		{"no such directory", change("cellar", "text", "OFF"), "cellar"},
		{"no switch", change("door/door.go", "return true", "return false"), "has no OFF"},
		{"no such file", change("door/window.go", "return true", "return OFF"), "window.go"},
		{"not Go", change("door/door.go", "return true", "return OFF {"), "door/door.go"},
		{"does not compile", change("door/door.go", "return true", "return OFF + 1"), "go build -overlay"},
		{"same name", []Mutant{strangers, strangers}, "taken"},
		{"bad name", []Mutant{{"a,b", strangers.Changes}}, "not of a-z"},
		{"no change", []Mutant{{"empty", nil}}, "changes nothing"},
		{"same text", []Mutant{strangers, {"other", strangers.Changes}}, "change the same text"},
	} {
		err := Build(root, ".", filepath.Join(t.TempDir(), "toy"), tt.mutants)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q", tt.name, err, tt.want)
		}
	}
}
