package web

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"idbroker/broker"
	"idbroker/i18n"
)

// maxTemplate bounds a template of an operator's, in bytes; ours have a hundredth of it.
const maxTemplate = 1 << 20

// Pages are templates of pages that an operator has changed. Nil: none. What
// browsers may do with a page stands in headers, which no template reaches, and
// values are escaped as in ours.
type Pages struct{ texts map[string]string }

// text is a template by its file's name.
func (p *Pages) text(name string) (string, bool) {
	if p == nil {
		return "", false
	}
	text, ok := p.texts[name]
	return text, ok
}

// PageTemplates are ours, to be changed: <page>.html, and _layout.html and _parts.html
// for what they share.
func PageTemplates() fs.FS {
	sub, err := fs.Sub(templateFiles, "templates")
	if err != nil {
		panic(err) // embedded: cannot happen
	}
	return sub
}

// UsePages shows pages by these templates from the next one on; nil: by ours.
func (s *Server) UsePages(p *Pages) error { return s.pages.use(p) }

// ReadPages reads the templates in dir, and holds each to ours: it must show
// every example of its page, and have the forms of ours with their fields. Texts
// come from cat.
//
// The findings tell all that is wrong at once; where one is more than a note, the
// pages are nil. name is how the operator calls dir.
func ReadPages(dir fs.FS, name string, cat *i18n.Catalogs) (*Pages, []broker.Finding) {
	r, err := newRenderer(cat, Brand{Name: "Example", Help: "https://example.test/help"})
	if err != nil {
		return nil, []broker.Finding{{File: name, Text: err.Error()}}
	}
	c := &pageCheck{name: name, r: r, cat: cat, pages: Pages{texts: map[string]string{}}, examples: map[string][]example{}}
	names, err := fs.Glob(dir, "*")
	if err != nil {
		c.add("", 0, "cannot be listed: %v", err)
	}
	for _, file := range names {
		if !strings.HasPrefix(file, ".") { // what mounts and editors leave
			c.read(dir, file)
		}
	}
	c.all()
	found := broker.SortFindings(c.found)
	if len(broker.Refused(found)) > 0 {
		return nil, found
	}
	return &c.pages, found
}

// pageCheck collects what a directory holds, and what is wrong with it.
type pageCheck struct {
	name  string
	r     *renderer
	cat   *i18n.Catalogs
	pages Pages
	found []broker.Finding

	examples map[string][]example // by template
}

func (c *pageCheck) add(file string, line int, format string, args ...any) {
	c.found = append(c.found, broker.Finding{File: strings.TrimSuffix(c.name+"/"+file, "/"), Line: line, Text: fmt.Sprintf(format, args...)})
}

func (c *pageCheck) note(file string, line int, format string, args ...any) {
	c.add(file, line, format, args...)
	c.found[len(c.found)-1].Note = true
}

// read reads one file; a copy that nobody changed lets ours stand.
func (c *pageCheck) read(dir fs.FS, file string) {
	ours, err := fs.ReadFile(PageTemplates(), file)
	if err != nil {
		c.add(file, 0, "is no page of ours; \"broker templates export\" writes all that there are")
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
	switch copied := broker.ReadCopy(string(text)); {
	case copied.Unchanged():
		return
	case copied.Version == "":
		c.note(file, 0, "has not the first line that \"broker templates export\" writes, so nobody can tell when ours changes")
	case copied.Outdated(ours):
		c.note(file, 1, "ours has changed since version %s, from which this was copied; see whether it has something that yours needs", copied.Version)
	}
	c.pages.texts[file] = string(text)
}

// all holds each template to ours: those that pages share under our pages, then
// each page under our shared ones, then all together.
func (c *pageCheck) all() {
	ours := *c.r.pages.Load()
	var shared, single []string
	for file := range c.pages.texts {
		if strings.HasPrefix(file, "_") {
			shared = append(shared, file)
		} else {
			single = append(single, file)
		}
	}
	slices.Sort(shared)
	slices.Sort(single)
	for _, file := range slices.Concat(shared, single) {
		theirs, err := c.r.parse(c.only(file))
		if err != nil {
			line, what := templateError(file, err)
			c.add(file, line, "%s", what)
			continue
		}
		if !c.defined(file, ours, theirs) {
			continue
		}
		kinds := pageKinds()
		if !strings.HasPrefix(file, "_") {
			kinds = slices.DeleteFunc(kinds, func(k page) bool { return k.template()+".html" != file })
		}
		for _, kind := range kinds {
			c.compare(file, kind, ours, theirs)
		}
	}
	if len(broker.Refused(c.found)) > 0 || len(shared) == 0 || len(single) == 0 {
		return
	}
	marked := Pages{texts: map[string]string{}}
	for file, text := range c.pages.texts {
		marked.texts[file] = markForms(file, text)
	}
	together, err := c.r.parse(&marked)
	if err != nil {
		c.add("", 0, "%v", err)
		return
	}
	for _, kind := range pageKinds() {
		if file := kind.template() + ".html"; slices.Contains(single, file) {
			c.compare(file, kind, ours, together)
		}
	}
}

// only is one of the templates alone.
func (c *pageCheck) only(file string) *Pages {
	return &Pages{texts: map[string]string{file: markForms(file, c.pages.texts[file])}}
}

var defines = regexp.MustCompile(`{{-?\s*(?:define|block)\s+"([^"]+)"`)

// defined tells whether a template has the parts that ours has, and uses nothing
// that there is not.
func (c *pageCheck) defined(file string, ours, theirs templates) bool {
	text, _ := fs.ReadFile(PageTemplates(), file)
	ok := true
	for _, m := range defines.FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(c.pages.texts[file], `"`+m[1]+`"`) || !definesPart(c.pages.texts[file], m[1]) {
			required := m[1] == "main" || strings.HasPrefix(file, "_")
			if required {
				c.add(file, 0, "lacks {{define %q}}, which ours has", m[1])
				ok = false
			}
		}
	}
	return c.names(file, theirs) && ok
}

func definesPart(text, part string) bool {
	for _, m := range defines.FindAllStringSubmatch(text, -1) {
		if m[1] == part {
			return true
		}
	}
	return false
}

var placeInTemplate = regexp.MustCompile(`template: ?([^:\s]+):(\d+)(?::\d+)?: ?(?:executing "[^"]*" at )?(.*)`)

// templateError is the line in a file that an error of its template speaks of, and
// what it says.
func templateError(file string, err error) (line int, what string) {
	m := placeInTemplate.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	if m == nil {
		return 0, err.Error()
	}
	what = strings.NewReplacer("*web.", "", "web.", "").Replace(m[3])
	if m[1] != file {
		return 0, "in " + m[1] + ":" + m[2] + ": " + what
	}
	line, _ = strconv.Atoi(m[2])
	return line, what
}

// lineOf is the first line of a template that has the text; 0 none.
func lineOf(template, text string) int {
	before, _, ok := strings.Cut(strings.ToLower(template), strings.ToLower(text))
	if !ok || text == "" {
		return 0
	}
	return 1 + strings.Count(before, "\n")
}
