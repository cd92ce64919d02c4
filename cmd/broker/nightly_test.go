package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSaysWhatToDo: what an operator reads at night names the cause, and the next step.
func TestSaysWhatToDo(t *testing.T) {
	o := newOperator(t)
	o.run("users", "create", "ada@example.org")
	first := o.serve()
	taken := strings.TrimPrefix(first.base, "http://")
	for want, args := range map[string][]string{
		"nothing is to be changed; name it":                          {"users", "set", "ada@example.org"},
		"no provider nowhere is configured; see: broker providers":   {"users", "tokens", "refresh", "ada@example.org", "nowhere"},
		"see: broker users passkeys list":                            {"users", "passkeys", "remove", "ada@example.org", "none"},
		"name a directory that you may write to":                     {"templates", "export", filepath.Join(o.dir, "broker.db", "templates")},
		"is another broker running? choose another port with BROKER": {"serve"},
	} {
		if told := o.set("BROKER_SERVER__ADDRESS=" + taken).refuses(args...); !strings.Contains(told, want) || strings.Count(told, want) != 1 {
			t.Errorf("%q: %s", args, told)
		}
	}
	first.stop()

	// Another keyring than the database's.
	ring := filepath.Join(o.dir, "other.key")
	o.run("keys", "keyring", "--file", ring)
	if told := o.set("BROKER_SECRETS__KEYRING_FILE=" + ring).refuses("serve"); !strings.Contains(told, "must be the one of this database") {
		t.Error(told)
	}

	// A file that is no database, and one that nobody may read.
	broken := newOperator(t)
	name := filepath.Join(broken.dir, "broker.db")
	if err := os.WriteFile(name, []byte(strings.Repeat("this is no database. ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	if told := broken.refuses("users", "list"); !strings.Contains(told, "or a broken one: name another file, or restore your backup") {
		t.Error(told)
	}
	if os.Geteuid() == 0 {
		return // root reads everything, and opens every port
	}
	if err := os.Chmod(name, 0); err != nil {
		t.Fatal(err)
	}
	if told := broken.refuses("users", "list"); !strings.Contains(told, "let the user that the broker runs as read and write the file") {
		t.Error(told)
	}
}
