package oidf

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// Page is what the browser shows.
type Page struct {
	URL    *url.URL
	Status int
	Header http.Header

	root  *html.Node
	typed map[*html.Node]string
	check map[*html.Node]bool
}

func parsePage(u *url.URL, status int, h http.Header, body []byte) (*Page, error) {
	root, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return &Page{URL: u, Status: status, Header: h, root: root, typed: map[*html.Node]string{}, check: map[*html.Node]bool{}}, nil
}

// Title is the page's title.
func (p *Page) Title() string {
	for n := range elements(p.root, "title") {
		return text(n)
	}
	return ""
}

// Text is what the page says, in one line.
func (p *Page) Text() string {
	for n := range elements(p.root, "body") {
		return text(n)
	}
	return ""
}

// Has tells whether the page has an element that the CSS selector finds. A
// selector that is malformed finds none.
func (p *Page) Has(css string) bool { return p.find("css", css) != nil }

// IsHTML tells whether the response said that it is a page for people.
func (p *Page) IsHTML() bool {
	return strings.HasPrefix(strings.ToLower(p.Header.Get("Content-Type")), "text/html")
}

// String names the page in messages.
func (p *Page) String() string {
	return fmt.Sprintf("%s%s (%d, %q: %s)", p.URL.Host, p.URL.Path, p.Status, p.Title(), clip(p.Text(), 200))
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// find is the first element that a command means; nil: none.
func (p *Page) find(by, target string) *html.Node {
	var sel selector
	switch by {
	case "css":
		var err error
		if sel, err = parseSelector(target); err != nil {
			return nil
		}
	case "class":
		sel = selector{{attrs: []attrTest{{"class", target, '~'}}}}
	default: // id, name
		sel = selector{{attrs: []attrTest{{by, target, '='}}}}
	}
	for n := range elements(p.root) {
		if sel.match(n) {
			return n
		}
	}
	return nil
}

// submission is what a form sends.
type submission struct {
	method string
	to     *url.URL
	values url.Values
}

// press is what happens when n is clicked: an address to go to, a form to send,
// or nothing but a tick in a box.
func (p *Page) press(n *html.Node) (*submission, error) {
	kind, _ := attr(n, "type")
	kind = strings.ToLower(kind)
	switch {
	case n.Data == "a":
		href, ok := attr(n, "href")
		if !ok {
			return nil, fmt.Errorf("the link %q leads nowhere", text(n))
		}
		to, err := p.URL.Parse(href)
		if err != nil {
			return nil, err
		}
		return &submission{method: http.MethodGet, to: to, values: to.Query()}, nil
	case n.Data == "input" && (kind == "checkbox" || kind == "radio"):
		p.tick(n, kind)
		return nil, nil
	case n.Data == "label":
		return nil, nil
	case n.Data == "button" && (kind == "" || kind == "submit"), n.Data == "input" && (kind == "submit" || kind == "image"):
		form := p.formOf(n)
		if form == nil {
			return nil, fmt.Errorf("the button %q is in no form; pages are used without scripts", text(n))
		}
		if _, off := attr(n, "disabled"); off {
			return nil, fmt.Errorf("the button %q is disabled", text(n))
		}
		return p.submit(form, n)
	}
	return nil, fmt.Errorf("a click on <%s> does nothing; pages are used without scripts", n.Data)
}

func (p *Page) tick(n *html.Node, kind string) {
	if kind == "checkbox" {
		p.check[n] = !p.checked(n)
		return
	}
	name, _ := attr(n, "name")
	for other := range elements(p.formOf(n), "input") {
		if t, _ := attr(other, "type"); t == "radio" {
			if o, _ := attr(other, "name"); o == name {
				p.check[other] = other == n
			}
		}
	}
}

func (p *Page) checked(n *html.Node) bool {
	if on, ok := p.check[n]; ok {
		return on
	}
	_, on := attr(n, "checked")
	return on
}

// formOf is the form that a control belongs to: the one that it names, or the
// one around it.
func (p *Page) formOf(n *html.Node) *html.Node {
	if id, ok := attr(n, "form"); ok {
		return p.find("id", id)
	}
	for a := n.Parent; a != nil; a = a.Parent {
		if a.Type == html.ElementNode && a.Data == "form" {
			return a
		}
	}
	return nil
}

// submit is what a form sends when button is pressed (HTML, section 4.10.21.3);
// button may be nil: a script does it.
func (p *Page) submit(form, button *html.Node) (*submission, error) {
	s := &submission{method: http.MethodGet, values: url.Values{}}
	action, _ := attr(form, "action")
	method, _ := attr(form, "method")
	if button != nil {
		if a, ok := attr(button, "formaction"); ok {
			action = a
		}
		if m, ok := attr(button, "formmethod"); ok {
			method = m
		}
	}
	if strings.EqualFold(method, "post") {
		s.method = http.MethodPost
	}
	to, err := p.URL.Parse(action)
	if err != nil {
		return nil, err
	}
	s.to = to
	for n := range elements(p.root, "input", "select", "textarea") {
		name, _ := attr(n, "name")
		if _, off := attr(n, "disabled"); off || name == "" || p.formOf(n) != form {
			continue
		}
		if value, ok := p.value(n); ok {
			s.values.Add(name, value)
		}
	}
	if button != nil {
		if name, _ := attr(button, "name"); name != "" {
			value, _ := attr(button, "value")
			s.values.Add(name, value)
		}
	}
	return s, nil
}

// value is what a control sends.
func (p *Page) value(n *html.Node) (string, bool) {
	if typed, ok := p.typed[n]; ok {
		return typed, true
	}
	value, has := attr(n, "value")
	kind, _ := attr(n, "type")
	switch kind = strings.ToLower(kind); {
	case n.Data == "textarea":
		return text(n), true
	case n.Data == "select":
		return chosen(n)
	case kind == "checkbox" || kind == "radio":
		if !has {
			value = "on"
		}
		return value, p.checked(n)
	case kind == "submit" || kind == "button" || kind == "file" || kind == "image" || kind == "reset":
		return "", false
	}
	return value, true
}

// chosen is the option of a select that is sent.
func chosen(n *html.Node) (string, bool) {
	value, found := "", false
	for o := range elements(n, "option") {
		v, ok := attr(o, "value")
		if !ok {
			v = text(o)
		}
		if _, selected := attr(o, "selected"); selected || !found {
			value, found = v, true
		}
	}
	return value, found
}
