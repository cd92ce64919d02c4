package web

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWorkedExample runs what docs/api.md tells people to type, and it says what
// stands there.
func TestWorkedExample(t *testing.T) {
	for _, tool := range []string{"curl", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	page, err := os.ReadFile("../docs/api.md")
	must(t, err)
	found := regexp.MustCompile("(?s)```sh\n(.*?)```").FindSubmatch(page)
	if found == nil {
		t.Fatal("docs/api.md has no example")
	}
	w := newWorld(t)
	w.user("ada")
	script := strings.Replace(string(found[1]), "https://id.example.org", w.url, 1)
	file := filepath.Join(t.TempDir(), "example.sh")
	must(t, os.WriteFile(file, []byte(script), 0o600))
	run := exec.CommandContext(t.Context(), "sh", "-eu", file)
	run.Dir = filepath.Dir(file)
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rest, n := string(out), 0
	for _, m := range regexp.MustCompile(`(?m)^#> (.*)$`).FindAllStringSubmatch(script, -1) {
		n++
		_, after, ok := strings.Cut(rest, m[1])
		if !ok {
			t.Fatalf("it does not say %s\nbut %s", m[1], rest)
		}
		rest = after
	}
	if n < 10 {
		t.Errorf("%d answers only", n)
	}
}
