package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write docs/config.schema.json and docs/config.example.yaml")

func example(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteExample(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func schema(t *testing.T) []byte {
	t.Helper()
	b, err := makeSchema()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDocumentsAreUpToDate(t *testing.T) {
	docs := filepath.Join("..", "docs")
	for path, want := range map[string][]byte{
		"config.schema.json":                      schema(t), // what the program has
		filepath.Join(docs, "config.schema.json"): schema(t), filepath.Join(docs, "config.example.yaml"): example(t),
	} {
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the code describes (%v); run: go test ./config -update", path, err)
		}
	}
}

// compile makes a validator of the schema.
func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema(t)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("schema.json")
}

// value reads YAML as the validator wants it.
func value(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	v, _ = jsonschema.UnmarshalJSON(bytes.NewReader(b))
	return v
}

// uncommented switches every setting of the example on. The files that it
// names are made in dir.
func uncommented(t *testing.T, dir string) string {
	text := regexp.MustCompile(`(?m)^( *)#(\S| {2})`).ReplaceAllString(string(example(t)), "$1$2")
	text = regexp.MustCompile(`(?m)^( *(?:- )?\w+(?:_file|certificate|key|logo): )/\S*/(\S+)$`).ReplaceAllStringFunc(text, func(line string) string {
		i := strings.LastIndex(line, "/")
		name := filepath.Join(dir, line[i+1:])
		if err := os.WriteFile(name, []byte("secret of "+line[i+1:]), 0o600); err != nil {
			t.Fatal(err)
		}
		return line[:strings.Index(line, "/")] + name
	})
	return regexp.MustCompile(`(certificate|key|ca): /etc/broker/`).ReplaceAllStringFunc(text, func(s string) string {
		for _, name := range []string{"tls.crt", "tls.key", "mail-ca.pem", "redis-ca.pem"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return strings.Replace(s, "/etc/broker", dir, 1)
	})
}

func TestExample(t *testing.T) {
	validator := compile(t)
	if err := validator.Validate(value(t, string(example(t)))); err != nil {
		t.Error(err)
	}
	zero, asShown := must(t, ""), must(t, string(example(t)))
	zero.origin, asShown.origin = nil, nil
	if !reflect.DeepEqual(zero, asShown) {
		t.Errorf("the example changes something:\n%+v\n%+v", asShown, zero)
	}

	text := uncommented(t, t.TempDir())
	if err := validator.Validate(value(t, text)); err != nil {
		t.Error(err)
	}
	c, err := parse(t, text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for _, v := range c.Effective() {
		if v.Origin == byDefault && !strings.HasPrefix(v.Path, "mail.smtp.password") {
			t.Errorf("%s is not in the example", v.Path)
		}
	}
	if len(c.Providers) != 1 || c.Providers[0].ClientSecret == "" {
		t.Errorf("providers: %+v", c.Providers)
	}
}

func TestSchemaRefuses(t *testing.T) {
	validator := compile(t)
	for _, text := range []string{
		"nosuch: 1", "server: {adress: x}", "server: {trusted_hops: 11}", "sessions: {idle: 12}", "sessions: {idle: soon}",
		"mail: {smtp: {tls: maybe}}", "providers: [{kind: orchid}]", "providers: {id: x}", "accounts: {sign_up: 'yes'}", "brand: {help_url: ' '}",
	} {
		if validator.Validate(value(t, text)) == nil {
			t.Errorf("schema accepts %s", text)
		}
	}
	for _, text := range []string{"sessions: {idle: 1d12h}", "mail: {smtp: {password_file: /x}}", "providers: [{id: x, client_secret_file: y}]"} {
		if err := validator.Validate(value(t, text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestEverySettingIsDescribed keeps a key from being added without words.
func TestEverySettingIsDescribed(t *testing.T) {
	for _, s := range Settings() {
		if !strings.HasSuffix(s.doc, ".") {
			t.Errorf("%s: doc = %q", s.Path, s.doc)
		}
		if s.def == "" && s.example == "" && s.typ.Kind() != reflect.Bool {
			t.Errorf("%s has neither default nor example", s.Path)
		}
	}
}

func TestEffective(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(file, []byte("p4ssword"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := must(t, "database: {dsn: 'postgres://u:p4ssword@db.example.org/b'}\nproviders:\n  - id: orcid\n    kind: orcid\n    client_id: x\n    client_secret: p4ssword\nsessions:\n  idle: 90m",
		"BROKER_BRAND__NAME=Ada", "BROKER_MAIL__FROM=a@example.org", "BROKER_MAIL__SMTP__HOST=h", "BROKER_MAIL__SMTP__USERNAME=u", "BROKER_MAIL__SMTP__PASSWORD_FILE="+file)
	got := map[string]string{}
	for _, v := range c.Effective() {
		got[v.Path] = v.Text() + " " + v.Origin
	}
	for path, want := range map[string]string{
		"database.dsn":                   `"postgres://u:xxxxx@db.example.org/b" broker.yaml:1`,
		"providers[orcid].client_secret": `"[redacted]" broker.yaml:6`,
		"sessions.idle":                  `"1h30m" broker.yaml:8`,
		"sessions.absolute":              `"12h" default`,
		"brand.name":                     `"Ada" BROKER_BRAND__NAME`,
		"mail.smtp.password":             `"[redacted]" BROKER_MAIL__SMTP__PASSWORD_FILE → ` + file,
		"server.base_url":                `"http://127.0.0.1:8080" made from server.address`,
	} {
		if got[path] != want {
			t.Errorf("%s = %s, want %s", path, got[path], want)
		}
	}
	b, err := json.Marshal(c.Effective())
	if err != nil || bytes.Contains(b, []byte("p4ssword")) {
		t.Errorf("%s %v", b, err)
	}
	hidden := must(t, "database: {dsn: 'postgres://h/b?user=u&password=p4ssword'}")
	if s := redact(hidden.Database.DSN); strings.Contains(s, "p4ss") {
		t.Error(s)
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"90s": 90 * time.Second, "12h": 12 * time.Hour, "30d": 30 * day, "1d12h": 36 * time.Hour, "0s": 0, "1h0m1s": time.Hour + time.Second, "100ms": 100 * time.Millisecond} {
		got, err := parseDuration(text)
		if err != nil || got != want {
			t.Errorf("%s = %v, %v", text, got, err)
		}
		if again, err := parseDuration(formatDuration(got)); err != nil || again != got {
			t.Errorf("%s becomes %s", text, formatDuration(got))
		}
	}
	for _, text := range []string{"", "d", "-1d", "1.5d", "12", "-1h", "1d-5h", "99999999999d", "1y", "dd", "1d1d", "9999999h"} {
		if d, err := parseDuration(text); err == nil {
			t.Errorf("%q = %v", text, d)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(""), "")
	f.Add([]byte("server: {base_url: 'https://id.example.org'}"), "BROKER_SERVER__ADDRESS=:1")
	f.Add([]byte("providers: [{id: a, kind: oidc}, x, {id: a}]"), "BROKER_PROVIDERS__A__KIND=github")
	f.Add([]byte("a: &a {b: *a}"), "BROKER_PROVIDERS=1")
	f.Add([]byte("server: [1, {2: 3}]\n? {a: b}\n: c"), "BROKER_A__B__C=1")
	f.Add([]byte("server: {<<: {address: x}, tls: ~}\nlog__level: x"), "BROKER_LOG__LEVEL__X=1")
	f.Add([]byte("providers:\n- ~\n- id: 7\n- [a]"), "BROKER_PROVIDERS____=1")
	f.Fuzz(func(t *testing.T, data []byte, variable string) {
		c, err := Parse("f", data, []string{variable, "BROKER_SERVER__TLS=x"})
		if err == nil {
			for _, v := range c.Effective() {
				_ = v.Text()
			}
		} else if err.Error() == "" {
			t.Error("a problem without words")
		}
	})
}
