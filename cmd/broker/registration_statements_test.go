package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"idbroker/config"
)

// TestStatementIssuers: keys come from a file that has some, or an address.
func TestStatementIssuers(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	read := func(from string) (string, string, error) {
		all, err := statementIssuers(config.Config{Registration: config.Registration{Statements: map[string]string{"https://d.example": from}}})
		if err != nil {
			return "", "", err
		}
		return all[0].JWKS, all[0].JWKSURI, nil
	}
	if jwks, uri, err := read(write("keys.json", publicKey)); err != nil || jwks != publicKey || uri != "" {
		t.Errorf("a file: %q %q %v", jwks, uri, err)
	}
	if jwks, uri, err := read("https://d.example/jwks"); err != nil || jwks != "" || uri != "https://d.example/jwks" {
		t.Errorf("an address: %q %q %v", jwks, uri, err)
	}
	for _, bad := range []string{filepath.Join(dir, "missing"), dir, write("none.json", "{}"), write("private.json", strings.Replace(publicKey, `"x"`, `"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x"`, 1)), write("large.json", strings.Repeat(" ", maxKeyFile+1))} {
		if _, _, err := read(bad); err == nil || !strings.Contains(err.Error(), "registration.software_statements") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
