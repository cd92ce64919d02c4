package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tree is a module with tests that start goroutines in each way there is.
var tree = map[string]string{
	"go.mod": "module tree\n\ngo 1.26\n",
	"a/a.go": "package a\n\nfunc Run() { go func() {}() }\n",
	"a/a_test.go": `package a
		import ("sync"; "testing"; "time"; "tree/parttest"; other "tree/parttest"; "tree/b")
		func TestStatement(t *testing.T) { go func() {}() }
		func TestGroup(t *testing.T) { var g sync.WaitGroup; g.Go(func() {}) }
		func TestParallel(t *testing.T) { t.Run("x", func(t *testing.T) { t.Parallel() }) }
		func TestTimer(t *testing.T) { time.AfterFunc(1, func() {}) }
		func TestChannel(t *testing.T) { done := make(chan int); serve(done) }
		func serve(any) {}
		func TestTable(t *testing.T) { for _, f := range []func(){both} { f() } }
		func TestThroughTwo(t *testing.T) { first() }
		func first() { both() }
		func both() { go first() }
		func TestMethod(t *testing.T) { new(world).race() }
		func (*world) race() { both() }
		type world struct{}
		func TestHelper(t *testing.T) { parttest.Race(t) }
		func TestHelperByAnotherName(t *testing.T) { other.Race(t) }
		func TestQuietHelper(t *testing.T) { parttest.Quiet(t) }
		func TestQuiet(t *testing.T) { t.Run("x", func(t *testing.T) { serve(nil) }) }
		func TestOther(t *testing.T) { b.Race(t) }
	`,
	"a/x_test.go":        "package a_test\n\nimport \"testing\"\n\nfunc TestOutside(t *testing.T) { go func() {}() }\n",
	"b/b.go":             "package b\n\nfunc Race(any) { go func() {}() }\n",
	"b/b_test.go":        "package b\n\nimport \"testing\"\n\nfunc TestCalm(t *testing.T) {}\n",
	"parttest/part.go":   "package parttest\n\nfunc Race(any) { race() }\nfunc race() { go Quiet(nil) }\nfunc Quiet(any) {}\n",
	"parttest/p_test.go": "package parttest\n\nimport \"testing\"\n\nfunc TestOwn(t *testing.T) { Race(t) }\nfunc TestIdle(t *testing.T) { Quiet(t) }\n",
	"broken/b_test.go":   "package broken\n\nfunc {",
	"usesbroken/u_test.go": `package usesbroken
		import "tree/brokentest"
		func TestX() { brokentest.X() }
	`,
	"brokentest/b.go": "package brokentest\n\nfunc {",
}

func plant(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range tree {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestTree(t *testing.T) {
	root := plant(t)
	for _, tt := range []struct {
		dirs []string
		want string
	}{
		{[]string{"a"}, "^(TestChannel|TestGroup|TestHelper|TestHelperByAnotherName|TestMethod|TestOutside|TestParallel|TestStatement|TestTable|TestThroughTwo|TestTimer)$\n"},
		{[]string{"parttest"}, "^(TestOwn)$\n"},
		{[]string{"parttest", "parttest"}, "^(TestOwn)$\n"},
	} {
		var dirs []string
		for _, dir := range tt.dirs {
			dirs = append(dirs, filepath.Join(root, dir))
		}
		var got bytes.Buffer
		if err := run(dirs, &got); err != nil || got.String() != tt.want {
			t.Errorf("%v: %q, %v, want %q", tt.dirs, got.String(), err, tt.want)
		}
	}
	for _, dir := range []string{"b", "broken", "usesbroken", "nowhere"} {
		var got bytes.Buffer
		if err := run([]string{filepath.Join(root, "parttest"), filepath.Join(root, dir)}, &got); err == nil || got.Len() > 0 {
			t.Errorf("%s: %q, %v, want an error and nothing else", dir, got.String(), err)
		}
	}
	t.Chdir(filepath.Join(root, "parttest"))
	var got bytes.Buffer
	if err := run([]string{"."}, &got); err != nil || got.String() != "^(TestOwn)$\n" {
		t.Errorf("here: %q, %v", got.String(), err)
	}
}

// TestOurs: what is known to have several goroutines is found in the source as it is, and
// CI asks for each package whose tests are too many to run whole.
func TestOurs(t *testing.T) {
	root := filepath.Join("..", "..")
	ci, err := os.ReadFile(filepath.Join(root, ".ci", "run"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^some="(.*)"`).FindSubmatch(ci)
	if line == nil {
		t.Fatal("no packages in .ci/run")
	}
	for dir, want := range map[string][]string{
		"./web":             {"TestCrowd", "TestDoubleSubmit", "TestLastWaysAtOnce", "TestPasskeysAtOnce", "TestTheftIsToldOnce"},
		"./tokens":          {"TestReplicasMakeOneKey", "TestParallelRefreshIsOneRefresh", "TestAssertionIsUsedOnce"},
		"./linking":         {"TestService", "TestConcurrentFirstSignIns", "TestOneRefreshForMany"},
		"./broker/local":    {"TestTwoSignUpsForOneAddress", "TestFactorRace", "TestNumberSwapAtOnce"},
		"./store/storetest": {"TestBuckets", "TestSpentOnce", "TestOutboxWorkers", "TestMigrateTogether"},
	} {
		got, err := tests(filepath.Join(root, dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range want {
			if !slices.Contains(got, name) {
				t.Errorf("%s: %s starts goroutines, and is not found", dir, name)
			}
		}
		if !slices.Contains(strings.Fields(string(line[1])), dir) {
			t.Errorf(".ci/run does not ask for %s", dir)
		}
	}
}
