package i18n

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// catalog reads a catalog as keys and forms: the form is "other" where a
// message has one.
func catalog(t *testing.T, name string) map[string]map[string]string {
	t.Helper()
	text, err := files.ReadFile("catalog/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	all := map[string]map[string]string{}
	for key, value := range raw {
		all[key] = map[string]string{}
		switch value := value.(type) {
		case string:
			all[key]["other"] = value
		case map[string]any:
			for form, text := range value {
				all[key][form] = fmt.Sprint(text)
			}
		}
	}
	return all
}

var placeholder = regexp.MustCompile(`\.[a-z]+`)

// placeholders lists the values that a template uses.
func placeholders(text string) []string {
	var found []string
	for _, block := range regexp.MustCompile(`{{[^}]*}}`).FindAllString(text, -1) {
		found = append(found, placeholder.FindAllString(block, -1)...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func TestCatalogsSayTheSame(t *testing.T) {
	en := catalog(t, "en.json")
	for _, lang := range catalogs(t).Languages()[1:] {
		other := catalog(t, lang+".json")
		for key := range other {
			if en[key] == nil {
				t.Errorf("%s: %q is not in en", lang, key)
			}
		}
		for key, forms := range en {
			theirs, ok := other[key]
			if !ok {
				t.Errorf("%s: %q is missing", lang, key)
				continue
			}
			for form, text := range theirs {
				if strings.TrimSpace(text) == "" {
					t.Errorf("%s: %q has an empty form %q", lang, key, form)
				}
			}
			if got, want := placeholders(theirs["other"]), placeholders(forms["other"]); !slices.Equal(got, want) {
				t.Errorf("%s: %q uses %v, en uses %v", lang, key, got, want)
			}
			if (len(forms) > 1) != (len(theirs) > 1) {
				t.Errorf("%s: %q has plural forms in one language only", lang, key)
			}
		}
	}
}

// TestPlainWords holds the texts to the words that people use.
func TestPlainWords(t *testing.T) {
	banned := regexp.MustCompile(`(?i)\b(oauth|openid connect|token|scope|consent|relying party|submit|please wait|invalid|failed|error|ungültig|fehlgeschlagen|Sie)\b`)
	polite := regexp.MustCompile(`\b(Ihnen|Ihr Konto|Ihre Adresse|Ihr Passwort)\b`)
	for _, lang := range []string{"en", "de"} {
		for key, forms := range catalog(t, lang+".json") {
			for _, text := range forms {
				// "Sie" may begin a sentence that speaks of a thing ("sie").
				word := banned.FindString(regexp.MustCompile(`(^|[.?!:] )Sie\b`).ReplaceAllString(text, "$1"))
				if strings.EqualFold(word, "sie") && word != "Sie" {
					word = ""
				}
				if word != "" {
					t.Errorf("%s: %q says %q", lang, key, word)
				}
				if lang == "de" && polite.MatchString(text) {
					t.Errorf("%s: %q does not say du: %q", lang, key, text)
				}
			}
		}
	}
}

// TestCatalogIsSorted keeps merges easy.
func TestCatalogIsSorted(t *testing.T) {
	for _, lang := range []string{"en", "de"} {
		text, err := files.ReadFile("catalog/" + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, m := range regexp.MustCompile(`(?m)^  "([^"]+)":`).FindAllStringSubmatch(string(text), -1) {
			keys = append(keys, m[1])
		}
		if !slices.IsSorted(keys) {
			t.Errorf("%s.json is not sorted by key", lang)
		}
		if len(keys) != len(slices.Compact(slices.Clone(keys))) {
			t.Errorf("%s.json has a key twice", lang)
		}
	}
}

// sources reads every Go file of the repository that is no test, and every
// template, by path.
func sources(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "third_party" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".html") && (!strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go")) {
			return nil
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestEveryErrorHasWords finds the errors of all rooms in their sources.
func TestEveryErrorHasWords(t *testing.T) {
	c := catalogs(t)
	message := regexp.MustCompile(`Message:\s*"([^"]*)"`)
	seen := map[string]string{}
	for path, text := range sources(t) {
		for _, m := range message.FindAllStringSubmatch(text, -1) {
			seen[m[1]] = path
		}
	}
	if len(seen) < 5 {
		t.Fatalf("found %d errors only: is the search still right?", len(seen))
	}
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		if key != "" && !c.Has(key) {
			t.Errorf("%s: error %q has no words in the catalogs", seen[key], key)
		}
	}
}

// composed are the beginnings of keys that code puts together.
var composed = regexp.MustCompile(`^(claim\.(affiliations|email_verified|phone_number_verified|updated_at)$|visibility\.|events|home|mail|sent|settings|passkeys\.by_.*|time\.month_\d)|\.(title|advice)$`)

// TestNothingIsSaidInVain finds messages that nobody says any more.
func TestNothingIsSaidInVain(t *testing.T) {
	var all strings.Builder
	for _, text := range sources(t) {
		all.WriteString(text)
	}
	en := catalog(t, "en.json")
	for key := range en {
		if !composed.MatchString(key) && !strings.Contains(all.String(), `"`+key+`"`) {
			t.Errorf("nobody says %q", key)
		}
		if of, ok := strings.CutSuffix(key, ".title"); ok && strings.Count(key, ".") == 2 && en[of] == nil {
			t.Errorf("%q is the title of an error that does not exist", key)
		}
	}
}

// TestMails holds the mails to what the mail room expects of them.
func TestMails(t *testing.T) {
	c := catalogs(t)
	args := map[string]string{"brand": "Commons", "name": "Ada", "provider": "GitHub", "minutes": "30", "ip": "192.0.2.7",
		"browser": "Firefox", "when": "2026-11-22 12:00 UTC", "email": "ada@example.org"}
	for _, lang := range c.Languages() {
		for _, name := range []string{"sign-up", "known", "reset", "password-changed", "linked", "unlinked"} {
			for _, link := range []string{"https://broker.example/x?token=abc", ""} {
				args["link"] = link
				body := c.Text(lang, "mail."+name+".body", args)
				subject := c.Text(lang, "mail."+name+".subject", args)
				if strings.ContainsAny(subject, "\n{") || !strings.Contains(subject, "Commons") {
					t.Errorf("%s %s: subject %q", lang, name, subject)
				}
				for _, part := range []string{"192.0.2.7", "Firefox", "2026-11-22", "Commons"} {
					if !strings.Contains(body, part) {
						t.Errorf("%s %s: body does not say %q", lang, name, part)
					}
				}
				paragraphs := strings.Split(body, "\n\n")
				if link != "" && !slices.Contains(paragraphs, link) {
					t.Errorf("%s %s: the link does not stand alone in a paragraph:\n%s", lang, name, body)
				}
				if strings.Contains(body, "{{") || slices.Contains(paragraphs, "") && link != "" {
					t.Errorf("%s %s: body is not well formed:\n%s", lang, name, body)
				}
			}
			if !c.Has("mail." + name + ".action") {
				t.Errorf("%s: no words for the button", name)
			}
		}
		// What a stranger typed as their name must not be mailed to somebody else.
		args["name"] = "BUY NOW http://evil.example"
		if body := c.Text(lang, "mail.sign-up.body", args); strings.Contains(body, "evil") {
			t.Errorf("%s: the sign-up mail carries a name that anybody may have typed", lang)
		}
		args["name"] = "Ada"
	}
}
