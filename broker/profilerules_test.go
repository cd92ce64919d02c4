package broker

import (
	"strings"
	"testing"
)

// TestProfileRules holds who sets what: at the beginning, and ever after.
func TestProfileRules(t *testing.T) {
	p := Profile{Name: " Ada  Lovelace ", Username: "ada@campus.example", Locale: "en_GB"}
	all := Told{"Ada Lovelace", "ada", "en-GB"}
	for name, tt := range map[string]struct {
		rules         ProfileRules
		first, always Told
	}{
		"not set":  {ProfileRules{}, Told{"Ada Lovelace", "ada", ""}, Told{}},
		"initial":  {ProfileRules{ProfileInitial, ProfileInitial, ProfileInitial}, all, Told{}},
		"provider": {ProfileRules{ProfileProvider, ProfileProvider, ProfileProvider}, all, all},
		"person":   {ProfileRules{ProfilePerson, ProfilePerson, ProfilePerson}, Told{}, Told{}},
		"mixed":    {ProfileRules{ProfileProvider, ProfilePerson, ProfileInitial}, Told{"Ada Lovelace", "", "en-GB"}, Told{Name: "Ada Lovelace"}},
	} {
		if first, always := tt.rules.First(p), tt.rules.Always(p); first != tt.first || always != tt.always {
			t.Errorf("%s: %+v, %+v", name, first, always)
		}
	}
}

// TestNothingOverwritesNothing: what is missing, or could not stand in an account,
// leaves what was there.
func TestNothingOverwritesNothing(t *testing.T) {
	rules := ProfileRules{ProfileProvider, ProfileProvider, ProfileProvider}
	was := Told{"Ada", "ada", "de"}
	for _, p := range []Profile{
		{}, {Name: "a\u202eb", Username: "💥", Locale: "x"}, {Name: strings.Repeat("a", MaxName+1), Username: strings.Repeat("a", MaxUsername+1), Locale: strings.Repeat("en-", 12) + "x"},
		{Name: "a\xff", Username: "@campus", Locale: "de'; --"}, {Name: "  ", Username: "..", Locale: "12-de"},
	} {
		if got := rules.Always(p).Over(was.Name, was.Username, was.Locale); got != was {
			t.Errorf("%+v: %+v", p, got)
		}
	}
	if got := (Told{Name: "New"}).Over(was.Name, was.Username, was.Locale); got != (Told{"New", "ada", "de"}) {
		t.Errorf("%+v", got)
	}
}

// FuzzTold: whatever a provider tells, what comes of it can stand in an account.
func FuzzTold(f *testing.F) {
	f.Add("Ada Lovelace", "ada@campus.example", "en_GB")
	f.Add("\u202e", "../../etc", "de-\x00")
	f.Fuzz(func(t *testing.T, name, username, locale string) {
		told := ProfileRules{ProfileProvider, ProfileProvider, ProfileProvider}.Always(Profile{Name: name, Username: username, Locale: locale})
		if n, ok := CleanName(told.Name); !ok || n != told.Name {
			t.Errorf("name %q", told.Name)
		}
		if n, ok := CleanUsername(told.Username); !ok || n != told.Username || strings.Contains(n, "@") {
			t.Errorf("username %q", told.Username)
		}
		if len(told.Locale) > maxLocale || strings.ContainsAny(told.Locale, "_ '\x00\n") {
			t.Errorf("locale %q", told.Locale)
		}
	})
}
