package mail

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	texttemplate "text/template"

	"golang.org/x/net/html"

	"idbroker/broker"
)

//go:embed mail.html mail.txt
var files embed.FS

// frame is the template of every mail that has none of its own.
const frame = "mail"

// maxTemplate bounds a template of an operator's, in bytes.
const maxTemplate = 1 << 20

// Originals are our templates, to be changed: mail.html and mail.txt. An operator
// may write <mail>.html and <mail>.txt beside them for single mails.
func Originals() fs.FS { return files }

// Templates are what mails are written by. Values are escaped in HTML whatever the
// template does.
type Templates struct {
	html map[string]*template.Template // by mail; frame for the others
	text map[string]*texttemplate.Template
}

// ours are our own; they parse, a test reads them.
func ours() *Templates {
	return &Templates{
		html: map[string]*template.Template{frame: template.Must(template.ParseFS(files, frame+".html"))},
		text: map[string]*texttemplate.Template{frame: texttemplate.Must(texttemplate.ParseFS(files, frame+".txt"))},
	}
}

// letter is what the templates of mails are given.
type letter struct {
	Mail       string // its name: "reset"
	Lang, Dir  string // BCP 47; "ltr" or "rtl"
	Brand      string
	BaseURL    string // no slash at the end
	Subject    string
	Action     string // words for the link
	Link, Code string // "" none
	Paragraphs []paragraph
}

// paragraph is one block of a mail. A block that is the link and nothing else
// becomes a button in HTML, a code stands out.
type paragraph struct {
	Text       string
	Link, Code bool
}

// write makes the two forms of a mail.
func (t *Templates) write(l letter) (text, page string, err error) {
	var a, b bytes.Buffer
	as, ok := t.text[l.Mail]
	if !ok {
		as = t.text[frame]
	}
	if err := as.Execute(&a, l); err != nil {
		return "", "", err
	}
	by, ok := t.html[l.Mail]
	if !ok {
		by = t.html[frame]
	}
	if err := by.Execute(&b, l); err != nil {
		return "", "", err
	}
	return strings.TrimSpace(a.String()) + "\n", b.String(), nil
}

// ReadTemplates reads the templates in dir and writes every mail by them, in every
// language. The findings tell all that is wrong at once; where one is more than a note,
// the templates are nil. name is how the operator calls dir.
func ReadTemplates(dir fs.FS, name string, texts Catalogs) (*Templates, []broker.Finding) {
	c := &check{name: name, texts: texts, t: ours(), sources: map[string]string{}, lacking: map[string]bool{}}
	names, err := fs.Glob(dir, "*")
	if err != nil {
		c.add("", 0, "cannot be listed: %v", err)
	}
	for _, file := range names {
		if !strings.HasPrefix(file, ".") { // what mounts and editors leave
			c.read(dir, file)
		}
	}
	c.writeAll()
	found := broker.SortFindings(c.found)
	if len(broker.Refused(found)) > 0 {
		return nil, found
	}
	return c.t, found
}

type check struct {
	name    string
	texts   Catalogs
	t       *Templates
	sources map[string]string // of what was changed, by file
	lacking map[string]bool
	found   []broker.Finding
}

func (c *check) add(file string, line int, format string, args ...any) {
	c.found = append(c.found, broker.Finding{File: strings.TrimSuffix(c.name+"/"+file, "/"), Line: line, Text: fmt.Sprintf(format, args...)})
}

func (c *check) note(file string, line int, format string, args ...any) {
	c.add(file, line, format, args...)
	c.found[len(c.found)-1].Note = true
}

// mails are the names of all mails.
func mails(texts Catalogs) []string {
	var all []string
	for _, key := range texts.Keys() {
		if of, ok := strings.CutSuffix(key, ".body"); ok && strings.HasPrefix(of, "mail.") {
			all = append(all, strings.TrimPrefix(of, "mail."))
		}
	}
	slices.Sort(all)
	return all
}

// read reads one file; a copy that nobody changed lets ours stand.
func (c *check) read(dir fs.FS, file string) {
	base, ext, _ := strings.Cut(file, ".")
	if ext != "html" && ext != "txt" || base != frame && !slices.Contains(mails(c.texts), base) {
		c.add(file, 0, "is no template of a mail; there are mail.html and mail.txt for all, and .html and .txt for: %s", strings.Join(mails(c.texts), ", "))
		return
	}
	text, err := fs.ReadFile(dir, file)
	if err == nil && len(text) > maxTemplate {
		err = fmt.Errorf("has more than %d KiB", maxTemplate>>10)
	}
	if err != nil {
		c.add(file, 0, "cannot be read: %v", err)
		return
	}
	original, _ := files.ReadFile(frame + "." + ext)
	switch copied := broker.ReadCopy(string(text)); {
	case copied.Unchanged():
		return
	case copied.Version == "" && base == frame:
		c.note(file, 0, "has not the first line that \"broker templates export\" writes, so nobody can tell when ours changes")
	case copied.Outdated(original):
		c.note(file, 1, "ours has changed since version %s, from which this was copied; see whether it has something that yours needs", copied.Version)
	}
	if ext == "html" {
		c.t.html[base], err = template.New(file).Parse(string(text))
	} else {
		c.t.text[base], err = texttemplate.New(file).Parse(string(text))
	}
	if err != nil {
		c.failed(file, err)
		delete(c.t.html, base)
		delete(c.t.text, base)
		return
	}
	c.sources[file] = string(text)
}

