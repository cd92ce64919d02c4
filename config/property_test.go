package config

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestEverySettingHasAVariable sets each setting by its variable, to its
// example or default, and finds that it arrived.
func TestEverySettingHasAVariable(t *testing.T) {
	beside := map[string][]string{ // what the rules want beside it
		"server.base_url":        {"BROKER_SERVER__TRUSTED_HOPS=1"},
		"server.tls.certificate": nil, "server.tls.key": nil, // files; TestRules has them
		"mail.smtp.host":      {"BROKER_MAIL__FROM=a@example.org"},
		"mail.smtp.username":  {"BROKER_MAIL__FROM=a@example.org", "BROKER_MAIL__SMTP__HOST=h", "BROKER_MAIL__SMTP__PASSWORD=p"},
		"mail.smtp.ca":        nil, // a file
		"mail.smtp.password":  {"BROKER_MAIL__FROM=a@example.org", "BROKER_MAIL__SMTP__HOST=h", "BROKER_MAIL__SMTP__USERNAME=u"},
		"accounts.sms.url":    {"BROKER_ACCOUNTS__SMS__SECRET=0123456789abcdef0123456789abcdef"},
		"accounts.sms.secret": {"BROKER_ACCOUNTS__SMS__URL=https://sms.example.org/"},
	}
	for _, s := range Settings() {
		more, listed := beside[s.Path]
		value := orElse(s.example, orElse(s.def, "true"))
		value = strings.Trim(value, "[]")
		if s.typ.Kind() == reflect.Slice {
			value = strings.ReplaceAll(value, `"`, "") // which YAML needs where a text looks like a number
		}
		path, name := s.Path, VariableOf(s.Path)
		switch {
		case listed && more == nil, s.typ.Kind() == reflect.Map:
			continue
		case strings.HasPrefix(s.Path, "providers."):
			key := strings.TrimPrefix(s.Path, "providers.")
			path, name = "providers[x]."+key, VariableOf("providers[x]."+key)
			if key == "id" {
				continue
			}
			for other, v := range map[string]string{"kind": "orcid", "client_id": "c"} {
				if other != key {
					more = append(more, "BROKER_PROVIDERS__X__"+strings.ToUpper(other)+"="+v)
				}
			}
		}
		c, err := Parse("", nil, append(more, name+"="+value))
		if err != nil {
			t.Errorf("%s=%s: %v", name, value, err)
			continue
		}
		found := false
		for _, v := range c.Effective() {
			found = found || v.Path == path && v.Origin == name
		}
		if !found {
			t.Errorf("%s did not reach %s", name, path)
		}
	}
}

// TestFileAndEnvironmentAgree sets the same thing both ways.
func TestFileAndEnvironmentAgree(t *testing.T) {
	for text, env := range map[string]string{
		"sessions: {idle: 90m}":                               "BROKER_SESSIONS__IDLE=90m",
		"accounts: {sign_up: false}":                          "BROKER_ACCOUNTS__SIGN_UP=false",
		"server: {trusted_hops: 3}":                           "BROKER_SERVER__TRUSTED_HOPS=3",
		"brand: {name: 'a: b'}":                               "BROKER_BRAND__NAME=a: b",
		"database: {dsn: 'postgres://u:p%40ss@localhost/db'}": "BROKER_DATABASE__DSN=postgres://u:p%40ss@localhost/db",
		"server: {admin_address: 'off'}":                      "BROKER_SERVER__ADMIN_ADDRESS=off",
	} {
		file, variable := must(t, text), must(t, "", env)
		file.origin, variable.origin = nil, nil
		if !reflect.DeepEqual(file, variable) {
			t.Errorf("%s and %s differ", text, env)
		}
	}
}

func TestDurationsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(1000*day/time.Second)).Draw(t, "seconds")) * time.Second
		if got, err := parseDuration(formatDuration(d)); err != nil || got != d {
			t.Fatalf("%s becomes %q becomes %s, %v", d, formatDuration(d), got, err)
		}
	})
}

// TestMisspelt changes one letter of a known key: the problem names the key.
func TestMisspelt(t *testing.T) {
	settings := Settings()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(settings).Draw(t, "setting")
		section, key, ok := strings.Cut(s.Path, ".")
		if !ok || len(key) < 6 || strings.Contains(key, ".") || section == "providers" {
			t.Skip("not a plain key")
		}
		i := rapid.IntRange(0, len(key)-1).Draw(t, "at")
		wrong := key[:i] + "x" + key[i+1:]
		if wrong == key {
			t.Skip("the same")
		}
		_, err := Parse("f", []byte(section+": {"+wrong+": 1}"), nil)
		if err == nil || !strings.Contains(err.Error(), section+"."+wrong+" (f:1)") || !strings.Contains(err.Error(), "did you mean") {
			t.Fatalf("%s.%s: %v", section, wrong, err)
		}
	})
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"address", "adress", 1}, {"base-url", "base_url", 0}, {"kitten", "sitting", 3}, {strings.Repeat("x", 100), "y", 64},
	} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%.10q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestShownAndPlain(t *testing.T) {
	for in, want := range map[string]string{
		"x": `"x"`, "a@b": "", "https://u:p@h": "", "\x1b[31m": `"\x1b[31m"`, strings.Repeat("ä", 100): `"` + strings.Repeat("ä", maxShown) + `…"`,
	} {
		if got := shown(in); got != want {
			t.Errorf("shown(%q) = %s", in, got)
		}
	}
	if got := plain("a\x1b\nb" + strings.Repeat("c", 100)); strings.ContainsAny(got, "\x1b\n") || len([]rune(got)) > maxShown+1 {
		t.Errorf("plain = %q", got)
	}
}

// TestWants has the words for every kind of setting.
func TestWants(t *testing.T) {
	want := map[string]string{
		"server.trusted_hops": "a whole number", "accounts.sign_up": "true or false", "sessions.idle": "a duration such as 2h", "brand.name": "a text",
		"log.level": "one of debug, info, warn, error", "providers.scopes": "a list of texts", "providers.auth_params": "a section of texts", "database.dsn": "a text",
	}
	for _, s := range Settings() {
		if w := want[s.Path]; w != "" && s.wants() != w {
			t.Errorf("%s wants %s, not %s", s.Path, s.wants(), w)
		}
		delete(want, s.Path)
	}
	if len(want) > 0 {
		t.Errorf("not settings: %v", want)
	}
	for _, f := range fieldsOf(reflect.TypeFor[Config]()) {
		if f.section() && f.wants() != "a section with keys of its own" || f.list() && f.wants() != "a list of sections" {
			t.Errorf("%s wants %s", f.key, f.wants())
		}
	}
}
