package visitor

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// Title is the page's title.
func (v *Visitor) Title() string {
	for n := range nodes(v.root, "title") {
		return text(n)
	}
	return ""
}

// Text is what the page says, in one line.
func (v *Visitor) Text() string {
	for n := range nodes(v.root, "body") {
		return text(n)
	}
	return ""
}

// Has tells whether the page says the words.
func (v *Visitor) Has(words string) bool { return strings.Contains(v.Text(), words) }

// TextOf is the text of the first element whose attribute has the value; "" none.
func (v *Visitor) TextOf(name, value string) string {
	for n := range nodes(v.root) {
		if got, ok := attr(n, name); ok && got == value {
			return text(n)
		}
	}
	return ""
}

// Links are the addresses of the page's links, absolute.
func (v *Visitor) Links() []string {
	var links []string
	for n := range nodes(v.root, "a") {
		if href, ok := attr(n, "href"); ok {
			if u, err := v.At.Parse(href); err == nil {
				links = append(links, u.String())
			}
		}
	}
	return links
}

// submit sends a form as the HTML standard says: successful controls, the
// pressed button, and what was typed. Files are not sent.
func (v *Visitor) submit(ctx context.Context, form, button *html.Node, fill Fill) error {
	if _, ok := attr(button, "disabled"); ok {
		return fmt.Errorf("the button %q on %s is disabled", text(button), v.At.Path)
	}
	values := url.Values{}
	typed := map[string]bool{}
	for n := range nodes(form, "input", "select", "textarea") {
		name, _ := attr(n, "name")
		if _, off := attr(n, "disabled"); off || name == "" {
			continue
		}
		if value, ok := fill[name]; ok {
			values.Set(name, value)
			typed[name] = true
			continue
		}
		if value, ok := control(n); ok {
			values.Add(name, value)
		}
	}
	for name := range fill {
		if !typed[name] {
			return fmt.Errorf("the form on %s has no field %q", v.At.Path, name)
		}
	}
	if name, ok := attr(button, "name"); ok {
		value, _ := attr(button, "value")
		values.Add(name, value)
	}
	return v.send(ctx, form, values)
}

func (v *Visitor) send(ctx context.Context, form *html.Node, values url.Values) error {
	action, _ := attr(form, "action")
	to, err := v.At.Parse(action)
	if err != nil {
		return err
	}
	method, _ := attr(form, "method")
	if !strings.EqualFold(method, "post") {
		to.RawQuery = values.Encode()
		return v.Open(ctx, to.String())
	}
	if v.stopsAt(to) {
		v.Stopped, v.Posted = to, values
		return nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(values.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", v.At.Scheme+"://"+v.At.Host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if to.Host != v.At.Host {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	}
	return v.show(r)
}

// control is what an untouched control sends.
func control(n *html.Node) (string, bool) {
	value, has := attr(n, "value")
	switch kind, _ := attr(n, "type"); {
	case n.Data == "textarea":
		return text(n), true
	case n.Data == "select":
		first, chosen := "", ""
		for o := range nodes(n, "option") {
			v, ok := attr(o, "value")
			if !ok {
				v = text(o)
			}
			if first == "" {
				first = v
			}
			if _, ok := attr(o, "selected"); ok {
				chosen = v
			}
		}
		if chosen == "" {
			chosen = first
		}
		return chosen, true
	case kind == "checkbox" || kind == "radio":
		if !has {
			value = "on"
		}
		_, checked := attr(n, "checked")
		return value, checked
	case kind == "submit" || kind == "button" || kind == "file" || kind == "image" || kind == "reset":
		return "", false
	}
	return value, true
}

// nodes are the elements below n with one of the names; all where none is given.
func nodes(n *html.Node, names ...string) iter.Seq[*html.Node] {
	return func(yield func(*html.Node) bool) {
		if n == nil {
			return
		}
		for d := range n.Descendants() {
			if d.Type != html.ElementNode {
				continue
			}
			match := len(names) == 0
			for _, name := range names {
				match = match || d.Data == name
			}
			if match && !yield(d) {
				return
			}
		}
	}
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// named is a button's "name=value".
func named(n *html.Node) string {
	name, _ := attr(n, "name")
	value, _ := attr(n, "value")
	return name + "=" + value
}

// text is what an element says, with single spaces; scripts and styles say nothing.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && (d.Parent == nil || (d.Parent.Data != "script" && d.Parent.Data != "style")) {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
