// Package mutant builds the broker with its defences removable, so that a test
// of a defence can be shown to fail without it. The product's source is never
// touched: "go build -overlay" reads changed copies in its place, in which each
// change sleeps until the environment variable Env names it. One build serves
// all mutants; a process without Env behaves like the product.
//
// A change is found by the text that it replaces, so that a mutant whose defence
// was moved or rewritten fails the build instead of silently changing nothing.
package mutant

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// Env holds the names of the mutants that a process shall be, separated by commas.
	Env = "IDBROKER_MUTANT"
	// Off stands in the text of a change for the expression that is true where
	// the process is this mutant.
	Off = "OFF"
	// function is what Off becomes; switchFile declares it in every changed package.
	function   = "mutantNamed"
	switchFile = "mutant_switch.go"
)

// Change replaces a text in a file. It must leave the behaviour as it is where
// Off is false.
type Change struct {
	// File is relative to the root of the module, with slashes. A directory
	// stands for whichever of its files has the text.
	File string
	Old  string // occurs there exactly once
	New  string // contains Off
}

// Mutant is the broker without one defence.
type Mutant struct {
	Name    string // [a-z0-9-]+
	Changes []Change
}

// Build builds the package pkg ("./cmd/broker") of the module at root into the
// file out, with all mutants inside. It writes its working files beside out. It
// returns every mutant that does not fit the source any more, in one error.
func Build(root, pkg, out string, mutants []Mutant) error {
	return build(root, pkg, out, mutants, append(os.Environ(), "CGO_ENABLED=0"), "build", "-trimpath")
}

// BuildTest is Build for the tests of pkg: out runs them, in the directory of pkg.
func BuildTest(root, pkg, out string, mutants []Mutant) error {
	return build(root, pkg, out, mutants, os.Environ(), "test", "-c")
}

func build(root, pkg, out string, mutants []Mutant, env []string, command ...string) error {
	changed, err := rewrite(root, mutants)
	if err != nil {
		return err
	}
	overlay, err := lay(root, out+".overlay", changed)
	if err != nil {
		return err
	}
	cmd := exec.Command("go", append(command, "-overlay", overlay, "-o", out, pkg)...)
	cmd.Dir = root
	cmd.Env = env
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s -overlay: %w: %s", command[0], err, said)
	}
	return nil
}

// Environ is the setting that makes a process the mutants.
func Environ(names ...string) string { return Env + "=" + strings.Join(names, ",") }

// edit is one change at its place in a file.
type edit struct {
	mutant   string
	from, to int
	text     string
}

// rewrite returns the changed files by their path below root, and the switch of
// each of their packages.
func rewrite(root string, mutants []Mutant) (map[string][]byte, error) {
	var problems []error
	edits := map[string][]edit{}
	sources := map[string]string{}
	seen := map[string]bool{}
	for _, m := range mutants {
		if !validName(m.Name) || seen[m.Name] || len(m.Changes) == 0 {
			problems = append(problems, fmt.Errorf("mutant %q: the name is taken or not of a-z, 0-9 and -, or it changes nothing", m.Name))
		}
		seen[m.Name] = true
		for _, c := range m.Changes {
			file, e, err := place(root, sources, m.Name, c)
			if err != nil {
				problems = append(problems, fmt.Errorf("mutant %s, %s: %w", m.Name, c.File, err))
				continue
			}
			edits[file] = append(edits[file], e)
		}
	}
	changed := map[string][]byte{}
	for file, list := range edits {
		source, err := apply(sources[file], list)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", file, err))
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.PackageClauseOnly)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		changed[file] = source
		changed[filepath.ToSlash(filepath.Join(filepath.Dir(file), switchFile))] = switchOf(parsed.Name.Name)
	}
	return changed, errors.Join(problems...)
}

// place finds the file and the place of a change.
func place(root string, sources map[string]string, name string, c Change) (string, edit, error) {
	files, err := filesOf(root, c.File)
	if err != nil {
		return "", edit{}, err
	}
	found, times := "", 0
	for _, file := range files {
		if _, ok := sources[file]; !ok {
			b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
			if err != nil {
				return "", edit{}, err
			}
			sources[file] = string(b)
		}
		if n := strings.Count(sources[file], c.Old); n > 0 {
			found, times = file, times+n
		}
	}
	switch {
	case c.Old == "" || times == 0:
		return "", edit{}, fmt.Errorf("the text that it replaces is gone: %q", c.Old)
	case times > 1:
		return "", edit{}, fmt.Errorf("the text that it replaces occurs %d times: %q", times, c.Old)
	case !strings.Contains(c.New, Off):
		return "", edit{}, fmt.Errorf("the new text has no %s: %q", Off, c.New)
	}
	from := strings.Index(sources[found], c.Old)
	text := strings.ReplaceAll(c.New, Off, fmt.Sprintf("%s(%q)", function, name))
	return found, edit{mutant: name, from: from, to: from + len(c.Old), text: text}, nil
}

// filesOf is a file, or the files of a directory's package.
func filesOf(root, name string) ([]string, error) {
	if strings.HasSuffix(name, ".go") {
		return []string{name}, nil
	}
	entries, err := os.ReadDir(filepath.Join(root, filepath.FromSlash(name)))
	var files []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
			files = append(files, path.Join(name, e.Name()))
		}
	}
	return files, err
}

// apply makes all edits of a file.
func apply(source string, edits []edit) ([]byte, error) {
	slices.SortFunc(edits, func(a, b edit) int { return a.from - b.from })
	var b strings.Builder
	at, last := 0, ""
	for _, e := range edits {
		if e.from < at {
			return nil, fmt.Errorf("mutants %s and %s change the same text", last, e.mutant)
		}
		b.WriteString(source[at:e.from] + e.text)
		at, last = e.to, e.mutant
	}
	b.WriteString(source[at:])
	return format.Source([]byte(b.String()))
}

// switchOf is the file that tells a package which mutants the process is.
func switchOf(pkg string) []byte {
	return fmt.Appendf(nil, `package %s

import (
	"os"
	"strings"
)

var mutantNames = strings.Split(os.Getenv(%q), ",")

func %s(name string) bool {
	for _, n := range mutantNames {
		if n == name {
			return true
		}
	}
	return false
}
`, pkg, Env, function)
}

// lay writes the changed files into dir and the overlay that names them.
func lay(root, dir string, changed map[string][]byte) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	replace := map[string]string{}
	for file, source := range changed {
		copied := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(copied, source, 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, filepath.FromSlash(file))] = copied
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, b, 0o600)
}

func validName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
