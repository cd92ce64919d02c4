package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"idbroker/store/storetest"
)

// invenioDouble is the double hash of "correct horse é" under the salt "s3cr3t-salt", as Invenio keeps it.
const invenioDouble = "$pbkdf2-sha512$25000$MDEyMzQ1Njc4OWFiY2RlZg$uYSEdBQqQ9JX7hGlClLdaeGJm8LIsSORMmyM3iFoW1/H53GBw3OBnhEIiVam3N19qAUUCf98FD8vGXVQ7O8zGw"

func (o *operator) write(name, text string) string {
	o.t.Helper()
	path := filepath.Join(o.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
	return path
}

// TestImportOfFiles: CSV as PostgreSQL writes it and JSON Lines come to the same; a dry run
// writes nothing, a second run neither.
func TestImportOfFiles(t *testing.T) {
	for name, dsn := range map[string]func(t *testing.T) string{
		"sqlite": func(*testing.T) string { return "sqlite:broker.db" }, "postgres": func(t *testing.T) string { return storetest.EmptyPostgres(t) },
	} {
		t.Run(name, func(t *testing.T) { importOfFiles(t, dsn(t)) })
	}
}

func importOfFiles(t *testing.T, dsn string) {
	o := newOperator(t).set("BROKER_DATABASE__DSN="+dsn, "BROKER_DATABASE__MIGRATE=always", "BROKER_ACCOUNTS__INVENIO_PASSWORD_SALT=s3cr3t-salt")
	o.run("keys", "keyring", "--file", "broker.key")
	csv := o.write("users.csv", "\ufeffemail,email_verified,username,name,password_hash,created_at,disabled,identities\n"+
		"ada@example.org,t,ada,\"Lovelace, Ada\",\""+invenioDouble+"\",2019-01-31 12:00:00.123456,f,\n"+
		"bob@example.org,f,,\"Two\nlines\",,2019-01-31 12:00:00+02,t,\n")
	lines := o.write("users.jsonl", `{"email": "cleo@example.org", "email_verified": true, "password_hash": "$invenio-aes$info@inveniosoftware.org$2111c5afa1b6900ff0a10a662c1ee084a7a7ff58dfad5766ac2aac1744602b80"}`+
		"\n\n"+`{"email": "ADA@example.org"}`+"\n")
	var v importView
	o.read(&v, "users", "import", csv, "--double-hash", "--dry-run")
	if v != (importView{Accounts: 2, New: 2, DryRun: true}) || strings.Contains(o.run("users", "list"), "ada@") {
		t.Errorf("dry run: %+v", v)
	}
	o.read(&v, "users", "import", csv, "--double-hash")
	if v != (importView{Accounts: 2, New: 2, Written: 2}) {
		t.Errorf("import: %+v", v)
	}
	o.read(&v, "users", "import", csv, "--double-hash")
	if v != (importView{Accounts: 2, Known: 2}) {
		t.Errorf("once more: %+v", v)
	}
	states := o.write("states.csv", "email,confirmed_at,verified_at,blocked_at,blocked_reason,active\n"+
		"dan@example.org,2020-01-02 03:04:05,2020-02-03 03:04:05,,,t\n"+"eve@example.org,2020-01-02 03:04:05,,2021-03-04 03:04:05,Sent spam.,f\n")
	o.run("users", "import", states)
	out, errs, code := o.try(read(t, lines), "users", "import", "-", "--double-hash", "--json")
	if code != 0 || !strings.Contains(out, `"written": 1`) {
		t.Errorf("from standard input: %d\n%s%s", code, out, errs)
	}
	for who, want := range map[string][]string{
		"ada": {"Lovelace, Ada", "2019-01-31", "password       yes"}, "bob@example.org": {"Two lines", "(not proven", "disabled       20"}, "cleo@example.org": {"password       yes"},
		"dan@example.org": {"2020-02-03"}, "eve@example.org": {"2021-03-04", "Sent spam."},
	} {
		for _, w := range want {
			if out := o.run("users", "show", who); !strings.Contains(out, w) {
				t.Errorf("%s: %q is missing in\n%s", who, w, out)
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestImportTellsEveryProblem with the line that it is in, and writes nothing.
func TestImportTellsEveryProblem(t *testing.T) {
	o := newOperator(t)
	file := o.write("bad.jsonl", strings.Join([]string{
		`{"email": "ada@example.org"}`,
		`{"email": "nobody", "username": "a b"}`,
		`{"email": ["bob@example.org"]}`,
		`{"email": "bob@example.org", "email": "eve@example.org"}`,
		`{"email": "bob@example.org", "admin": true}`,
		`{"email": "bob@example.org"} {}`,
		`[]`,
		`{"email": "ada@EXAMPLE.org"}`,
		`{"email": "bob@example.org", "created_at": "yesterday", "password_hash": "secret words"}`,
		`{"email": "bob@example.org", "identities": [{"provider": "nowhere", "subject": "1"}]}`,
		`{"email": "cleo@example.org", "active": true, "disabled": true, "blocked_at": "soon"}`,
		`{"email": "dan@example.org", "blocked_reason": "spam"}`,
	}, "\n"))
	out, errs, code := o.try("", "users", "import", file)
	for _, want := range []string{
		"line 2: email: ", "line 2: username: ", "line 3: line: ", `line 4: line: "email" stands in it twice`, `line 5: line: unknown field "admin"`, "line 6: line: ", "line 7: line: ",
		"line 8: email: stands in an earlier line", "line 9: created_at: ", `line 10: identities: provider "nowhere" is not configured`,
		"line 11: active: contradicts disabled", "line 11: blocked_at: ", "line 12: blocked_reason: ", "broker: 13 problems; nothing was written",
	} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if code != 1 || out != "" || strings.Contains(errs, "secret words") || strings.Contains(o.run("users", "list"), "@") {
		t.Errorf("%d %s\n%s", code, out, errs)
	}
	for text, want := range map[string]string{
		"": "no account", "email\n": "no account", "name\nAda\n": "no column email", "email,role\nx,y\n": `"role"`, "email,email\n": "two columns",
		"email,name\nada@example.org\n": "line 2: line: has 1 column, the header has 2\nbroker: 1 problem; nothing was written", "email\n\"ada\n": "quote", "email,disabled\na@example.org,perhaps\n": "neither true nor false",
		"email,identities\na@example.org,orcid\n": "identities", "{" + strings.Repeat(" ", 1<<17): "too long",
	} {
		if out, errs, code := o.try("", "users", "import", o.write("bad.csv", text)); code != 1 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%.40q: %d\n%s%s", text, code, out, errs)
		}
	}
}

// importMemory is what an import may take, in KiB: the program itself has half of it.
const importMemory = 120 << 10

// TestImportIsBounded: the memory does not grow with what an account holds.
func TestImportIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	o := newOperator(t)
	var text strings.Builder
	const accounts = 10_000
	for i := range accounts {
		fmt.Fprintf(&text, `{"email": "user%d@example.org", "email_verified": true, "username": "user%d", "name": "Somebody With A Name %d", "password_hash": "%s"}`+"\n", i, i, i, invenioDouble)
	}
	cmd := o.set("BROKER_ACCOUNTS__INVENIO_PASSWORD_SALT=s3cr3t-salt").command("users", "import", o.write("many.jsonl", text.String()), "--double-hash")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), fmt.Sprint(accounts)) {
		t.Fatalf("%v\n%s", err, out)
	}
	used := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	t.Logf("%d accounts: %d MiB, %v", accounts, used>>10, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	if used > importMemory {
		t.Errorf("%d KiB", used)
	}
}
