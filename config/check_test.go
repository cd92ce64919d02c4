package config

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestRules has a line for every rule: what is set, and the path and words of
// the problem.
func TestRules(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"server: {address: localhost}", "server.address"},
		{"server: {address: 'localhost:http'}", "server.address"},
		{"server: {address: 'localhost:70000'}", "server.address"},
		{"server: {address: 'localhost:+80'}", "server.address"},
		{"server: {address: ':8080'}", "is not set, and the broker listens on :8080"},
		{"server: {address: '0.0.0.0:8080', base_url: 'http://localhost:8080'}", "is loopback, but"},
		{"server: {base_url: 'http://id.example.org'}", "is not https; write https://id.example.org"},
		{"server: {base_url: 'https://id.example.org/oidc'}", "has more than scheme and host"},
		{"server: {base_url: 'https://id.example.org?x'}", "has more than"},
		{"server: {base_url: 'https://id.example.org#'}", "has more than"},
		{"server: {base_url: 'https://u:p4ss@id.example.org'}", "holds a user name"},
		{"server: {base_url: 'https://ID.example.org'}", "capital letters"},
		{"server: {base_url: 'ftp://id.example.org'}", "is not a URL"},
		{"server: {base_url: 'id.example.org'}", "is not a URL"},
		{"server: {base_url: 'https://:443'}", "is not a URL"},
		{"server: {admin_address: '127.0.0.1:8080'}", "address of the public listener"},
		{"server: {admin_address: nonsense}", "server.admin_address"},
		{"server: {tls: {key: x}}", "server.tls.certificate (broker.yaml:1): is missing"},
		{"server: {tls: {certificate: /nowhere, key: /nowhere}}", "server.tls.key"},
		{"server: {shutdown_timeout: 1h}", "is not between 1s and 10m"},
		{"database: {dsn: 'mysql://x'}", "neither SQLite nor PostgreSQL"},
		{"database: {dsn: 'sqlite:'}", "names no file"},
		{"database: {dsn: 'sqlite::memory:'}", "keeps nothing"},
		{"database: {dsn: 'sqlite:x?mode=memory'}", "keeps nothing"},
		{"database: {dsn: 'postgres:///x'}", "not a PostgreSQL URL"},
		{"database: {dsn: 'postgres://u:p4ss%zz@h/x'}", "not a PostgreSQL URL"},
		{"redis: {url: 'http://localhost'}", "not a URL of Redis"},
		{"redis: {url: 'redis://'}", "names no host"},
		{"redis: {url: 'redis://localhost/one'}", "no number of a database"},
		{"redis: {url: 'redis://localhost/0?db=1'}", "behind the number"},
		{"redis: {url: 'redis://u:p4ss@localhost/0'}", "redis.password_file"},
		{"redis: {url: 'redis://u:p4ss%zz@localhost'}", "redis.url (broker.yaml:1): is not a URL"},
		{"redis: {url: 'unix://'}", "names no socket"},
		{"redis: {url: 'redis://localhost', prefix: 'a b'}", "cannot begin a key"},
		{"redis: {url: 'redis://localhost', prefix: ''}", "cannot begin a key"},
		{"redis: {url: 'redis://localhost', ca: /nowhere}", "no use without TLS"},
		{"redis: {url: 'rediss://localhost', ca: /nowhere}", "cannot be read"},
		{"database: {dsn: 0123}", "database.dsn (broker.yaml:1): is not a text; put it in quotes"},
		{"mail: {from: nobody}", "mail.from"},
		{"mail: {reply_to: nobody}", "mail.reply_to"},
		{"mail: {senders: {security: nobody}}", "mail.senders.security"},
		{"mail: {senders: {requested: \"a@example.org, b@example.org\"}}", "mail.senders.requested"},
		{"mail: {from: a@example.org, smtp: {host: h, ca: /nowhere/ca.pem}}", "mail.smtp.ca"},
		{"tokens: {signing_keys: {publish_before: 1m}}", "is not between 15m and 30d"},
		{"tokens: {signing_keys: {publish_before: 10d, rotate_every: 19d}}", "write at least 20d, or 0s"},
		{"events: {keep: 1h}", "write at least 7d, or 0s"},
		{"mail: {smtp: {host: h}}", "mail.from"},
		{"mail: {smtp: {username: u}}", "mail.smtp.host"},
		{"mail: {from: a@b.c, smtp: {host: 'smtp://h'}}", "is not a host name"},
		{"mail: {from: a@b.c, smtp: {host: h, username: u}}", "are not both set"},
		{"mail: {from: a@b.c, smtp: {host: h, username: u, password: p4ss, tls: none}}", "in the clear"},
		{"brand: {accent: blue}", "write #rrggbb"},
		{"brand: {name: ' '}", "brand.name"},
		{"brand: {name: '" + strings.Repeat("ä", 61) + "'}", "longer than 60"},
		{"brand: {help_url: 'javascript:alert(1)'}", "is not a link"},
		{"sessions: {idle: 13h}", "is longer than sessions.absolute"},
		{"tokens: {refresh_idle: 390d}", "is longer than tokens.refresh_absolute"},
		{"tokens: {code: 11m}", "is not between 10s and 10m"},
		{"tokens: {code: -1m}", "is not a duration"},
		{"accounts: {sign_up: yes please}", "is not true or false"},
		{"accounts: {password_min: 4}", "is not between 8 and 64"},
		{"limits: {captcha: {kind: turnstile, secret: x}}", "limits.captcha.site_key"},
		{"limits: {captcha: {kind: turnstile, site_key: x}}", "limits.captcha.secret"},
		{"limits: {captcha: {kind: friendly}}", "limits.captcha.kind"},
		{"accounts: {breached_range_url: 'http://api.example.org/range/'}", "is not https"},
		{"accounts: {breached_range_url: 'https://api.example.org/range'}", "does not end with a slash"},
		{"accounts: {breached_range_url: 'https://api.example.org/range/?x=1'}", "has a query"},
		{"accounts: {password_min: 8.5}", "is not a whole number"},
		{"accounts: {sign_up: 1}", "is not true or false"},
		{"brand: {name: 2020-01-01}", "put it in quotes"},
		{"brand: {name: [a]}", "is not a text"},
		{"brand: {name: \"a\\u0007b\"}", "control characters"},
		{"log: [a]", "it is a section"},
		{"providers: {id: x}", "is not a list"},
		{"providers: [x]", "it is a section"},
		{"providers: [{kind: orcid, client_id: x}]", "providers[0].id (broker.yaml:1): is missing"},
		{"providers: [{id: a, kind: github}]", "redirect URI http://127.0.0.1:8080/oauth/authorized/a/"},
		{"providers: [{id: a, client_id: x}]", "providers[a].kind"},
		{"providers: [{id: a, kind: github, client_id: x}, {id: a, kind: github, client_id: y}]", "is used twice"},
		{"providers: [{id: a, kind: oidc, client_id: x}]", "providers[a].issuer"},
		{"providers: [{id: a, kind: oidc, client_id: x, issuer: 'http://op.example.org'}]", "is not https"},
		{"providers: [{id: a, kind: oidc, client_id: x, issuer: 'https://op.example.org/?a=b'}]", "query or fragment"},
		{"providers: [{id: a, kind: oidc, client_id: x, issuer: 'op.example.org'}]", "is not a URL"},
		{"providers: [{id: a, kind: oidc, client_id: x, issuer: 'https://u:p4ss@op.example.org'}]", "holds a user name"},
		{"providers: [{id: a, kind: github, client_id: x, scopes: ['a b']}]", "is not a scope"},
		{"providers: [{id: a, kind: github, client_id: x, scopes: [7]}]", "scopes[0]"},
		{"providers: [{id: a, kind: github, client_id: x, scopes: 7}]", "is not a list of texts"},
		{"providers: [{id: a, kind: github, client_id: x, auth_params: {state: mine}}]", "is for the broker to set"},
		{"providers: [{id: a, kind: github, client_id: x, auth_params: {p: 1}}]", "put it in quotes"},
		{"accounts: {straight_to: campus}", "is no provider"},
		{"accounts: {identify_first: true, passwords: false}", "asks for nothing"},
		{"accounts: {identify_first: 1}", "is not true or false"},
		{"accounts: {straight_to: a}\nproviders: [{id: a, kind: github, client_id: x, client_secret: y, hidden: true}]", "nobody can sign in with"},
		{"accounts: {straight_to: a}\nproviders: [{id: a, kind: github, client_id: x, client_secret: y, link_only: true}]", "nobody can sign in with"},
		{"providers: [{id: a, kind: github, client_id: x, auth_params: p}]", "is not a section of texts"},
		{"providers: [{id: a, kind: oidc, client_id: x, issuer: \"https://x.example\", allowed_claims: [groups]}]", "is not a section of lists"},
		{"providers: [{id: a, kind: oidc, client_id: x, issuer: \"https://x.example\", allowed_claims: {groups: 1}}]", "is not a list of texts"},
		{"providers: [{id: a, kind: oidc, client_id: x, issuer: \"https://x.example\", allowed_claims: {groups: [1]}}]", "is not a text"},
		{"providers: [{id: a, kind: github, client_id: x, link_only: true, sign_up: no}]", "says nothing beside link_only"},
		{"providers: [{id: a, kind: github, client_id: x, link_only: true, sign_up: 'no'}]", "says nothing beside link_only"},
		{"providers: [{id: a, kind: github, client_id: x, link_only: true, link_by_email: true}]", "says nothing beside link_only"},
		{"providers: [{id: a, kind: github, client_id: x, sign_up: maybe}]", "one of form, automatic, no"},
		{"providers: [{id: a, kind: github, client_id: x, no_sign_up: true}]", "is not a known key"},
		{"providers: [{id: a, kind: github, client_id: x, sign_up: automatic, email_trust: never}]", "email_trust is never"},
		{"providers: [{id: a, kind: github, client_id: x, confirm_email: false, email_trust: never}]", "email_trust is never"},
		{"providers: [{id: a, kind: github, client_id: x, link_by_email: true, email_trust: never}]", "email_trust is never"},
		{"providers: [{id: a, kind: github, client_id: x, sign_up: automatic, email_trust: always}]", "any address that is typed there"},
		{"providers: [{id: a, kind: github, client_id: x, confirm_email: false, email_trust: always}]", "any address that is typed there"},
		{"providers: [{id: a, kind: github, client_id: x, link_by_email: true, email_trust: always, email_domains: [x.org]}]", "email_trust is always"},
		{"providers: [{id: a, kind: github, client_id: x, profile: {email: provider}}]", "is nothing that a provider can set"},
		{"providers: [{id: a, kind: github, client_id: x, profile: {name: always}}]", "is no rule"},
		{"accounts: {welcome_mail: some}", "one of vouched, all, none"},
		{"providers: [{id: a, kind: github, client_id: x, sign_out: always}]", "would leave people at a page"},
		{"providers: [{id: a, kind: oidc, issuer: 'https://a.example', client_id: x, sign_out: always, sign_out_url: 'https://a.example/out'}]", "would leave people at a page"},
		{"providers: [{id: a, kind: oidc, issuer: 'https://a.example', client_id: x, sign_out: sometimes}]", "none, ask, always"},
		{"providers: [{id: a, kind: oidc, issuer: 'https://a.example', client_id: x, sign_out_url: 'http://a.example/out'}]", "is not the URL of a page"},
		{"providers: [{id: a, kind: oidc, issuer: 'https://a.example', client_id: x, sign_out_url: 'javascript:alert(1)'}]", "is not the URL of a page"},
		{"providers: [{id: a, kind: github, client_id: x, client_secrett: p4ss}]", `did you mean "client_secret"?`},
		{"smtp: {host: h}", "known here: server, database"},
		{"trusted_hops: 1", `did you mean "server.trusted_hops"?`},
	} {
		_, err := parse(t, tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "p4ss") {
			t.Errorf("%s\n got  %v\n want %s", tt.text, err, tt.want)
		}
	}
}

