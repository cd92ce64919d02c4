package web

import (
	"html/template"
	"io/fs"
	"path"
	"strings"
	"sync"
)

// icons are the drawings of static/icons by name. They stand in the page
// itself, so that they take its colours. All are our own; marks of providers follow their
// owners' rules for shape and colour.
var icons = sync.OnceValue(func() map[string]template.HTML {
	all := map[string]template.HTML{}
	names, _ := fs.Glob(staticFiles, "static/icons/*.svg") // the pattern is right
	for _, name := range names {
		text, err := staticFiles.ReadFile(name)
		if err != nil {
			continue // embedded: cannot happen
		}
		svg := strings.Replace(strings.TrimSpace(string(text)), "<svg ", `<svg class="icon" aria-hidden="true" focusable="false" `, 1)
		all[strings.TrimSuffix(path.Base(name), ".svg")] = template.HTML(svg)
	}
	return all
})

// neutralIcon marks a provider without a mark of its own.
const neutralIcon = "key"

// icon is a drawing to be put into a page. It says nothing to a screen reader:
// the words beside it do.
func icon(name string) template.HTML {
	if svg, ok := icons()[name]; ok {
		return svg
	}
	return icons()[neutralIcon]
}
