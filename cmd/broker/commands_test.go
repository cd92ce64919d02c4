package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store/storetest"
)

func TestUsers(t *testing.T) {
	o := newOperator(t)
	var made userView
	o.read(&made, "users", "create", "Ada@Example.org", "--name", "Ada Lovelace", "--username", "ada")
	if made.ID == "" || made.Email != "ada@example.org" || !made.EmailVerified || made.Admin || made.Password {
		t.Fatalf("made: %+v", made)
	}
	out, errs, code := o.try("correct horse battery\n", "users", "create", "bob@example.org", "--admin", "--password-stdin")
	if code != 0 || strings.Contains(out+errs, "correct horse") || !strings.Contains(out, "administrator  yes") {
		t.Fatalf("%d\n%s%s", code, out, errs)
	}
	for _, who := range []string{string(made.ID), "ADA@example.org", "Ada"} {
		var shown userView
		o.read(&shown, "users", "show", who)
		if shown.ID != made.ID || shown.Name != "Ada Lovelace" || shown.Sessions == nil {
			t.Errorf("show %s: %+v", who, shown)
		}
	}
	var state userView
	o.read(&state, "users", "disable", "ada")
	if state.DisabledAt.IsZero() {
		t.Error("not disabled")
	}
	o.read(&state, "users", "disable", "ada") // twice is fine
	var open userView
	o.read(&open, "users", "enable", "ada@example.org")
	if !open.DisabledAt.IsZero() {
		t.Error("not enabled")
	}
	var first, rest []userView
	o.read(&first, "users", "list", "--limit", "1")
	if len(first) != 1 {
		t.Fatalf("first: %+v", first)
	}
	o.read(&rest, "users", "list", "--after", string(first[0].ID))
	if len(rest) != 1 || rest[0].ID == first[0].ID {
		t.Errorf("rest: %+v", rest)
	}
	if table := o.run("users", "list"); !strings.Contains(table, "ada@example.org") || !strings.HasPrefix(table, "ID ") {
		t.Error(table)
	}
	for _, args := range [][]string{
		{"users", "create", "ada@example.org"}, {"users", "create", "nonsense"}, {"users", "create", "x@example.org", "--username", "ada"},
		{"users", "create", "x@example.org", "--name", "a\x1b[31mb"}, {"users", "create", "x@example.org", "--password-stdin"},
		{"users", "show", "nobody"}, {"users", "disable", "nobody@example.org"}, {"users", "enable", ""}, {"users", "list", "--limit", "0"},
	} {
		if line := o.refuses(args...); strings.ContainsRune(line, '\x1b') {
			t.Errorf("%v writes an escape", args)
		}
	}
	if _, errs, code := o.try("short\n", "users", "create", "y@example.org", "--password-stdin"); code != 1 || strings.Contains(errs, "short\n") {
		t.Errorf("short password: %d %s", code, errs)
	}
}

// TestUsersWithHashes: an operator brings passwords of another system in.
func TestUsersWithHashes(t *testing.T) {
	o := newOperator(t)
	const hash = "$2b$04$4H8kxA4afQtLukrACelGaOEVAQN556KWwIFja0lHG2tfVizwV3Kyq"
	out, errs, code := o.try(hash+"\n", "users", "create", "ada@example.org", "--password-hash-stdin")
	if code != 0 || strings.Contains(out+errs, hash[7:]) || !strings.Contains(out, "password       yes") {
		t.Fatalf("%d\n%s%s", code, out, errs)
	}
	for _, tt := range []struct{ in, want, args string }{
		{"", "no password hash", "--password-hash-stdin"}, {"correct horse", "not a password hash", "--password-hash-stdin"},
		{strings.Replace(hash, "$04$", "$31$", 1), "more memory or time", "--password-hash-stdin"},
		{hash, "accounts.invenio_password_salt", "--password-hash-stdin --double-hash"}, {hash, "--password-hash-stdin", "--double-hash"},
		{hash, "can't be used together", "--password-hash-stdin --password-stdin"},
	} {
		out, errs, code := o.try(tt.in+"\n", append([]string{"users", "create", "bob@example.org"}, strings.Fields(tt.args)...)...)
		if code == 0 || !strings.Contains(errs, tt.want) || strings.Contains(out+errs, "correct horse") || strings.Contains(out+errs, hash[7:]) {
			t.Errorf("%s: %d %s%s", tt.args, code, out, errs)
		}
	}
}

