package web

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"idbroker/broker"
	"idbroker/i18n"
)

// shownForm is a form as a browser takes it.
type shownForm struct {
	method, action string
	entries        map[string]entry
	place          string // as markForms has it; "" not known
}

// entry is something that a form sends.
type entry struct {
	kind, name, value string // kind: "hidden", "button", or of the input; value of hidden ones and buttons
	must              bool   // the form is of no use without it
}

func (f shownForm) id() string { return f.method + " " + f.action }

// lookOf is what a browser makes of a page.
type lookOf struct {
	forms     []shownForm
	resources map[string]bool // what it loads by itself
	scripts   map[string]bool
	blocked   map[string]string // what the policy refuses: where to find it in the template, and why
	words     map[string]bool   // made-up ones
}

// look reads a page as a browser does.
func look(page []byte) (lookOf, error) {
	s := lookOf{resources: map[string]bool{}, scripts: map[string]bool{}, blocked: map[string]string{}, words: map[string]bool{}}
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		return s, err
	}
	for _, w := range exampleWords.FindAllString(string(page), -1) {
		s.words[w] = true
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			s.element(n)
		}
	}
	return s, nil
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func carries(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

// loaded are the attributes by which elements load something.
var loaded = []string{"src", "srcset", "poster", "data", "background", "xlink:href"}

func (s *lookOf) element(n *html.Node) {
	block := func(find, why string) { s.blocked[find] = why }
	switch n.Data {
	case "style":
		block("<style", "<style> has no effect: browsers are told to take style sheets from files of ours alone")
	case "base", "object", "embed", "applet":
		block("<"+n.Data, "<"+n.Data+"> has no effect, or would change where links lead")
	case "meta":
		if carries(n, "http-equiv") {
			block("http-equiv", "<meta http-equiv> is for headers, which the broker sends itself")
		}
	case "script":
		if src := attribute(n, "src"); src == "" {
			block("<script", "a script within the page has no effect: browsers are told to run files of ours alone")
		} else {
			s.scripts[src] = true
		}
	case "link":
		if rel := attribute(n, "rel"); rel != "canonical" && rel != "help" && rel != "license" {
			s.resources[attribute(n, "href")] = true
		}
	case "image", "use":
		if href := attribute(n, "href"); href != "" && !strings.HasPrefix(href, "#") {
			s.resources[href] = true
		}
	case "form":
		s.forms = append(s.forms, formOf(n))
	}
	for _, a := range n.Attr {
		switch {
		case a.Key == "style":
			block("style=", "style=\"…\" has no effect: browsers are told to take style sheets from files of ours alone")
		case strings.HasPrefix(a.Key, "on"):
			block(a.Key, a.Key+"=\"…\" has no effect: browsers are told to run no code within the page")
		case a.Key == "formaction", a.Key == "srcdoc":
			block(a.Key, a.Key+" is not allowed: forms go where ours go")
		case strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:"):
			block("javascript:", "a javascript: link has no effect")
		case slices.Contains(loaded, a.Key) && n.Data != "script":
			s.resources[a.Val] = true
		}
	}
}

// formOf reads a form.
func formOf(form *html.Node) shownForm {
	f := shownForm{method: cmp.Or(strings.ToUpper(attribute(form, "method")), "GET"), action: attribute(form, "action"), entries: map[string]entry{}, place: attribute(form, formPlace)}
	for n := range form.Descendants() {
		name := attribute(n, "name")
		if n.Type != html.ElementNode || name == "" {
			continue
		}
		e := entry{kind: n.Data, name: name}
		switch n.Data {
		case "input":
			e.kind = cmp.Or(attribute(n, "type"), "text")
			e.must = e.kind == "password" || e.kind == "hidden" || carries(n, "hidden") || carries(n, "required")
			if e.kind == "hidden" {
				e.value = attribute(n, "value")
			}
		case "button":
			e.value, e.must = attribute(n, "value"), true
		case "select", "textarea":
			e.must = carries(n, "required")
		default:
			continue
		}
		f.entries[e.key()] = e
	}
	return f
}

// key is what makes an entry the same in two forms.
func (e entry) key() string {
	switch e.kind {
	case "hidden", "button":
		return e.kind + " " + e.name + "=" + e.value
	case "password":
		return e.kind + " " + e.name
	}
	return "field " + e.name
}

// String is the entry as an operator would write it.
func (e entry) String() string {
	switch e.kind {
	case "hidden":
		return fmt.Sprintf("the hidden field %q with its value", e.name)
	case "button":
		return fmt.Sprintf("the button %s=%q", e.name, e.value)
	case "password":
		return fmt.Sprintf("the password field %q", e.name)
	}
	return fmt.Sprintf("the field %q", e.name)
}

// example is a made-up page as ours shows it.
type example struct {
	page page
	html []byte
}

// examplesOf are the examples of a page that come up.
func (c *pageCheck) examplesOf(kind page, ours templates) []example {
	name := kind.template()
	if all, ok := c.examples[name]; ok {
		return all
	}
	for _, p := range c.r.examples(kind, i18n.Default) {
		if made, err := ours.execute(p); err == nil {
			c.examples[name] = append(c.examples[name], example{p, made.Bytes()})
		}
	}
	return c.examples[name]
}

// compare shows the examples of a page by our templates and by theirs, and tells
// what theirs lacks or adds.
func (c *pageCheck) compare(file string, kind page, ours, theirs templates) {
	text := c.pages.texts[file]
	unseen := map[string]bool{}
	before := len(c.found)
	for _, x := range c.examplesOf(kind, ours) {
		made, err := theirs.execute(x.page)
		if err != nil {
			line, what := templateError(file, err)
			c.add(file, line, "%s", what)
			return
		}
		if bytes.Equal(unmarkForms(made.Bytes()), x.html) {
			continue
		}
		a, err := look(x.html)
		if err != nil {
			continue
		}
		b, err := look(made.Bytes())
		if err != nil {
			c.add(file, 0, "is no HTML: %v", err)
			return
		}
		for _, find := range slices.Sorted(maps.Keys(b.blocked)) {
			if _, too := a.blocked[find]; !too {
				c.add(file, lineOf(text, find), "%s", b.blocked[find])
			}
		}
		for _, src := range slices.Sorted(maps.Keys(b.resources)) {
			if !a.resources[src] && !strings.HasPrefix(src, "/static/") {
				c.add(file, lineOf(text, src), "loads %q, which browsers are told not to: put pictures and style sheets of yours into brand.logo and brand.accent", src)
			}
		}
		c.scripts(file, text, a, b)
		c.forms(file, text, a.forms, b.forms)
		for w := range a.words {
			if !b.words[w] {
				unseen[w] = true
			}
		}
	}
	if len(c.found) > before && c.refusedSince(before) || strings.HasPrefix(file, "_") {
		return
	}
	if len(unseen) > 0 {
		var names []string
		for _, w := range slices.Sorted(maps.Keys(unseen)) {
			names = append(names, "."+strings.ReplaceAll(strings.TrimPrefix(w, exampleWord), "-", "."))
		}
		if kind.template() == "consent" {
			c.add(file, 0, "does not show all that the person agrees to: %s", strings.Join(names, ", "))
		} else {
			c.note(file, 0, "does not show all that ours does: %s", strings.Join(names, ", "))
		}
	}
}

func (c *pageCheck) refusedSince(n int) bool {
	return slices.ContainsFunc(c.found[n:], func(f broker.Finding) bool { return !f.Note })
}

func (c *pageCheck) scripts(file, text string, ours, theirs lookOf) {
	for src := range theirs.scripts {
		if !ours.scripts[src] {
			c.add(file, lineOf(text, "<script"), "runs %q, which ours does not", src)
		}
	}
	for src := range ours.scripts {
		if !theirs.scripts[src] {
			c.note(file, 0, "does not run %s, which makes the page easier to use", src)
		}
	}
}

// optional forms may be left out: choosing a language, what only looks things up, and
// the choice to stay signed in on the way to a provider, whom a link leads to, too.
func (f shownForm) optional() bool {
	return f.method == "GET" || f.action == "/account/settings/language/" || f.action == chosenProviderPath
}

// forms tells which forms and fields theirs lacks or adds.
func (c *pageCheck) forms(file, text string, ours, theirs []shownForm) {
	known := map[string]map[string]bool{}
	for _, f := range ours {
		if known[f.id()] == nil {
			known[f.id()] = map[string]bool{}
		}
		for key := range f.entries {
			known[f.id()][key] = true
		}
		best := f.nearest(ours, theirs)
		switch {
		case best < 0 && f.optional():
			c.note(file, 0, "has not the form %s", f.written())
		case best < 0:
			c.add(file, 0, "has not the form %s; its method and action must be as in ours", f.written())
		default:
			for _, e := range f.lacks(theirs[best]) {
				line := theirs[best].line(file)
				if line == 0 {
					line = lineOf(text, `action="`+f.action+`"`)
				}
				if e.must {
					c.add(file, line, "the form %s lacks %s", f.written(), e)
				} else {
					c.note(file, line, "the form %s lacks %s", f.written(), e)
				}
			}
		}
	}
	for _, g := range theirs {
		of := known[g.id()]
		if of == nil {
			c.add(file, lineOf(text, "<form"), "has a form %s, which ours has not", g.written())
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(g.entries)) {
			if !of[key] {
				c.add(file, lineFrom(text, `name="`+g.entries[key].name+`"`, g.line(file)), "the form %s has %s, which ours has not", g.written(), g.entries[key])
			}
		}
	}
}

// nearest is the form among theirs that is meant to be f, which is one of ours: it lacks
// the least. Of several that lack as much it is none that stands for another of ours. -1 none.
func (f shownForm) nearest(ours, theirs []shownForm) int {
	best, least := -1, 0
	for i, g := range theirs {
		if g.id() != f.id() {
			continue
		}
		n := 2 * len(f.lacks(g))
		if n > 0 && slices.ContainsFunc(ours, func(o shownForm) bool { return o.id() == g.id() && len(o.lacks(g)) == 0 }) {
			n++
		}
		if best < 0 || n < least {
			best, least = i, n
		}
	}
	return best
}

// written is the form as an operator finds it.
func (f shownForm) written() string {
	action := f.action
	if w := exampleWords.FindString(action); w != "" {
		action = "{{." + strings.ReplaceAll(strings.TrimPrefix(w, exampleWord), "-", ".") + "}}"
	}
	return fmt.Sprintf("method=%q action=%q", strings.ToLower(f.method), action)
}

// lacks are the entries that another form has not.
func (f shownForm) lacks(g shownForm) []entry {
	var all []entry
	for _, key := range slices.Sorted(maps.Keys(f.entries)) {
		if _, ok := g.entries[key]; !ok {
			all = append(all, f.entries[key])
		}
	}
	return all
}