// TestAccepted has what is unusual and right.
func TestAccepted(t *testing.T) {
	for _, text := range []string{
		"", "# nothing\n", "---\n", "~", "server:\n", "{}",
		"server: {base_url: 'https://id.example.org/'}",
		"server: {base_url: 'http://localhost:8080'}", "server: {base_url: 'http://broker.localhost:8080'}", "server: {base_url: 'http://[::1]:8080', address: '[::1]:8080'}",
		"server: {address: '127.0.0.1:0', admin_address: '127.0.0.1:0'}",
		"server: {address: ':8080', base_url: 'https://id.example.org', admin_address: ':8081'}",
		"database: {dsn: 'postgres://u@db.example.org/broker?sslmode=verify-full'}", "database: {dsn: 'postgres:///broker?host=/run/postgresql'}",
		"redis: {url: 'rediss://broker@redis.example.org/3'}", "redis: {url: 'unix:///run/redis.sock?db=1', prefix: 'id:'}", "redis: {url: 'redis://localhost', password: x}",
		"mail: {from: 'Ä <a@example.org>', smtp: {host: localhost, port: 25, tls: none}}",
		"brand: {help_url: 'mailto:help@example.org'}",
		"accounts: {sign_up: 'false'}",
		"x: &a 5h\nsessions: {idle: *a}",
	} {
		_, err := parse(t, text)
		if strings.HasPrefix(text, "x:") { // only the key x is wrong
			if err == nil || strings.Contains(err.Error(), "sessions.") {
				t.Errorf("%s: %v", text, err)
			}
		} else if err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if c := must(t, "server: {base_url: 'https://id.example.org/'}"); c.Server.BaseURL != "https://id.example.org" {
		t.Errorf("base_url = %q", c.Server.BaseURL)
	}
}

func TestWarnings(t *testing.T) {
	for text, want := range map[string]string{
		"server: {base_url: 'https://id.example.org'}":                          "server.trusted_hops",
		"server: {base_url: 'https://id.example.org', trusted_hops: 1}":         "mail.smtp.host",
		"redis: {url: 'redis://redis.example.org', password: p4ss}":             "in the clear",
		"redis: {password: p4ss}":                                               "redis.password",
		"database: {dsn: 'postgres://u:p4ss@db.example.org/b?sslmode=disable'}": "sslmode=disable",
		"accounts: {second_factor: required}":                                   "brand.help_url: not set, although accounts.second_factor is required",
		"server: {base_url: 'https://id.example.net'}":                          "brand.help_url: not set, so people",
		"accounts: {close_after: 24h}":                                          "linking.undo_within: 7d, which is longer than accounts.close_after (1d)",
	} {
		c := must(t, text)
		if all := strings.Join(c.Warnings(), "\n"); !strings.Contains(all, want) || strings.Contains(all, "p4ss") {
			t.Errorf("%s: %q", text, all)
		}
	}
}

func TestBrokenYAML(t *testing.T) {
	for _, text := range []string{
		"server: {", "\t", "a: b: c", "server: 1\nserver: 2", "--- {}\n--- {}\n", "- a\n- b", "text", "*x", "a: &a [*a]", "\x00",
		"password: p4ssword: x", strings.Repeat("[", 2000), "? [a]\n: b", "1: 2", "server: {1: x}",
		"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]",
	} {
		_, err := parse(t, text)
		if err == nil || !strings.Contains(err.Error(), "broker.yaml") || strings.Contains(err.Error(), "p4ss") {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	for _, tt := range []struct {
		environ []string
		want    string
	}{
		{[]string{"BROKER_SERVER__ADRESS=x"}, `server.adress (BROKER_SERVER__ADRESS): is not a known key; did you mean "address"?`},
		{[]string{"BROKER_SESSIONS__IDLE=5"}, "sessions.idle (BROKER_SESSIONS__IDLE)"},
		{[]string{"BROKER_SERVER_BASE_URL=x"}, "call it BROKER_SERVER__BASE_URL"},
		{[]string{"BROKER_NOSUCH__THING=1"}, "nosuch"},
		{[]string{"BROKER___=1"}, "is not a known key"},
		{[]string{"BROKER_PROVIDERS__X=1"}, "providers[x].x"},
		{[]string{"BROKER_PROVIDERS__X__SECRET=p4ss"}, "providers[x].secret"},
		{[]string{"BROKER_SERVER__TLS=1", "BROKER_SERVER__TLS__KEY=x"}, "lies below BROKER_SERVER__TLS"},
		{[]string{"BROKER_MAIL__SMTP__PASSWORD=p4ss", "BROKER_MAIL__SMTP__PASSWORD_FILE=/x"}, "is set beside"},
	} {
		_, err := parse(t, "", tt.environ...)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "p4ss") {
			t.Errorf("%q\n got  %v\n want %s", tt.environ, err, tt.want)
		}
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "a.localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "[::1]": true, "::ffff:127.0.0.1": true,
		"": false, "0.0.0.0": false, "::": false, "localhost.example.org": false, "127.0.0.1.example.org": false, "10.0.0.1": false, "notlocalhost": false,
	} {
		if got := Loopback(host); got != want {
			t.Errorf("Loopback(%q) = %v", host, got)
		}
	}
}

// TestLook: what a look finds is told with the rest, in the order of the file, and
// not where something about the same setting was told.
func TestLook(t *testing.T) {
	found := func(Config) Problems {
		return Problems{Unreadable("brand.logo", "/nope", os.ErrNotExist, "make it"), {Path: "sessions.idle", What: "follows"}, {Path: "server.tls", What: "follows, too"}, {Path: "accounts.pepper", What: "is bad"}}
	}
	_, err := Parse("broker.yaml", []byte("sessions: {idle: 13h}\nbrand: {logo: /nope}\nserver: {tls: {certificate: x}}\naccounts: {pepper_file: check.go}\n"), nil, found)
	want := `configuration: 4 problems
  sessions.idle (broker.yaml:1): "13h" is longer than sessions.absolute; write at most 12h
  brand.logo (broker.yaml:2): "/nope" cannot be read: file does not exist; make it
`
	if got := fmt.Sprint(err); strings.Contains(got, "follows") || !strings.Contains(got, "accounts.pepper (broker.yaml:4): is bad") || !strings.HasPrefix(got, want) {
		t.Errorf("%s", got)
	}
	if c, err := Parse("", nil, nil, func(Config) Problems { return nil }); err != nil || c.Brand.Name == "" {
		t.Errorf("%v", err)
	}
}
