package oidf

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

const goodConfig = `{
  "alias": "broker",
  "description": "what an operator would write",
  "server": {"discoveryUrl": "https://op.example/.well-known/openid-configuration", "login_hint": "ada@example.org"},
  "client": {"client_id": "a", "client_secret": "s", "jwks": {"keys": []}},
  "client2": {"client_id": "b", "client_secret": "t"},
  "client_secret_post": {"client_id": "c", "client_secret": "u"},
  "browser": [{
    "match": "https://op.example/authorize*",
    "match-limit": 2,
    "tasks": [
      {"task": "Login", "match": "https://op.example/login*", "optional": true, "commands": [
        ["text", "name", "email", "ada@example.org", "optional"],
        ["click", "css", "form.login button[type=\"submit\"]"],
        ["wait", "contains", "/consent", 10]
      ]},
      {"task": "Verify", "match": "*/test/*/callback*", "commands": [["wait", "id", "submission_complete", 10, ".*done.*", "update-image-placeholder-optional"]]}
    ]
  }],
  "extension": {"application_start": "https://op.example/apps/{client_id}/open"},
  "override": {"oidcc-prompt-login": {"browser": [{"match": "*", "tasks": [{"task": "x"}]}]}}
}`

func TestReadConfig(t *testing.T) {
	c, err := ReadConfig(strings.NewReader(goodConfig))
	if err != nil {
		t.Fatal(err)
	}
	tasks := c.Browser[0].Tasks
	text, click, wait, regexp := tasks[0].Commands[0], tasks[0].Commands[1], tasks[0].Commands[2], tasks[1].Commands[0]
	if c.Issuer() != "https://op.example" || c.Browser[0].MatchLimit != 2 || !tasks[0].Optional || tasks[1].Optional ||
		text.Value != "ada@example.org" || !text.Optional || click.Optional || wait.Seconds != 10 || regexp.Value != ".*done.*" || !regexp.Optional || regexp.Placeholder != "update-image-placeholder-optional" {
		t.Errorf("%+v", c)
	}
	if got := c.of("oidcc-prompt-login").Browser[0].Match; got != "*" {
		t.Errorf("the override does not count: %s", got)
	}
	if got := c.of("oidcc-server").Browser[0].Match; got == "*" {
		t.Error("the override counts for other modules")
	}
}

func TestConfigsThatAreRefused(t *testing.T) {
	for _, tt := range []struct{ old, new, want string }{
		{`"alias": "broker"`, `"alias": "a/b"`, "becomes a part of the redirect URI"},
		{`apps/{client_id}`, `apps/client`, "extension.application_start"},
		{`"https://op.example/apps/`, `"/apps/`, "extension.application_start"},
		{`"alias": "broker"`, `"alais": "broker"`, `unknown field "alais"`},
		{`"alias": "broker"`, `"alias": 7`, "line 2: alias must be a string, not a number"},
		{`https://op.example/.well-known/openid-configuration`, ``, "server.discoveryUrl is missing"},
		{`https://op.example/.well-known/openid-configuration`, `https://op.example`, "must end with"},
		{`https://op.example/.well-known/openid-configuration`, `ftp://op.example/.well-known/openid-configuration`, "no http(s) URL"},
		{`"client_id": "b", `, ``, "client2.client_secret is given without client2.client_id"},
		{`"match": "https://op.example/authorize*"`, `"match": ""`, "browser[0].match is missing"},
		{`[{"task": "x"}]`, `[]`, "override.oidcc-prompt-login.browser[0].tasks is empty"},
		{`["click", "css"`, `["press", "css"`, "the verb is not text, click or wait"},
		{`["click", "css"`, `["click", "xpath"`, "find the element by id, name, css or class"},
		{`form.login button[type=\"submit\"]`, `form..login`, "is malformed"},
		{`["text", "name", "email", "ada@example.org", "optional"]`, `["text", "name"]`, "is too short"},
		{`["text", "name", "email", "ada@example.org", "optional"]`, `["text", "name", "email", "optional"]`, "text needs the one value"},
		{`["text", "name", "email", "ada@example.org", "optional"]`, `["text", "name", "email", "ada", "update-image-placeholder"]`, "belongs to a wait"},
		{`["text", "name", "email", "ada@example.org", "optional"]`, `"text"`, "a command is a list"},
		{`"/consent", 10]`, `"/consent", 99999]`, "no number of seconds"},
		{`".*done.*"`, `"(("`, "error parsing regexp"},
		{`"x"}]}]}}`, `"x"}]}]}`, "is it complete"},
		{`"x"}]}]}}` + "\n", "", ""},
		{goodConfig, goodConfig + "{}", "something follows"},
	} {
		_, err := ReadConfig(strings.NewReader(strings.Replace(goodConfig, tt.old, tt.new, 1)))
		if tt.want == "" {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s instead of %s: %v", tt.new, tt.old, err)
		}
	}
	if _, err := ReadConfig(strings.NewReader(strings.Repeat(" ", maxConfig+1))); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Error(err)
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, address string
		want             bool
	}{
		{"https://op/a*", "https://op/a?x=1", true}, {"https://op/a*", "https://op/b", false}, {"https://op/a", "https://op/a", true},
		{"https://op/a", "https://op/a/", false}, {"*/test/*/callback*", "https://x/test/a/broker/callback?code=1", true},
		{"*/test/*/callback*", "https://x/test/callback", false}, {"*", "", true}, {"a*a", "a", false}, {"a*b*b", "ab", false}, {"*b", "ab", true},
	} {
		if got := matches(tt.pattern, tt.address); got != tt.want {
			t.Errorf("%s of %s: %v", tt.pattern, tt.address, got)
		}
	}
}

// FuzzReadConfig: nothing makes it panic, and what it takes it can write and
// read again.
func FuzzReadConfig(f *testing.F) {
	f.Add(goodConfig)
	f.Add(`{"server":{"discoveryUrl":"http://a/.well-known/openid-configuration"},"browser":[{"match":"*","tasks":[{"commands":[["wait","css","a > b",1,"x"]]}]}]}`)
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ReadConfig(strings.NewReader(s))
		if err != nil {
			return
		}
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		again, err := ReadConfig(strings.NewReader(string(b)))
		if err != nil {
			t.Fatalf("%q became %s: %v", s, b, err)
		}
		clean := func(c Config) Config {
			for i := range c.Browser {
				for j := range c.Browser[i].Tasks {
					for k := range c.Browser[i].Tasks[j].Commands {
						c.Browser[i].Tasks[j].Commands[k].pattern = nil
					}
				}
			}
			return c
		}
		if x, y := clean(c).Browser, clean(again).Browser; len(x) != len(y) || len(x) > 0 && len(x[0].Tasks) > 0 && !reflect.DeepEqual(x[0].Tasks[0].Match, y[0].Tasks[0].Match) {
			t.Errorf("%+v became %+v", x, y)
		}
	})
}
