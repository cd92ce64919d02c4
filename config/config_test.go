package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// parse reads a file of the name broker.yaml.
func parse(t *testing.T, text string, environ ...string) (Config, error) {
	t.Helper()
	return Parse("broker.yaml", []byte(text), environ)
}

func must(t *testing.T, text string, environ ...string) Config {
	t.Helper()
	c, err := parse(t, text, environ...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestZeroConfigurationWorks(t *testing.T) {
	t.Chdir(t.TempDir())
	c, err := Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Server.Address != "127.0.0.1:8080" || c.Server.BaseURL != "http://127.0.0.1:8080" || c.Database.DSN.Reveal() != "sqlite:broker.db" ||
		c.Secrets.KeyringFile != "broker.key" || !c.Accounts.SignUp || c.Sessions.Absolute != 12*time.Hour || c.Mail.SMTP.Port != 587 {
		t.Errorf("defaults: %+v", c)
	}
	if len(c.Warnings()) > 0 {
		t.Errorf("defaults warn: %q", c.Warnings())
	}
}

func TestLayers(t *testing.T) {
	c := must(t, `
server:
  address: 127.0.0.1:9000
  admin_address: "off"
sessions:
  absolute: 30d
  idle: 1d12h
providers:
  - {id: cern-test, kind: cern, client_id: a, client_secret: one}
  - {id: orcid, kind: orcid, client_id: b, scopes: [openid, /read-limited]}
mail:
  smtp: # nothing below it
`,
		"BROKER_SERVER__ADDRESS=127.0.0.1:9001",
		"BROKER_SERVER__TRUSTED_HOPS=2",
		"BROKER_ACCOUNTS__SIGN_UP=false",
		"BROKER_BRAND__NAME=", // empty: not set
		"BROKER_PROVIDERS__CERN_TEST__CLIENT_SECRET=two",
		"BROKER_PROVIDERS__GITHUB__KIND=github",
		"BROKER_PROVIDERS__GITHUB__CLIENT_ID=c",
		"BROKER_PROVIDERS__GITHUB__SCOPES=read:user, user:email",
		"BROKER_PROVIDERS__ORCID__AUTH_PARAMS__SHOW_LOGIN=true",
		"BROKER_SERVICE_HOST=10.0.0.1", "BROKER_PORT=tcp://10.0.0.1:80", "OTHER__THING=1", // not ours
	)
	if c.Server.Address != "127.0.0.1:9001" || c.Server.BaseURL != "http://127.0.0.1:9001" || c.Server.AdminAddress != "" || c.Server.TrustedHops != 2 {
		t.Errorf("server: %+v", c.Server)
	}
	if c.Sessions.Absolute != 30*day || c.Sessions.Idle != 36*time.Hour || c.Accounts.SignUp || c.Brand.Name != "Identity Broker" {
		t.Errorf("%+v %+v %+v", c.Sessions, c.Accounts, c.Brand)
	}
	if len(c.Providers) != 3 {
		t.Fatalf("providers: %+v", c.Providers)
	}
	cern, orcid, github := c.Providers[0], c.Providers[1], c.Providers[2]
	if cern.ID != "cern-test" || cern.ClientSecret.Reveal() != "two" || cern.ClientID != "a" {
		t.Errorf("overridden: %+v", cern)
	}
	if orcid.AuthParams["show_login"] != "true" || len(orcid.Scopes) != 2 {
		t.Errorf("extended: %+v", orcid)
	}
	if github.ID != "github" || github.Kind != "github" || strings.Join(github.Scopes, "|") != "read:user|user:email" {
		t.Errorf("appended: %+v", github)
	}
}

func TestWhichFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("broker.yaml", "brand: {name: in place}")
	write("other.yaml", "brand: {name: other}")
	for _, tt := range []struct {
		path    string
		environ []string
		want    string
	}{
		{"", nil, "in place"},
		{"", []string{"BROKER_CONFIG=other.yaml"}, "other"},
		{"broker.yaml", []string{"BROKER_CONFIG=other.yaml"}, "in place"},
		{filepath.Join(dir, "other.yaml"), nil, "other"},
	} {
		c, err := Load(tt.path, tt.environ)
		if err != nil || c.Brand.Name != tt.want {
			t.Errorf("Load(%q, %q) = %q, %v", tt.path, tt.environ, c.Brand.Name, err)
		}
	}
	for _, path := range []string{"missing.yaml", dir} {
		if _, err := Load(path, nil); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Load(%q): %v", path, err)
		}
	}
	if err := os.WriteFile("large.yaml", make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load("large.yaml", nil); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("large file: %v", err)
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	secret := func(name, text string, mode os.FileMode) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
		return p
	}
	mine, open := secret("mine", "s3cret one\n", 0o600), secret("open", "s3cret two\r\n", 0o644)
	c := must(t, "mail:\n  from: a@example.org\n  smtp: {host: smtp.example.org, username: u, password_file: "+mine+"}",
		"BROKER_PROVIDERS__ORCID__KIND=orcid", "BROKER_PROVIDERS__ORCID__CLIENT_ID=x", "BROKER_PROVIDERS__ORCID__CLIENT_SECRET_FILE="+open)
	if got := c.Mail.SMTP.Password.Reveal(); got != "s3cret one" {
		t.Errorf("password = %q", got)
	}
	if got := c.Providers[0].ClientSecret.Reveal(); got != "s3cret two" {
		t.Errorf("client secret = %q", got)
	}
	if w := c.Warnings(); len(w) != 1 || !strings.Contains(w[0], "chmod 600 "+open) {
		t.Errorf("warnings = %q", w)
	}
	for text, want := range map[string]string{
		"dsn_file: " + dir:                          "is not a file",
		"dsn_file: " + dir + "/none":                "no such file",
		"dsn_file: " + secret("empty", "\n", 0o600): "is empty",
		"dsn_file: 7":                               "is not the name of a file",
		"dsn_file: /dev/zero":                       "is not a file",
		"dsn: sqlite:x\n  dsn_file: " + mine:        "is set beside",
		"dsn_file: " + secret("big", strings.Repeat("x", maxSecret+1), 0o600): "larger than",
	} {
		_, err := parse(t, "database:\n  "+text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

func TestEverythingWrongAtOnce(t *testing.T) {
	_, err := parse(t, `server:
  adress: ":8080"
  base_url: http://id.example.org/path
  trusted_hops: 99
  tls: {certificate: /nowhere.pem}
sessions:
  idle: 12
  absolute: soon
mail:
  smtp: {host: smtp.example.org, tls: startls, password: Tr0ub4dor}
providers:
  - {id: orcid, kind: orchid, client_id: x, client_secret: hunter2hunter2}
  - {id: Bad Id, kind: oidc}
base_url: https://id.example.org
log: debug
`, "BROKER_LOG_LEVEL=debug")
	var ps Problems
	if !errors.As(err, &ps) {
		t.Fatalf("%T %v", err, err)
	}
	text := err.Error()
	for _, want := range []string{
		`server.adress (broker.yaml:2): is not a known key; did you mean "address"?`,
		`server.base_url (broker.yaml:3): "http://id.example.org/path" has more than scheme and host`,
		`server.trusted_hops (broker.yaml:4): "99" is not between 0 and 10; write a whole number from 0 to 10`,
		`server.tls.key (broker.yaml:5): is missing`,
		`sessions.idle (broker.yaml:7): "12" is not a duration such as 2h; add the unit: 12s, 12m or 12h`,
		`sessions.absolute (broker.yaml:8): "soon" is not a duration`,
		`mail.smtp.tls (broker.yaml:10): "startls" is not one of starttls, implicit, none; did you mean "starttls"?`,
		`providers[orcid].kind (broker.yaml:12): "orchid" is not one of github, orcid, cern, globus, keycloak, oidc; did you mean "orcid"?`,
		`providers[1].id (broker.yaml:13): "Bad Id" cannot stand in a path`,
		`providers[1].client_id`, `providers[1].issuer`,
		`base_url (broker.yaml:14): is not a known key; did you mean "server.base_url"?`,
		`log (broker.yaml:15): is a single value`,
		`BROKER_LOG_LEVEL: has one underscore between section and key; call it BROKER_LOG__LEVEL`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if strings.Contains(text, "hunter2") || strings.Contains(text, "Tr0ub4dor") {
		t.Error("a secret was printed")
	}
	if t.Failed() {
		t.Log(text)
	}
}

// TestNoRoleIsNotTheDefault: an empty list of roles asks for none, and is not
// the same as no list.
func TestNoRoleIsNotTheDefault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broker.yaml")
	text := "providers:\n  - {id: one, kind: cern, client_id: x, client_secret: y, allowed_roles: []}\n  - {id: two, kind: cern, client_id: x, client_secret: y}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Providers[0].AllowedRoles; got == nil || len(got) != 0 {
		t.Errorf("[] became %#v", got)
	}
	if got := c.Providers[1].AllowedRoles; got != nil {
		t.Errorf("nothing became %#v", got)
	}
}
