package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
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
	pages  map[string]*template.Template // by name
}

// newRenderer parses every template and prepares the static files.
func newRenderer(cat *i18n.Catalogs, brand Brand) (*renderer, error) {
	a, err := newAssets()
	if err != nil {
		return nil, err
	}
	if brand, err = brand.serve(a); err != nil {
		return nil, err
	}
	r := &renderer{cat: cat, brand: brand, assets: a, pages: map[string]*template.Template{}}
	shared, err := template.New("").Funcs(r.funcs()).ParseFS(templateFiles, "templates/_*.html")
	if err != nil {
		return nil, fmt.Errorf("parse shared templates: %w", err)
	}
	names, err := fs.Glob(templateFiles, "templates/[a-z]*.html")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		t, err := shared.Clone()
		if err != nil {
			return nil, err
		}
		if t, err = t.ParseFS(templateFiles, name); err != nil {
			return nil, fmt.Errorf("parse template: %w", err)
		}
		r.pages[strings.TrimSuffix(path.Base(name), ".html")] = t.Lookup("layout")
	}
	return r, nil
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
	t, ok := r.pages[p.template()]
	if !ok {
		return fmt.Errorf("no template for page %q", p.template())
	}
	b := p.top()
	b.Title = titleOf(p)
	var buf bytes.Buffer
	if err := t.Execute(&buf, p); err != nil {
		return fmt.Errorf("render %s: %w", p.template(), err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", b.Lang)
	h.Set("Content-Length", strconv.Itoa(buf.Len()))
	w.WriteHeader(status)
	_, err := buf.WriteTo(w)
	return err
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
