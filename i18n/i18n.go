// Package i18n says things in the person's language: pages, errors and mails.
// It keeps the catalogs, chooses a language, and formats messages with their
// plural rules. It never knows who the person is and never returns HTML: what
// it returns is text, and whoever writes it into a page escapes it.
//
// A catalog is a go-i18n message file, catalog/<language>.json: keys of the
// form page.element, in lower case with underscores, and templates such as
// "Link {{.provider}}". Every catalog holds the same keys with the same
// placeholders; a test checks it. The texts use plain words: an error says what
// happened, what it means, and what to do, a sentence each; its heading stands
// under <key>.title. German says du, to one person and without ceremony. To add
// a language, add its file: language.name is what it calls itself, language.dir
// is "ltr" or "rtl". Operators change messages and add languages in a directory
// of theirs; Read lays it over ours.
package i18n

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Default is the language that is spoken where no other fits.
const Default = "en"

//go:embed catalog/*.json
var files embed.FS

// Originals are our catalogs, <language>.json.
func Originals() fs.FS {
	sub, err := fs.Sub(files, "catalog")
	if err != nil {
		panic(err) // embedded: cannot happen
	}
	return sub
}

// Catalogs holds every message in every language. It is safe for concurrent
// use once New or Read has returned it.
type Catalogs struct{ now atomic.Pointer[spoken] }

// spoken is what Catalogs holds at a time. Most messages are texts without values; the
// library would keep half a kilobyte beside each.
type spoken struct {
	languages  []string // BCP 47, Default first
	matcher    language.Matcher
	texts      map[string]map[string]string // by language and key, of messages without values and plural forms
	localizers map[string]*goi18n.Localizer // of the others
	keys       map[string]bool
}

// New returns our own catalogs.
func New() (*Catalogs, error) { return assemble(nil) }

// Replace takes over what other says. Whoever holds c speaks so from now on.
func (c *Catalogs) Replace(other *Catalogs) { c.now.Store(other.now.Load()) }

// layer is a message file.
type layer struct {
	language string
	text     []byte
}

// assemble reads our catalogs, and lays others over them.
func assemble(over []layer) (*Catalogs, error) {
	entries, err := files.ReadDir("catalog")
	if err != nil {
		return nil, fmt.Errorf("list catalogs: %w", err)
	}
	var layers []layer
	for _, e := range entries {
		text, err := files.ReadFile("catalog/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("read catalog %s: %w", e.Name(), err)
		}
		layers = append(layers, layer{strings.TrimSuffix(e.Name(), ".json"), text})
	}
	s := &spoken{languages: []string{Default}, texts: map[string]map[string]string{}, localizers: map[string]*goi18n.Localizer{}, keys: map[string]bool{}}
	messages := map[string]map[string]*goi18n.Message{Default: {}} // by language and key, the uppermost
	for _, l := range append(layers, over...) {
		f, err := goi18n.ParseMessageFileBytes(l.text, l.language+".json", nil)
		if err != nil {
			return nil, fmt.Errorf("read catalog %s.json: %w", l.language, err)
		}
		lang := f.Tag.String()
		if messages[lang] == nil {
			messages[lang] = map[string]*goi18n.Message{}
			s.languages = append(s.languages, lang)
		}
		for _, m := range f.Messages {
			messages[lang][m.ID] = m
		}
	}
	bundle := goi18n.NewBundle(language.MustParse(Default))
	for _, lang := range s.languages {
		s.texts[lang] = map[string]string{}
		var templates []*goi18n.Message
		for key, m := range messages[lang] {
			if lang == Default {
				s.keys[key] = true
			}
			if fixed(m) {
				s.texts[lang][key] = m.Other
			} else {
				templates = append(templates, m)
			}
		}
		if err := bundle.AddMessages(language.MustParse(lang), templates...); err != nil {
			return nil, fmt.Errorf("catalog %s: %w", lang, err)
		}
	}
	tags := make([]language.Tag, len(s.languages))
	for i, lang := range s.languages {
		tags[i] = language.MustParse(lang)
		s.localizers[lang] = goi18n.NewLocalizer(bundle, lang, Default)
	}
	s.matcher = language.NewMatcher(tags)
	c := &Catalogs{}
	c.now.Store(s)
	return c, nil
}

// fixed tells whether a message is always the same text.
func fixed(m *goi18n.Message) bool {
	return m.Other != "" && m.Zero+m.One+m.Two+m.Few+m.Many == "" && !strings.Contains(m.Other, "{{")
}

// Languages lists the languages that have a catalog, Default first, as BCP 47
// tags.
func (c *Catalogs) Languages() []string { return append([]string(nil), c.now.Load().languages...) }

// Has tells whether there is a message under key.
func (c *Catalogs) Has(key string) bool { return c.now.Load().keys[key] }

// Keys are those of all messages.
func (c *Catalogs) Keys() []string { return slices.Sorted(maps.Keys(c.now.Load().keys)) }

// Text returns the message under key in a language. A language without a
// catalog is spoken as Default, and an unknown key returns the key itself, so
// that a mistake is seen and breaks nothing.
func (c *Catalogs) Text(lang, key string, args map[string]string) string {
	return c.now.Load().say(lang, &goi18n.LocalizeConfig{MessageID: key, TemplateData: args})
}

// Plural returns the form of the message under key that fits n in a language.
// The message has n at hand as {{.n}}.
func (c *Catalogs) Plural(lang, key string, n int, args map[string]string) string {
	data := map[string]string{"n": fmt.Sprint(n)}
	for k, v := range args {
		data[k] = v
	}
	return c.now.Load().say(lang, &goi18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: n})
}

func (s *spoken) say(lang string, what *goi18n.LocalizeConfig) string {
	l, ok := s.localizers[lang]
	if !ok {
		l, lang = s.localizers[Default], Default
	}
	if !s.keys[what.MessageID] {
		return what.MessageID
	}
	if text, ok := s.texts[lang][what.MessageID]; ok {
		return text
	}
	text, err := l.Localize(what)
	if err != nil && text == "" { // a form that the language lacks
		text, err = s.localizers[Default].Localize(what)
	}
	if err != nil && text == "" {
		return cmp.Or(s.texts[Default][what.MessageID], what.MessageID) // the language lacks it, and it is a text
	}
	return strings.ReplaceAll(text, "<no value>", "")
}

// LanguageName is what a language with a catalog calls itself; another is its tag.
func (c *Catalogs) LanguageName(tag string) string {
	return cmp.Or(c.now.Load().texts[tag]["language.name"], tag)
}
