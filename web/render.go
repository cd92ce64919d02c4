package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	tree "text/template/parse"
	"time"

	"idbroker/broker"
	"idbroker/i18n"
)

//go:embed templates/*.html
var templateFiles embed.FS

// page is a struct with a template of its own; it embeds base.
type page interface {
	template() string // name of the file in templates, without ".html"
	top() *base
}

// renderer turns pages into HTML. It is safe for concurrent use.
type renderer struct {
	cat    *i18n.Catalogs
	brand  Brand
	assets *assets
	pages  atomic.Pointer[templates]
}

// templates are those of all pages, by name. A page's is parsed when it is first asked for:
// most are seldom shown, and all together were a third of what an idle broker keeps.
type templates map[string]func() (*template.Template, error)

// newRenderer prepares the templates and the static files.
func newRenderer(cat *i18n.Catalogs, brand Brand) (*renderer, error) {
	a, err := newAssets()
	if err != nil {
		return nil, err
	}
	if brand, err = brand.serve(a); err != nil {
		return nil, err
	}
	r := &renderer{cat: cat, brand: brand, assets: a}
	return r, r.use(nil)
}

// use shows the pages by an operator's templates from now on, where there are
// some, and by ours otherwise.
func (r *renderer) use(p *Pages) error {
	all, err := r.templates(p)
	if err == nil {
		r.pages.Store(&all)
	}
	return err
}

// parse is templates, all of them parsed.
func (r *renderer) parse(p *Pages) (templates, error) {
	all, err := r.templates(p)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if _, err := all[name](); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// templates are an operator's, and ours for the rest. They say what is wrong with them when they are parsed.
func (r *renderer) templates(p *Pages) (templates, error) {
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	funcs := r.funcs()
	read := func(files ...string) (*template.Template, error) {
		into := template.New("").Funcs(funcs)
		for _, file := range files {
			text, ok := p.text(file)
			if !ok {
				ours, err := templateFiles.ReadFile("templates/" + file)
				if err != nil {
					return nil, err
				}
				text = string(ours)
			}
			if _, err := into.New(file).Parse(text); err != nil {
				return nil, fmt.Errorf("parse template: %w", err)
			}
		}
		return into, nil
	}
	var parts []string
	shared := sync.OnceValues(func() (*template.Template, error) { return read(parts...) }) // copied, never shown
	all := templates{}
	for _, name := range names {
		file := path.Base(name)
		if strings.HasPrefix(file, "_") {
			parts = append(parts, file)
			continue
		}
		all[strings.TrimSuffix(file, ".html")] = sync.OnceValues(func() (*template.Template, error) {
			from, err := shared()
			if err != nil {
				return nil, err
			}
			t, err := read(file)
			if err != nil {
				return nil, err
			}
			if err := complete(t, from, "layout", map[string]bool{}); err != nil {
				return nil, fmt.Errorf("parse template: %w", err)
			}
			return t.Lookup("layout"), nil
		})
	}
	return all, nil
}

// complete gives a page the shared part of that name, and those that it leads to,
// unless the page has its own; seen are those that it was given. Parts are copied, since html/template writes into
// them what escapes their values; a page gets those alone that it shows, or copies
// were most of what an idle broker keeps in memory.
func complete(page, shared *template.Template, name string, seen map[string]bool) error {
	if seen[name] {
		return nil
	}
	seen[name] = true
	part := page.Lookup(name)
	if part == nil || part.Tree == nil || tree.IsEmptyTree(part.Tree.Root) {
		from := shared.Lookup(name)
		if from == nil || from.Tree == nil {
			return nil // only what is shown must be there
		}
		var err error
		if part, err = page.AddParseTree(name, from.Tree.Copy()); err != nil {
			return err
		}
	}
	var err error
	i18n.Inspect(part.Tree.Root, func(n tree.Node) {
		if shows, ok := n.(*tree.TemplateNode); ok && err == nil {
			err = complete(page, shared, shows.Name, seen)
		}
	})
	return err
}

// base begins a page. lang is what i18n.Match returned, path the local path of the
// page with its query, user who is signed in (nil nobody).
func (r *renderer) base(lang, path string, user *broker.User, at time.Time) base {
	return base{
		Lang: lang, Dir: r.cat.Text(lang, "language.dir", nil), Brand: r.brand,
		User: user, Path: path, Now: at, cat: r.cat,
	}
}

// render writes a page. Nothing is written where it returns an error.
func (r *renderer) render(w http.ResponseWriter, status int, p page) error {
	text, err := (*r.pages.Load()).execute(p)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", p.top().Lang)
	h.Set("Content-Length", strconv.Itoa(text.Len()))
	w.WriteHeader(status)
	_, err = text.WriteTo(w)
	return err
}

// execute makes the HTML of a page.
func (all templates) execute(p page) (*bytes.Buffer, error) {
	parsed, ok := all[p.template()]
	if !ok {
		return nil, fmt.Errorf("no template for page %q", p.template())
	}
	t, err := parsed()
	if err != nil {
		return nil, err
	}
	b := p.top()
	b.Title = titleOf(p)
	var buf bytes.Buffer
	if err := t.Execute(&buf, p); err != nil {
		return nil, fmt.Errorf("render %s: %w", p.template(), err)
	}
	return &buf, nil
}

// titleOf is the title of a page's document, before the community's name.
func titleOf(p page) string {
	b := p.top()
	if b.Title != "" {
		return b.Title
	}
	if own, ok := p.(interface{ title() string }); ok {
		return own.title()
	}
	return b.T(p.template() + ".title")
}

// staticHandler serves GET /static/….
func (r *renderer) staticHandler() http.Handler { return r.assets }
