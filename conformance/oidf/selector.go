package oidf

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// selector is the part of CSS selectors that configurations need: tag, #id,
// .class, [attribute], [attribute="value"], joined by a space, >, + and ~.
type selector []compound

// compound is one element of a selector and how it stands to the one before.
type compound struct {
	join  byte // ' ', '>', '+', '~'; 0 first
	tag   string
	attrs []attrTest
}

type attrTest struct {
	name, value string
	op          byte // 0: there; '=': equal; '~': among the words
}

func parseSelector(s string) (selector, error) {
	bad := func(why string) (selector, error) {
		return nil, fmt.Errorf("the selector %q %s; tag, #id, .class, [attribute=\"value\"], space, >, + and ~ are understood", s, why)
	}
	var sel selector
	join, rest := byte(0), strings.TrimSpace(s)
	for rest != "" {
		c := compound{join: join}
		n := identLen(rest)
		c.tag, rest = strings.ToLower(rest[:n]), rest[n:]
		if n == 0 && strings.HasPrefix(rest, "*") {
			rest = rest[1:]
			n = 1
		}
		for rest != "" && strings.IndexByte("#.[", rest[0]) >= 0 {
			t, after, ok := parseTest(rest)
			if !ok {
				return bad("is malformed at " + rest)
			}
			c.attrs, rest, n = append(c.attrs, t), after, n+1
		}
		if n == 0 {
			return bad("is malformed at " + rest)
		}
		sel = append(sel, c)
		trimmed := strings.TrimLeft(rest, " ")
		if trimmed == "" {
			return sel, nil
		}
		switch {
		case strings.IndexByte(">+~", trimmed[0]) >= 0:
			join, rest = trimmed[0], strings.TrimLeft(trimmed[1:], " ")
			if rest == "" {
				return bad("ends with " + string(join))
			}
		case len(trimmed) < len(rest):
			join, rest = ' ', trimmed
		default:
			return bad("is malformed at " + rest)
		}
	}
	return bad("is empty")
}

func identLen(s string) int {
	n := strings.IndexFunc(s, func(r rune) bool {
		return !(r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	})
	if n < 0 {
		return len(s)
	}
	return n
}

// parseTest reads #id, .class or [attribute…].
func parseTest(s string) (t attrTest, rest string, ok bool) {
	if s[0] != '[' {
		n := identLen(s[1:])
		t = attrTest{name: "id", value: s[1 : 1+n], op: '='}
		if s[0] == '.' {
			t.name, t.op = "class", '~'
		}
		return t, s[1+n:], n > 0
	}
	n := identLen(s[1:])
	t.name, rest = strings.ToLower(s[1:1+n]), s[1+n:]
	if n == 0 || rest == "" {
		return t, rest, false
	}
	if rest[0] == '=' {
		t.op, rest = '=', rest[1:]
		if rest == "" {
			return t, rest, false
		}
		if q := rest[0]; q == '"' || q == '\'' {
			end := strings.IndexByte(rest[1:], q)
			if end < 0 {
				return t, rest, false
			}
			t.value, rest = rest[1:1+end], rest[2+end:]
		} else {
			n := identLen(rest)
			t.value, rest = rest[:n], rest[n:]
		}
	}
	if !strings.HasPrefix(rest, "]") {
		return t, rest, false
	}
	return t, rest[1:], true
}

// match tells whether n is selected.
func (sel selector) match(n *html.Node) bool {
	if len(sel) == 0 || !sel[len(sel)-1].match(n) {
		return false
	}
	last, before := sel[len(sel)-1], sel[:len(sel)-1]
	switch last.join {
	case 0:
		return true
	case '>':
		return n.Parent != nil && before.match(n.Parent)
	case '+':
		p := sibling(n)
		return p != nil && before.match(p)
	case '~':
		for p := sibling(n); p != nil; p = sibling(p) {
			if before.match(p) {
				return true
			}
		}
		return false
	}
	for p := n.Parent; p != nil; p = p.Parent {
		if before.match(p) {
			return true
		}
	}
	return false
}

// sibling is the element before n; nil: none.
func sibling(n *html.Node) *html.Node {
	for p := n.PrevSibling; p != nil; p = p.PrevSibling {
		if p.Type == html.ElementNode {
			return p
		}
	}
	return nil
}

func (c compound) match(n *html.Node) bool {
	if n.Type != html.ElementNode || c.tag != "" && n.Data != c.tag {
		return false
	}
	for _, t := range c.attrs {
		value, has := attr(n, t.name)
		if !has || t.op == '=' && value != t.value || t.op == '~' && !slices.Contains(strings.Fields(value), t.value) {
			return false
		}
	}
	return true
}

// elements are the elements below n with one of the names; all where none is given.
func elements(n *html.Node, names ...string) iter.Seq[*html.Node] {
	return func(yield func(*html.Node) bool) {
		if n == nil {
			return
		}
		for d := range n.Descendants() {
			if d.Type == html.ElementNode && (len(names) == 0 || slices.Contains(names, d.Data)) && !yield(d) {
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

// text is what an element says, with single spaces; scripts and styles say nothing.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && (d.Parent == nil || d.Parent.Data != "script" && d.Parent.Data != "style") {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
