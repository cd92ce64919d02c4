// Command atonce tells which tests have several goroutines at work, as what
// `go test -run` takes: those are what the race detector can find something in.
// A request that waits for the one before races with nothing. The source is read
// for it, so that nobody has to remember a name or a list.
//
//	go test -race -run "$(go run ./conformance/atonce ./web ./tokens)" ./web ./tokens
//
// It sees what the code of tests starts, and what packages whose name ends in
// "test" start for them. What the program itself starts it does not see: packages
// in which that is the subject are run whole.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "atonce:", err)
		os.Exit(1)
	}
}

// run writes the pattern for the packages in dirs. Each of them must have such a test:
// a package without one was named by mistake, or is read wrongly.
func run(dirs []string, w io.Writer) error {
	var all []string
	for _, dir := range dirs {
		names, err := tests(dir)
		if err != nil {
			return err
		}
		if len(names) == 0 {
			return fmt.Errorf("no test in %s starts a goroutine", dir)
		}
		all = append(all, names...)
	}
	slices.Sort(all)
	_, err := fmt.Fprintf(w, "^(%s)$\n", strings.Join(slices.Compact(all), "|"))
	return err
}

// tests are the tests in dir that start goroutines, themselves or through what they call.
func tests(dir string) ([]string, error) {
	p, err := read(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range p.starts {
		if strings.HasPrefix(name, "Test") {
			names = append(names, name)
		}
	}
	return names, nil
}

// starters are the methods and functions that run what they are given beside the caller:
// of sync.WaitGroup and errgroup.Group, of testing.T and testing.B, of package time.
var starters = []string{"Go", "Parallel", "RunParallel", "AfterFunc"}

// pkg is what is known of the functions of a package. Methods are told by their
// names alone: of two with one name both count.
type pkg struct {
	uses    map[string]map[string]bool // by function: every name in its body
	starts  map[string]bool            // functions that start goroutines
	helpers map[string]pkg             // packages for tests, by the name they have in these files
}

// forTests tells whether a directory has a package for tests: of those all files are read.
func forTests(dir string) bool { return strings.HasSuffix(filepath.Base(dir), "test") }

// read reads the tests of the package in dir, or all of it where it is for tests.
func read(dir string) (pkg, error) {
	p := pkg{uses: map[string]map[string]bool{}, starts: map[string]bool{}, helpers: map[string]pkg{}}
	dir, err := filepath.Abs(dir) // "." has no name
	if err != nil {
		return p, err
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return p, err
	}
	files := token.NewFileSet()
	for _, path := range paths {
		if !strings.HasSuffix(path, "_test.go") && !forTests(dir) {
			continue
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return p, err
		}
		if err := p.take(dir, file); err != nil {
			return p, err
		}
	}
	p.follow()
	return p, nil
}

// take notes what the functions of a file use and start.
func (p pkg) take(dir string, file *ast.File) error {
	for _, i := range file.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		name := filepath.Base(path)
		if i.Name != nil {
			name = i.Name.Name
		}
		root, of := moduleOf(dir)
		rest, ours := strings.CutPrefix(path, of+"/")
		if _, known := p.helpers[name]; known || !ours || !forTests(path) || filepath.Join(root, rest) == dir {
			continue
		}
		h, err := read(filepath.Join(root, rest))
		if err != nil {
			return err
		}
		p.helpers[name] = h
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		name := f.Name.Name
		if p.uses[name] == nil {
			p.uses[name] = map[string]bool{}
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt, *ast.ChanType: // a channel leads to another goroutine
				p.starts[name] = true
			case *ast.SelectorExpr:
				x, _ := n.X.(*ast.Ident)
				if slices.Contains(starters, n.Sel.Name) || x != nil && p.helpers[x.Name].starts[n.Sel.Name] {
					p.starts[name] = true
				}
			case *ast.Ident:
				p.uses[name][n.Name] = true
			}
			return true
		})
	}
	return nil
}

// follow spreads what starts goroutines to whoever uses it.
func (p pkg) follow() {
	for more := true; more; {
		more = false
		for name, uses := range p.uses {
			for used := range uses {
				if !p.starts[name] && p.starts[used] {
					p.starts[name], more = true, true
				}
			}
		}
	}
}

// moduleOf is the module that dir belongs to: its directory and its name; "" where there is none.
func moduleOf(dir string) (root, name string) {
	for ; ; dir = filepath.Dir(dir) {
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil {
			first, _, _ := strings.Cut(string(text), "\n")
			return dir, strings.TrimSpace(strings.TrimPrefix(first, "module"))
		}
		if dir == filepath.Dir(dir) {
			return "", ""
		}
	}
}
