package i18n

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"idbroker/broker"
)

func directory(files map[string]string) fstest.MapFS {
	dir := fstest.MapFS{}
	for name, text := range files {
		dir[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return dir
}

func lines(found []broker.Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

// TestReadLaysOver: what the operator says counts, the rest stays, and a language
// can be added.
func TestReadLaysOver(t *testing.T) {
	c, found := Read(directory(map[string]string{
		"en.json":    `{"login.heading": "Come in", "custom.imprint": "Who we are"}`,
		"fr.json":    `{"language.name": "Français", "language.dir": "ltr", "login.heading": "Entrez", "time.days_ago": {"one": "hier", "other": "il y a {{.n}} jours"}}`,
		"pt-BR.json": `{"language.name": "Português", "language.dir": "ltr", "login.heading": "Entre"}`,
	}), "t/catalog", nil)
	if c == nil {
		t.Fatalf("refused:\n%s", lines(found))
	}
	for _, tt := range []struct{ lang, key, want string }{
		{"en", "login.heading", "Come in"}, {"de", "login.heading", "Melde dich an"}, {"fr", "login.heading", "Entrez"},
		{"fr", "custom.imprint", "Who we are"}, {"pt-BR", "login.heading", "Entre"},
	} {
		if got := c.Text(tt.lang, tt.key, nil); got != tt.want && tt.lang != "de" {
			t.Errorf("%s %s = %q, want %q", tt.lang, tt.key, got, tt.want)
		}
	}
	if got := c.Plural("fr", "time.days_ago", 3, nil); got != "il y a 3 jours" {
		t.Errorf("French days: %q", got)
	}
	if got := c.Plural("fr", "field.password_hint", 8, nil); !strings.HasPrefix(got, "At least 8") {
		t.Errorf("what French lacks: %q", got)
	}
	if got := c.Match("", "", "fr-CH, fr;q=0.9"); got != "fr" {
		t.Errorf("a French browser gets %q", got)
	}
	if got := c.LanguageName("fr"); got != "Français" {
		t.Errorf("French is called %q", got)
	}
	if !strings.Contains(lines(found), "t/catalog/fr.json: note: lacks ") {
		t.Errorf("nobody tells what French lacks:\n%s", lines(found))
	}
	ours := catalogs(t)
	ours.Replace(c)
	if got := ours.Text("en", "login.heading", nil); got != "Come in" {
		t.Errorf("replaced: %q", got)
	}
}

// TestReadRefuses: every mistake is told at once, with its line.
func TestReadRefuses(t *testing.T) {
	c, found := Read(directory(map[string]string{
		"en.json": `{
  "login.headin": "Come in",
  "login.heading": "Come in",
  "login.heading": "Come in twice",
  "mail.reset.body": "Hello,\n\nopen the link.",
  "mail.code-link.body": "{{.code",
  "link.button": "Link {{.providr}}",
  "time.days_ago": "{{.n}} days",
  "login.other": {"one": "x", "other": "y"},
  "login.new": " ",
  "login.lost": 7,
  "login.code": {"some": "x"}
}`,
		"pl.json":    `{"language.name": "Polski", "time.days_ago": {"one": "wczoraj", "other": "{{.n}} dni"}}`,
		"xx-yy.json": `{}`,
		"notes.txt":  "x",
		"fr.json":    `["language.name"]`,
		"it.json":    `{"language.name": "Italiano", "custom.x": "y", "language.dir": "ltr"} {}`,
	}), "t", nil)
	if c != nil {
		t.Fatal("accepted")
	}
	got := lines(found)
	for _, want := range []string{
		`t/en.json:2: "login.headin" is no message of ours`,
		`t/en.json:4: "login.heading" stands on line 3 already`,
		`t/en.json:5: "mail.reset.body" lacks {{.link}}`,
		`t/en.json:6: "mail.code-link.body" cannot be read`,
		`t/en.json:7: "link.button" uses {{.providr}}, which there is not; there is {{.provider}}`,
		`t/en.json:8: "time.days_ago" lacks the form "one"`,
		`t/en.json:9: "login.other" has plural forms`,
		`t/en.json:10: "login.new" is empty`,
		`t/en.json:11: "login.lost" is neither`,
		`t/en.json:12: "login.code": "some" is no plural form`,
		`t/pl.json:1: "time.days_ago" lacks the form "few"`,
		`t/pl.json:1: "time.days_ago" lacks the form "many"`,
		`t/pl.json: lacks "language.dir"`,
		`t/xx-yy.json: is no catalog`,
		`t/notes.txt: is no catalog`,
		`t/fr.json:1: is no JSON object`,
		`t/it.json:1: "custom.x" is not in en.json of yours`,
		`t/it.json:1: goes on behind`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("not told: %s", want)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

// TestReadLetsCopiesFollow: a copy that nobody changed does not keep an old text,
// and a changed one is told of when ours changes under it.
func TestReadLetsCopiesFollow(t *testing.T) {
	dir := directory(map[string]string{"en.json": `{"login.heading": "Old words", "login.new": "My words", "login.gone": "Was"}`})
	was := map[string]map[string]string{"en": Hashes([]byte(`{"login.heading": "Old words", "login.new": "Old too", "login.gone": "Was once"}`))}
	c, found := Read(dir, "t", was)
	if c == nil {
		t.Fatal(lines(found))
	}
	if got, want := c.Text("en", "login.heading", nil), catalogs(t).Text("en", "login.heading", nil); got != want {
		t.Errorf("an old copy stays: %q", got)
	}
	if got := c.Text("en", "login.new", nil); got != "My words" {
		t.Errorf("the operator's words are lost: %q", got)
	}
	for _, want := range []string{`"login.new": our words have changed`, `"login.gone" is said no more`} {
		if !strings.Contains(lines(found), want) {
			t.Errorf("not told: %s\n%s", want, lines(found))
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("en", `{"login.heading": "x"}`)
	f.Add("fr", `{"language.name": {"other": "{{with .x}}"}}`)
	f.Fuzz(func(t *testing.T, lang, text string) {
		if lang == "" || strings.ContainsAny(lang, "/\\\x00") {
			return
		}
		c, found := Read(directory(map[string]string{lang + ".json": text}), "t", nil)
		if (c == nil) != (len(broker.Refused(found)) > 0) {
			t.Errorf("%q %q: %v, %v", lang, text, c, found)
		}
	})
}

// TestLayers: what lies above counts, whether the messages have values or none; what a language lacks is
// said in English, as a text and as a template.
func TestLayers(t *testing.T) {
	c, err := assemble([]layer{
		{"en", []byte(`{"custom.text": "fixed", "custom.values": "to {{.who}}", "login.with": "just go", "login.button": "In, {{.who}}", "custom.braces": "}} {"}`)},
		{"de", []byte(`{"login.with": "geh einfach", "login.button": "Rein, {{.who}}"}`)},
		{"de", []byte(`{"login.button": "Hinein"}`)},
		{"fr", []byte(`{"custom.values": "à {{.who}}"}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range [][3]string{
		{"en", "custom.text", "fixed"}, {"de", "custom.text", "fixed"}, {"fr", "custom.text", "fixed"}, {"xx", "custom.text", "fixed"},
		{"en", "custom.values", "to Ada"}, {"de", "custom.values", "to Ada"}, {"fr", "custom.values", "à Ada"}, {"en", "custom.braces", "}} {"},
		{"en", "login.with", "just go"}, {"de", "login.with", "geh einfach"}, {"fr", "login.with", "just go"},
		{"en", "login.button", "In, Ada"}, {"de", "login.button", "Hinein"}, {"fr", "login.button", "In, Ada"},
	} {
		if got := c.Text(tt[0], tt[1], map[string]string{"who": "Ada"}); got != tt[2] {
			t.Errorf("%s in %s: %q, want %q", tt[1], tt[0], got, tt[2])
		}
		if got := c.Plural(tt[0], tt[1], 1, map[string]string{"who": "Ada"}); got != tt[2] {
			t.Errorf("one %s in %s: %q, want %q", tt[1], tt[0], got, tt[2])
		}
	}
	if got := c.LanguageName("fr"); got != "fr" { // its catalog does not say
		t.Errorf("fr is called %q", got)
	}
}