// TestPepper: a pepper in a file is taken up, and what is none stops the program.
func TestPepper(t *testing.T) {
	o := newOperator(t)
	file := filepath.Join(t.TempDir(), "pepper")
	if err := os.WriteFile(file, []byte(o.run("keys", "keyring")), 0o600); err != nil {
		t.Fatal(err)
	}
	o.set("BROKER_ACCOUNTS__PEPPER_FILE="+file).run("users", "create", "ada@example.org")
	if err := os.WriteFile(file, []byte("salt and pepper"), 0o600); err != nil {
		t.Fatal(err)
	}
	if line := o.set("BROKER_ACCOUNTS__PEPPER_FILE="+file).refuses("users", "create", "bob@example.org"); !strings.Contains(line, "accounts.pepper") || strings.Contains(line, "salt and") {
		t.Error(line)
	}
}

// TestPasswordsStatus: an operator learns how many wait for an old pepper, and when it may go.
func TestPasswordsStatus(t *testing.T) {
	o := newOperator(t)
	if out := o.run("passwords", "status"); !strings.Contains(out, "No account has a password") {
		t.Error(out)
	}
	dir := t.TempDir()
	file, other := filepath.Join(dir, "pepper"), filepath.Join(dir, "other")
	for _, name := range []string{file, other} {
		if err := os.WriteFile(name, []byte(o.run("keys", "keyring")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o = o.set("BROKER_ACCOUNTS__PEPPER_FILE=" + file)
	if _, errs, code := o.try("plattenspieler im regen\n", "users", "create", "ada@example.org", "--password-stdin"); code != 0 {
		t.Fatal(errs)
	}
	var forms []struct{ Kind, Pepper, State string }
	o.read(&forms, "passwords", "status")
	if len(forms) != 1 || forms[0].Kind != "argon2id" || forms[0].Pepper == "" || forms[0].State != "current" {
		t.Fatalf("%+v", forms)
	}
	o = o.set("BROKER_ACCOUNTS__PEPPER_FILE=" + other)
	if out := o.run("passwords", "status"); !strings.Contains(out, "their password: 1.") || !strings.Contains(out, "lacks the pepper "+forms[0].Pepper) {
		t.Error(out)
	}
}

// TestDatabaseNotReached: a command says what to look at.
func TestDatabaseNotReached(t *testing.T) {
	o := newOperator(t).set("BROKER_DATABASE__DSN=postgres://ada:not-shown@127.0.0.1:1/nowhere")
	if line := o.refuses("migrate", "status"); !strings.Contains(line, "database.dsn: the database is not reached; see to it that it runs") || strings.Contains(line, "not-shown") {
		t.Error(line)
	}
}

// TestPasswords: the operator prepares the list, and nobody chooses what is in it.
func TestPasswords(t *testing.T) {
	o := newOperator(t)
	dir := t.TempDir()
	list, file := filepath.Join(dir, "list"), filepath.Join(dir, "breached")
	if err := os.WriteFile(list, []byte("43D7E030CC7A72ED9B5CEC312ABBFCE2B86DC154:2427158\r\n"), 0o600); err != nil { // plattenspieler im regen
		t.Fatal(err)
	}
	if _, errs, code := o.try("plattenspieler im regen\n", "passwords", "check"); code != 1 || !strings.Contains(errs, "accounts.breached_passwords") {
		t.Errorf("without a file: %d %s", code, errs)
	}
	if out := o.run("passwords", "prepare", list, file); !strings.Contains(out, "passwords  1") {
		t.Error(out)
	}
	o.refuses("passwords", "prepare", list, file, "--seen", "0")
	o.refuses("passwords", "prepare", list, file, "--seen", "3000000")
	o.refuses("passwords", "prepare", file, list)
	for password, want := range map[string]int{"plattenspieler im regen": 1, "correct horse battery": 0, "": 1} {
		out, errs, code := o.try(password+"\n", "passwords", "check", "--in", file)
		if code != want || password != "" && strings.Contains(out+errs, password) {
			t.Errorf("%s: %d %s%s", password, code, out, errs)
		}
	}
	o = o.set("BROKER_ACCOUNTS__BREACHED_PASSWORDS=" + file)
	if _, errs, code := o.try("plattenspieler im regen\n", "users", "create", "ada@example.org", "--password-stdin"); code != 1 || !strings.Contains(errs, "leaked") {
		t.Errorf("create: %d %s", code, errs)
	}
	if err := os.WriteFile(file, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if line := o.refuses("users", "create", "ada@example.org"); !strings.Contains(line, "accounts.breached_passwords") {
		t.Error(line)
	}
}

func TestClients(t *testing.T) {
	o := newOperator(t)
	var made clientView
	o.read(&made, "clients", "create", "Wiki", "--id", "wiki", "--redirect-uri", "https://wiki.example.org/cb?a=1,2", "--redirect-uri", "http://127.0.0.1/cb",
		"--post-logout-redirect-uri", "https://wiki.example.org/", "--alg", "ES256", "--scope", "openid email", "--contact", "ops@example.org")
	if made.ID != "wiki" || len(made.Secret) < 43 || made.AuthMethod != broker.AuthBasic || len(made.Redirects) != 2 || made.Redirects[0] != "https://wiki.example.org/cb?a=1,2" ||
		made.Alg != broker.ES256 || strings.Join(made.Scopes, " ") != "openid email" || !made.PKCE {
		t.Fatalf("made: %+v", made)
	}
	if shown := o.run("clients", "show", "wiki", "--json") + o.run("clients", "list", "--json") + o.run("clients", "list"); strings.Contains(shown, made.Secret) {
		t.Error("the secret is shown again")
	}
	for _, name := range []string{"broker.db", "broker.db-wal"} {
		if b, _ := os.ReadFile(filepath.Join(o.dir, name)); strings.Contains(string(b), made.Secret) {
			t.Error("the secret is in the database")
		}
	}
	var app clientView
	o.read(&app, "clients", "create", "Desktop", "--public", "--redirect-uri", "org.example.desktop:/cb")
	if app.Secret != "" || app.AuthMethod != broker.AuthNone || !app.PKCE || app.ID == "" {
		t.Errorf("public: %+v", app)
	}

	var turned, shown clientView
	o.read(&turned, "clients", "rotate-secret", "wiki", "--expire-old", "2h")
	if turned.Secret == "" || turned.Secret == made.Secret || len(turned.Secrets) != 2 || !turned.Secrets[0].Live || turned.Secrets[0].ExpiresAt.IsZero() || !turned.Secrets[1].ExpiresAt.IsZero() {
		t.Fatalf("rotated: %+v", turned)
	}
	if d := time.Until(turned.Secrets[0].ExpiresAt); d > 2*time.Hour || d < time.Hour {
		t.Errorf("the old secret lives for %s", d)
	}
	o.refuses("clients", "rotate-secret", "wiki")
	o.read(&turned, "clients", "rotate-secret", "wiki", "--expire-old", "0s")
	o.read(&shown, "clients", "show", "wiki")
	if len(shown.Secrets) != 1 {
		t.Errorf("after a leak: %+v", shown.Secrets)
	}

	for _, args := range [][]string{
		{"clients", "create", "Wiki", "--id", "wiki", "--redirect-uri", "https://x.example.org/"}, {"clients", "create", "No redirect"},
		{"clients", "create", "Bad", "--redirect-uri", "javascript:alert(1)"}, {"clients", "create", "Bad", "--public", "--grant", "client_credentials"},
		{"clients", "create", "Bad", "--id", "../x", "--redirect-uri", "https://x.example.org/"}, {"clients", "create", "", "--redirect-uri", "https://x.example.org/"},
		{"clients", "show", "none"}, {"clients", "rotate-secret", "none"}, {"clients", "rotate-secret", app.ID}, {"clients", "rotate-secret", "wiki", "--expire-old", "-1h"},
		{"clients", "rotate-secret", "wiki", "--expire-old", "soon"}, {"clients", "delete", "wiki"}, {"clients", "delete", "none", "--yes"},
	} {
		o.refuses(args...)
	}
	o.run("clients", "delete", "wiki", "--yes")
	var all []clientView
	o.read(&all, "clients", "list")
	if len(all) != 1 || all[0].ID != app.ID {
		t.Errorf("left: %+v", all)
	}
}

func TestKeys(t *testing.T) {
	o := newOperator(t)
	r := o.serve()
	var before, made, after []keyView
	o.read(&before, "keys", "list")
	o.read(&made, "keys", "rotate", "--alg", "ES256")
	o.read(&after, "keys", "list")
	if len(before) != 2 || len(made) != 1 || made[0].Alg != broker.ES256 || made[0].State != broker.KeyPublished || len(after) != 3 {
		t.Errorf("before %+v\nmade %+v\nafter %+v", before, made, after)
	}
	if table := o.run("keys", "list"); strings.Contains(table, "PRIVATE") || !strings.Contains(table, "signing") {
		t.Error(table)
	}
	// A broker that runs obeys soon, and says so to whoever asks.
	kid := ""
	for _, k := range after {
		if k.Alg == broker.RS256 {
			kid = k.ID
		}
	}
	published := func() string { _, body := get(t, r.base+"/oauth2/jwks.json"); return body }
	if !strings.Contains(published(), kid) {
		t.Fatal("the signing key is not published")
	}
	if line := o.refuses("keys", "revoke", kid); !strings.Contains(line, "--yes") {
		t.Error(line)
	}
	if text := o.run("keys", "revoke", kid, "--yes"); !strings.Contains(text, "is withdrawn. It was signing.") || !strings.Contains(text, "signs from now on") {
		t.Error(text)
	}
	r.await("the withdrawal", func() bool { return !strings.Contains(published(), kid) })
	var left []keyView
	o.read(&left, "keys", "list")
	for _, k := range left {
		if shown := strings.Contains(published(), k.ID); shown == (k.State == broker.KeyRevoked) {
			t.Errorf("%s %s is published: %t", k.State, k.ID, shown)
		}
	}
	if len(left) != 4 {
		t.Errorf("left: %+v", left)
	}
	o.refuses("keys", "revoke", kid, "--yes")
	o.refuses("keys", "revoke", "none", "--yes")
	var now []keyView
	o.read(&now, "keys", "rotate", "--now", "--alg", "RS256")
	if len(now) != 1 || time.Until(now[0].SignsFrom) > 2*time.Minute {
		t.Errorf("now: %+v", now)
	}
	r.stop()
	o.refuses("keys", "rotate", "--alg", "none")
	o.refuses("keys", "keyring", "--file", "broker.key")
	if ring := o.run("keys", "keyring"); len(strings.TrimSpace(ring)) != 44 {
		t.Errorf("keyring: %q", ring)
	}
}

// TestMigrate walks a database of each kind up and down, and starts a broker
// on it.
func TestMigrate(t *testing.T) {
	walk := func(t *testing.T, dsn string, auto bool) {
		o := newOperator(t)
		o.run("keys", "keyring", "--file", "broker.key")
		o = o.set("BROKER_DATABASE__DSN=" + dsn)
		var all []migrationView
		o.read(&all, "migrate", "status")
		if len(all) == 0 || all[0].Applied {
			t.Fatalf("a new database: %+v", all)
		}
		if plan := o.run("migrate", "plan"); !strings.Contains(plan, "CREATE TABLE users") {
			t.Errorf("plan: %.200s", plan)
		}
		if !auto {
			if line := o.refuses("serve"); !strings.Contains(line, "broker migrate up") {
				t.Error(line)
			}
			o.refuses("users", "list")
		}
		if out := o.run("migrate", "up"); !strings.Contains(out, "applied: "+all[0].Name) {
			t.Error(out)
		}
		if out := o.run("migrate", "up"); !strings.Contains(out, "nothing to do") {
			t.Error(out)
		}
		o.run("users", "create", "ada@example.org")
		r := o.serve()
		if status, body := get(t, r.admin+readyPath); status != 200 {
			t.Errorf("ready: %d %s", status, body)
		}
		r.stop()
		o.refuses("migrate", "down")
		o.refuses("migrate", "down", "--steps", "0", "--yes")
		o.run("migrate", "down", "--yes")
		o.read(&all, "migrate", "status")
		if all[len(all)-1].Applied {
			t.Errorf("after down: %+v", all)
		}
		o.run("migrate", "down", "--yes", "--steps", strconv.Itoa(len(all))) // all the way: more than there are is fine
		if o.read(&all, "migrate", "status"); all[0].Applied {
			t.Errorf("after all the way down: %+v", all)
		}
	}
	t.Run("sqlite", func(t *testing.T) { walk(t, storetest.EmptySQLite(t), true) })
	t.Run("postgres", func(t *testing.T) {
		dsn := storetest.EmptyPostgres(t)
		walk(t, dsn, false)
		o := newOperator(t)
		o.run("keys", "keyring", "--file", "broker.key")
		o.set("BROKER_DATABASE__DSN="+dsn, "BROKER_DATABASE__MIGRATE=always").serve().stop()
	})
}

// TestTwoReplicas shares a PostgreSQL database: both see what one has made.
func TestTwoReplicas(t *testing.T) {
	dsn := storetest.EmptyPostgres(t)
	a := newOperator(t)
	a.run("keys", "keyring", "--file", "broker.key")
	a = a.set("BROKER_DATABASE__DSN=" + dsn)
	a.run("migrate", "up")
	one, two := a.serve(), a.serve()
	_, keys := get(t, one.base+"/oauth2/jwks.json")
	if _, again := get(t, two.base+"/oauth2/jwks.json"); keys != again || !strings.Contains(keys, `"kid"`) {
		t.Errorf("replicas publish different keys:\n%s\n%s", keys, again)
	}
	a.run("users", "create", "ada@example.org")
	one.stop()
	if status, _ := get(t, two.admin+readyPath); status != 200 {
		t.Error("the other replica is not ready")
	}
	two.stop()
}

func TestConfigCommands(t *testing.T) {
	o := newOperator(t)
	if out := o.run("config", "validate"); !strings.Contains(out, "fine") {
		t.Error(out)
	}
	example := o.run("config", "example")
	if err := os.WriteFile(filepath.Join(o.dir, "broker.yaml"), []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	o.run("config", "validate", "--config", "broker.yaml")
	if out := o.set("BROKER_MAIL__SMTP__PASSWORD=hunter2", "BROKER_MAIL__SMTP__USERNAME=u", "BROKER_MAIL__SMTP__HOST=h", "BROKER_MAIL__FROM=a@example.org").run("config", "print"); strings.Contains(out, "hunter2") ||
		!strings.Contains(out, "BROKER_MAIL__SMTP__PASSWORD") || !strings.Contains(out, "broker.yaml:") {
		t.Error(out)
	}
	var values []struct{ Path, Origin string }
	o.read(&values, "config", "print")
	if len(values) < 30 {
		t.Errorf("%d values", len(values))
	}
	if schema := o.run("config", "schema"); !strings.Contains(schema, "json-schema.org") {
		t.Error(schema)
	}
	// What only package providers knows is checked too.
	if line := o.set("BROKER_PROVIDERS__X__KIND=github", "BROKER_PROVIDERS__X__CLIENT_ID=x", "BROKER_PROVIDERS__X__AUTH_STYLE=basic").refuses("config", "validate"); !strings.Contains(line, "client_secret") {
		t.Error(line)
	}
}

func TestUsageErrors(t *testing.T) {
	o := newOperator(t)
	for _, args := range [][]string{{}, {"nosuch"}, {"users"}, {"users", "create"}, {"serve", "--nosuch"}, {"clients", "create", "x", "--alg", "none"}, {"migrate", "sideways"}, {"--config"}} {
		if line := o.refuses(args...); !strings.Contains(line, "--help") {
			t.Errorf("%v: %s", args, line)
		}
	}
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"clients", "create", "-h"}, {"config", "validate", "--help"}, {"keys", "rotate", "--help"}, {"users", "import", "--help"}} {
		if out := o.run(args...); !strings.Contains(out, "Usage: broker") || !strings.Contains(out, "    broker ") || strings.Contains(out, "$$") {
			t.Errorf("%v teaches nothing:\n%s", args, out)
		}
	}
	var v versionView
	o.read(&v, "version")
	if v.Version == "" || v.Go == "" || !strings.HasPrefix(o.run("version"), "broker ") {
		t.Errorf("version: %+v", v)
	}
}
