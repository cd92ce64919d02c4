package i18n

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"idbroker/broker"
)

const (
	// ownKeys begins the keys of messages that operators invent, for pages that
	// they write.
	ownKeys = "custom."
	// maxCatalog bounds a file, in bytes; ours have a tenth of it.
	maxCatalog = 1 << 20
	// maxNamed bounds how many missing messages are named.
	maxNamed = 5
)

// Read lays the catalogs of dir, <language>.json, over ours: a message that stands
// there takes the place of ours, and a language that we don't speak is added.
// exported is what the messages were when they were exported, as Hashes tells it, by
// language; nil not known. A message that has not been changed since is left out,
// so that a newer broker's takes its place.
//
// The findings tell all that is wrong at once; where one is more than a note, the
// catalogs are nil. name is how the operator calls dir.
func Read(dir fs.FS, name string, exported map[string]map[string]string) (*Catalogs, []broker.Finding) {
	r := reader{name: name, exported: exported, custom: map[string]bool{}}
	names, err := fs.Glob(dir, "*")
	if err != nil {
		r.add("", 0, "cannot be listed: %v", err)
	}
	// English first: it says which messages of the operator's own there are.
	slices.SortFunc(names, func(a, b string) int {
		if (a == Default+".json") != (b == Default+".json") {
			if a == Default+".json" {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, file := range names {
		if !strings.HasPrefix(file, ".") { // what mounts and editors leave
			r.read(dir, file)
		}
	}
	found := broker.SortFindings(r.found)
	if len(broker.Refused(found)) > 0 {
		return nil, found
	}
	c, err := assemble(r.layers)
	if err != nil {
		return nil, append(found, broker.Finding{File: name, Text: err.Error()})
	}
	return c, found
}

// reader collects what a directory holds.
type reader struct {
	name     string
	exported map[string]map[string]string
	custom   map[string]bool // keys of the operator's own
	layers   []layer
	found    []broker.Finding
}

func (r *reader) add(file string, line int, format string, args ...any) {
	r.found = append(r.found, broker.Finding{File: strings.TrimSuffix(r.name+"/"+file, "/"), Line: line, Text: fmt.Sprintf(format, args...)})
}

func (r *reader) note(file string, line int, format string, args ...any) {
	r.add(file, line, format, args...)
	r.found[len(r.found)-1].Note = true
}

// read reads one file.
func (r *reader) read(dir fs.FS, file string) {
	lang, isJSON := strings.CutSuffix(file, ".json")
	tag, err := language.Parse(lang)
	if !isJSON || err != nil || tag.String() != lang || tag == language.Und {
		r.add(file, 0, "is no catalog; name it after its language, such as fr.json or pt-BR.json")
		return
	}
	text, err := fs.ReadFile(dir, file)
	if err == nil && len(text) > maxCatalog {
		err = fmt.Errorf("has more than %d KiB", maxCatalog>>10)
	}
	if err != nil {
		r.add(file, 0, "cannot be read: %v", err)
		return
	}
	messages, found := readMessages(r.name+"/"+file, text)
	r.found = append(r.found, found...)
	ours, spoken := original(lang)
	reference := ours
	if !spoken {
		reference, _ = original(Default)
	}
	kept := map[string]any{}
	for _, m := range messages {
		was := r.exported[lang][m.key]
		now, known := reference[m.key]
		if was != "" && m.hash() == was && spoken {
			continue // a copy: ours stands
		}
		if !known && was != "" {
			r.note(file, m.line, "%q is said no more; remove it", m.key)
			continue
		}
		if known && spoken && was != "" && was != now.hash() {
			r.note(file, m.line, "%q: our words have changed since your copy was exported, to %q; see that yours still fit", m.key, now.forms[other])
		}
		switch own := strings.HasPrefix(m.key, ownKeys); {
		case own && lang == Default:
			r.custom[m.key] = true
		case own && !r.custom[m.key]:
			r.add(file, m.line, "%q is not in %s.json of yours; say it there too, for all other languages", m.key, Default)
		case !own && !known:
			r.add(file, m.line, "%q is no message of ours; is it misspelt? Messages of your own begin with %q", m.key, ownKeys)
			continue
		}
		r.check(file, tag, m, now, known)
		if m.plural() {
			kept[m.key] = m.forms
		} else {
			kept[m.key] = m.forms[other]
		}
	}
	if !spoken {
		r.newLanguage(file, messages, reference)
	}
	if len(kept) > 0 {
		text, _ := json.Marshal(kept) // texts alone: cannot fail
		r.layers = append(r.layers, layer{lang, text})
	}
}

// check holds a message to the original.
func (r *reader) check(file string, tag language.Tag, m, original message, known bool) {
	if known && original.plural() {
		for _, form := range categories(tag) {
			if _, ok := m.forms[form]; !ok {
				r.add(file, m.line, "%q lacks the form %q, which %s needs for some numbers", m.key, form, tag)
			}
		}
	} else if known && m.plural() {
		r.add(file, m.line, "%q has plural forms, but there is no number to choose one by; write a text", m.key)
	}
	var want, have []string
	for _, text := range original.forms {
		used, _ := placeholdersOf(text)
		want = append(want, used...)
	}
	for _, form := range slices.Sorted(maps.Keys(m.forms)) {
		text := m.forms[form]
		if strings.TrimSpace(text) == "" {
			r.add(file, m.line, "%q is empty", m.key)
		}
		used, err := placeholdersOf(text)
		if err != nil {
			r.add(file, m.line, "%q cannot be read: %s", m.key, strings.TrimPrefix(err.Error(), "template: message:"))
			return
		}
		have = append(have, used...)
	}
	if !known {
		return
	}
	for _, p := range missing(have, want) {
		r.add(file, m.line, "%q uses {{.%s}}, which there is not; there is %s", m.key, p, braced(want))
	}
	for _, p := range missing(want, have) {
		if strings.HasPrefix(m.key, "mail.") && (p == "link" || p == "code") {
			r.add(file, m.line, "%q lacks {{.%s}}: without it the mail is of no use", m.key, p)
		} else {
			r.note(file, m.line, "%q does not say {{.%s}}", m.key, p)
		}
	}
}

// newLanguage checks what a language needs that we don't speak.
func (r *reader) newLanguage(file string, messages []message, reference map[string]message) {
	have := map[string]message{}
	for _, m := range messages {
		have[m.key] = m
	}
	if have["language.name"].forms[other] == "" {
		r.add(file, 0, "lacks \"language.name\", what the language calls itself")
	}
	if m := have["language.dir"]; m.forms[other] != "ltr" && m.forms[other] != "rtl" {
		r.add(file, m.line, "lacks \"language.dir\": \"ltr\", or \"rtl\" where it is written from right to left")
	}
	var lacks []string
	for _, key := range slices.Sorted(maps.Keys(reference)) {
		if _, ok := have[key]; !ok && !strings.HasPrefix(key, "language.") {
			lacks = append(lacks, key)
		}
	}
	if n := len(lacks); n > 0 {
		r.note(file, 0, "lacks %d messages, which stay English: %s", n, strings.Join(lacks[:min(n, maxNamed)], ", ")+map[bool]string{true: ", …"}[n > maxNamed])
	}
}

// original are the messages of a catalog of ours.
func original(lang string) (map[string]message, bool) {
	text, err := files.ReadFile("catalog/" + lang + ".json")
	if err != nil {
		return nil, false
	}
	all := map[string]message{}
	messages, _ := readMessages(lang, text)
	for _, m := range messages {
		all[m.key] = m
	}
	return all, true
}

// categories are the plural forms that a language has for whole numbers.
func categories(tag language.Tag) []string {
	names := map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: other}
	seen := map[string]bool{other: true}
	for n := range 201 { // no language asks for more than the last two digits of small numbers
		seen[names[plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0)]] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// missing are those of a that b has not.
func missing(a, b []string) []string {
	var all []string
	for _, x := range a {
		if !slices.Contains(b, x) && !slices.Contains(all, x) {
			all = append(all, x)
		}
	}
	return all
}

func braced(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) == 0 {
		return "no value at all"
	}
	return "{{." + strings.Join(names, "}}, {{.") + "}}"
}
