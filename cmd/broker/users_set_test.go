package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const fieldsFile = `{"type": "object", "required": ["team"], "properties": {
	"team": {"type": "string", "title": "Team", "enum": ["red", "blue"], "x-claim": "team"},
	"badge": {"type": "string", "title": "Badge", "pattern": "^[0-9]+$"},
	"floor": {"type": "integer", "title": "Floor"}}}`

// TestOperatorsFields is an operator who asks for fields, from the file to what
// discovery tells.
func TestOperatorsFields(t *testing.T) {
	o := newOperator(t)
	path := filepath.Join(o.dir, "fields.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(fieldsFile)
	o = o.set("BROKER_ACCOUNTS__PROFILE__FIELDS="+path, "BROKER_ACCOUNTS__PROFILE__AFFILIATIONS=true", "BROKER_ACCOUNTS__USERNAME__PATTERN=[a-z]+")
	o.run("config", "validate")
	o.serve().stop()

	var v userView
	o.read(&v, "users", "create", "ada@example.org", "--username", "ada", "--field", "badge=007", "--zone", "Europe/London", "--affiliation", "Analytical Engine, Ltd.")
	if string(v.Details.Fields["badge"]) != `"007"` || v.Details.Zone != "Europe/London" || len(v.Details.Affiliations) != 1 {
		t.Errorf("%+v", v.Details)
	}
	o.read(&v, "users", "set", "ada", "--field", "team=red", "--field", "floor=3", "--name", "Ada", "--visibility", "public")
	if string(v.Details.Fields["team"]) != `"red"` || string(v.Details.Fields["floor"]) != `3` || string(v.Details.Fields["badge"]) != `"007"` || v.Name != "Ada" || v.Details.Visibility != "public" {
		t.Errorf("%+v", v)
	}
	if shown := o.run("users", "show", "ada"); !strings.Contains(shown, "field team") || !strings.Contains(shown, `"red"`) || !strings.Contains(shown, "Europe/London") || !strings.Contains(shown, "Analytical Engine, Ltd.") {
		t.Errorf("shown:\n%s", shown)
	}
	for _, args := range [][]string{
		{"--field", "team=green"}, {"--field", "floor=high"}, {"--field", "badge=x"}, {"--field", "shoe=44"}, {"--zone", "Mars"}, {"--visibility", "all"}, {"--locale", "tlh"}, {"--name", "a\u202eb"},
	} {
		if told := o.refuses(append([]string{"users", "set", "ada"}, args...)...); !strings.Contains(told, strings.SplitN(strings.TrimPrefix(args[1], "--"), "=", 2)[0]) && !strings.Contains(told, strings.TrimPrefix(args[0], "--")) {
			t.Errorf("%q: %s", args, told)
		}
	}
	o.read(&v, "users", "show", "ada")
	if string(v.Details.Fields["team"]) != `"red"` || v.Details.Zone != "Europe/London" || v.Name != "Ada" {
		t.Errorf("what was refused changed something: %+v", v)
	}
	v = userView{}
	o.read(&v, "users", "set", "ada", "--field", "badge=", "--zone", "")
	if v.Details.Fields["badge"] != nil || v.Details.Zone != "" || string(v.Details.Fields["team"]) != `"red"` {
		t.Errorf("%+v", v.Details)
	}

	r := o.serve()
	_, body := get(t, r.base+"/.well-known/openid-configuration")
	r.stop()
	if !strings.Contains(body, `"team"`) || !strings.Contains(body, `"affiliations"`) || strings.Contains(body, `"profile_visibility"`) {
		t.Errorf("discovery: %s", body)
	}

	for text, where := range map[string]string{
		`{`: "is not a JSON object", `{"type": "object", "properties": {"x": {"type": "string", "title": "X", "pattern": "("}}}`: "/properties/x/pattern",
		`{"type": "object", "properties": {"x": {"type": "string", "title": "X", "x-claim": "email"}}}`: "/properties/x/x-claim: ",
	} {
		write(text)
		if _, told, code := o.try("", "config", "validate"); code != 1 || !strings.Contains(told, "accounts.profile.fields (BROKER_ACCOUNTS__PROFILE__FIELDS): ") || !strings.Contains(told, where) {
			t.Errorf("%s: %d %s", text, code, told)
		}
		if _, told, code := o.try("", "serve"); code != 1 || !strings.Contains(told, where) {
			t.Errorf("serve with %s: %d %s", text, code, told)
		}
	}
	missing := o.set("BROKER_ACCOUNTS__PROFILE__FIELDS=/nonexistent.json")
	if told := missing.refuses("config", "validate"); !strings.Contains(told, "accounts.profile.fields (BROKER_ACCOUNTS__PROFILE__FIELDS): ") {
		t.Errorf("%s", told)
	}
	inline := o.set("BROKER_ACCOUNTS__PROFILE__FIELDS=" + strings.Join(strings.Fields(fieldsFile), " "))
	inline.run("config", "validate")
}

// TestUsersUsername: an operator changes, takes away and releases usernames.
func TestUsersUsername(t *testing.T) {
	o := newOperator(t).set("BROKER_ACCOUNTS__USERNAME__PATTERN=[a-z]+", "BROKER_ACCOUNTS__USERNAME__MIN=3")
	o.serve().stop()
	o.run("users", "create", "ada@example.org", "--username", "ada")
	o.run("users", "create", "bob@example.org")
	var v userView
	o.read(&v, "users", "username", "ada", "Countess.1") // the pattern does not bind an operator
	if v.Username != "Countess.1" {
		t.Errorf("%+v", v)
	}
	for _, args := range [][]string{
		{"username", "bob@example.org", "COUNTESS.1"}, {"username", "bob@example.org", "Ada"}, {"username", "bob@example.org", "a b"}, {"username", "bob@example.org"},
		{"username", "bob@example.org", "x", "--remove"}, {"username", "nobody", "x"}, {"release", "countess.1"}, {"release", "nobody"}, {"create", "c@example.org", "--username", "ada"},
	} {
		o.refuses(append([]string{"users"}, args...)...)
	}
	o.run("users", "release", "ADA")
	o.read(&v, "users", "username", "bob@example.org", "ada")
	if v.Username != "ada" {
		t.Errorf("%+v", v)
	}
	o.run("users", "username", "bob@example.org", "--remove")
	for setting, bad := range map[string]string{
		"BROKER_ACCOUNTS__USERNAME__PATTERN=(": "accounts.username.pattern", "BROKER_ACCOUNTS__IDENTIFIERS=phone": "accounts.identifiers[0]", "BROKER_ACCOUNTS__USERNAME__MAX=2": "accounts.username.min",
		"BROKER_ACCOUNTS__USERNAME__RESERVED=a@b": "accounts.username.reserved[0]", "BROKER_ACCOUNTS__DEFAULTS__ZONE=Mars": "accounts.defaults.zone",
	} {
		if _, told, code := o.set(setting).try("", "config", "validate"); code == 0 || !strings.Contains(told, bad) {
			t.Errorf("%s: %d %s", setting, code, told)
		}
	}
}
