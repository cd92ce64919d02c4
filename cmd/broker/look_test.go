package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSameVerdict: what "config validate" says of a file is what serve says, word for
// word, with the setting and what to do; a broker that is refused has made nothing.
func TestSameVerdict(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"no file":         {"accounts: {breached_passwords: /nope}\nsessions: {countries: /nope}\n", []string{`accounts.breached_passwords (broker.yaml:1): "/nope" cannot be read`, `passwords prepare`, `sessions.countries (broker.yaml:2): "/nope" cannot be read`, "GeoLite2"}},
		"garbage":         {"accounts: {breached_passwords: garbage, pepper_file: garbage}\nsessions: {countries: garbage}\nsecrets: {keyring_file: garbage}\n", []string{"accounts.breached_passwords", "is no prepared file", "accounts.pepper (broker.yaml:1)", "restore the file", "sessions.countries", "MaxMind", "secrets.keyring_file (broker.yaml:3)", "restore it from your backup"}},
		"language":        {"accounts: {defaults: {locale: xx-yy-zz-q}}\n", []string{`accounts.defaults.locale (broker.yaml:1): "xx-yy-zz-q" is no language of the pages; write one of`}},
		"with others":     {"brand: {logo: garbage}\nsessions: {idle: 13h}\ntemplates: {directory: /nope}\naccounts: {profile: {fields: '{}'}}\n", []string{"configuration: 5 problems", "brand.logo (broker.yaml:1)", "name a file with an SVG", "sessions.idle (broker.yaml:2)", "templates.directory (broker.yaml:3)", "broker templates export", "accounts.profile.fields (broker.yaml:4)", "docs/profile.md"}},
		"template":        {"templates: {directory: own}\nbrand: {logo: /nope}\n", []string{"templates.directory (broker.yaml:1): own/pages/logon.html", "brand.logo (broker.yaml:2)"}},
		"providers":       {"providers: [{id: a, kind: nokind, client_id: x}, {id: b, kind: github, client_id: x}]\n", []string{"providers[a]", "providers[b]", "client_secret"}},
		"statements":      {"registration: {software_statements: {'https://a.example': /nope, 'https://b.example': garbage}}\n", []string{`"/nope" cannot be read`, `"garbage" is no JWK Set`}},
		"redis":           {"redis: {url: 'redis://127.0.0.1:1/0', ca: garbage}\nbrand: {logo: /nope}\n", []string{"redis.url (broker.yaml:1)", "broker redis check", "brand.logo (broker.yaml:2)"}},
		"certificate":     {"server: {tls: {certificate: garbage, key: garbage}, address: '127.0.0.1:0'}\n", []string{"server.tls", "both PEM"}},
		"mail":            {"mail: {directory: garbage/mail}\n", []string{"mail.directory (broker.yaml:1)", "set mail.smtp"}},
		"authority":       {"mail: {from: a@b.example, smtp: {host: h, ca: garbage}}\n", []string{"mail.smtp", "it must hold PEM"}},
		"database":        {"database: {dsn: 'sqlite:nowhere/broker.db'}\n", []string{"database.dsn (broker.yaml:1)", "make it, or name another"}},
		"shared database": {"database: {dsn: 'postgres://u@127.0.0.1:1/x'}\n", []string{"secrets.keyring_file", "does not exist; make it with"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOperator(t)
			need(t, os.MkdirAll(filepath.Join(o.dir, "own", "pages"), 0o700))
			for _, f := range []string{"garbage", "own/pages/logon.html"} {
				need(t, os.WriteFile(filepath.Join(o.dir, f), []byte("neither this nor that\n"), 0o600))
			}
			need(t, os.WriteFile(filepath.Join(o.dir, "broker.yaml"), []byte(tt.text), 0o600))
			_, valid, code := o.try("", "config", "validate")
			_, started, began := o.try("", "serve")
			if code != 1 || began != 1 || valid != started {
				t.Errorf("validate %d:\n%s\nserve %d:\n%s", code, valid, began, started)
			}
			for _, want := range tt.want {
				if !strings.Contains(valid, want) {
					t.Errorf("not told: %s\n%s", want, valid)
				}
			}
			for _, made := range []string{"broker.db", "broker.key", "mail"} {
				if _, err := os.Stat(filepath.Join(o.dir, made)); err == nil {
					t.Errorf("%s was made", made)
				}
			}
		})
	}
}