var place = regexp.MustCompile(`template: ?([^:\s]+):(\d+)(?::\d+)?: ?(?:executing "[^"]*" at )?(.*)`)

// failed tells of an error of a template.
func (c *check) failed(file string, err error) {
	m := place.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	if m == nil {
		c.add(file, 0, "%v", err)
		return
	}
	line, _ := strconv.Atoi(m[2])
	c.add(file, line, "%s", strings.ReplaceAll(m[3], "mail.", ""))
}

// writeAll writes every mail in every language by the changed templates.
func (c *check) writeAll() {
	if len(broker.Refused(c.found)) > 0 {
		return
	}
	s := New(nil, c.texts, Options{Brand: "Example", BaseURL: "https://example.test", From: "id@example.test"})
	for _, lang := range c.texts.Languages() {
		for _, name := range mails(c.texts) {
			c.one(s, name, lang)
		}
	}
}

// example is a mail with all that it can say.
func example(name, lang string) broker.Mail {
	m := broker.Mail{To: "ada@example.test", Template: name, Locale: lang, Data: map[string]string{
		"name": "Ada Lovelace", "provider": "GitHub", "minutes": "30", "ip": "192.0.2.7", "browser": "Firefox on Linux", "left": "9",
		"when": "2026-11-22T12:00:00Z", "until": "2026-11-29T12:00:00Z", "new": "new@example.test", "old": "old@example.test",
	}}
	if strings.HasPrefix(name, "code-") {
		m.Data["code"] = "WDJB-MJHT"
	} else {
		m.Data["link"] = "https://example.test/way/?token=example"
	}
	return m
}

func (c *check) one(s *Sender, name, lang string) {
	l, err := s.letter(example(name, lang))
	if err != nil {
		c.add("", 0, "%v", err)
		return
	}
	asText, byText := c.file(name, "txt")
	asPage, byPage := c.file(name, "html")
	was, _, err := ours().write(l)
	if err != nil {
		c.add("", 0, "%v", err)
		return
	}
	text, page, err := c.t.write(l)
	if err != nil {
		file := asText
		if byPage && strings.Contains(err.Error(), asPage) {
			file = asPage
		}
		c.failed(file, err)
		return
	}
	for what, value := range map[string]string{"link": l.Link, "code": l.Code} {
		if byText && strings.Contains(was, value) && !strings.Contains(text, value) {
			c.lacks(asText, name, what)
		}
	}
	if byText {
		for _, p := range l.Paragraphs {
			if !p.Link && !p.Code && !strings.Contains(text, p.Text) {
				c.note(asText, 0, "the mail %q does not say: %s", name, p.Text)
			}
		}
	}
	if byPage {
		c.page(asPage, name, page, l, strings.Contains(was, l.Link))
	}
}

// file is the template by which a mail is written, and whether it is the operator's.
func (c *check) file(name, ext string) (string, bool) {
	if _, ok := c.sources[name+"."+ext]; ok {
		return name + "." + ext, true
	}
	_, ok := c.sources[frame+"."+ext]
	return frame + "." + ext, ok
}

// lacks tells once of what a template leaves out, by the first mail that needs it.
func (c *check) lacks(file, name, what string) {
	if c.lacking[file+what] {
		return
	}
	c.lacking[file+what] = true
	c.add(file, 0, "leaves out the %s, without which mails such as %q are of no use", what, name)
}

// inert are elements that mail programs drop, or that make a mail look like fraud.
var inert = []string{"script", "form", "input", "button", "iframe", "object", "embed", "base", "link", "audio", "video"}

// loading finds what a style loads.
var loading = regexp.MustCompile(`(?i)url\(|@import`)

// page looks at the HTML of a mail.
func (c *check) page(file, name, page string, l letter, link bool) {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		c.add(file, 0, "is no HTML: %v", err)
		return
	}
	source := c.sources[file]
	linked, said := false, &strings.Builder{}
	for n := range doc.Descendants() {
		if n.Type == html.TextNode {
			said.WriteString(n.Data)
			if n.Parent != nil && n.Parent.Data == "style" && loading.MatchString(n.Data) {
				c.add(file, lineOf(source, "<style"), "its style loads something from elsewhere, which tells others when the mail is read")
			}
			continue
		}
		if n.Type != html.ElementNode {
			continue
		}
		if slices.Contains(inert, n.Data) {
			c.add(file, lineOf(source, "<"+n.Data), "<%s> has no place in a mail: mail programs drop it, or take the mail for fraud", n.Data)
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "href" && a.Val == l.Link && n.Data == "a":
				linked = true
			case strings.HasPrefix(a.Key, "on"), a.Key == "http-equiv":
				c.add(file, lineOf(source, a.Key), "%s has no place in a mail", a.Key)
			case slices.Contains([]string{"src", "srcset", "background", "poster"}, a.Key) && !strings.HasPrefix(a.Val, "data:image/"),
				a.Key == "style" && loading.MatchString(a.Val):
				c.add(file, lineOf(source, a.Key+"="), "%s=%q is loaded from elsewhere, which tells others when the mail is read", a.Key, a.Val)
			}
		}
	}
	if link && !linked && l.Link != "" {
		c.lacks(file, name, "link as an <a href>")
	}
	if l.Code != "" && !strings.Contains(said.String(), l.Code) {
		c.lacks(file, name, "code")
	}
}

// lineOf is the first line of a template that has the text; 0 none.
func lineOf(source, text string) int {
	before, _, ok := strings.Cut(strings.ToLower(source), strings.ToLower(text))
	if !ok {
		return 0
	}
	return 1 + strings.Count(before, "\n")
}
