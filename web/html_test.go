package web

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// nodes lists the elements below n, in order.
func nodes(n *html.Node) []*html.Node {
	var all []*html.Node
	for d := range n.Descendants() {
		if d.Type == html.ElementNode {
			all = append(all, d)
		}
	}
	return all
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func has(n *html.Node, name string) bool { _, ok := attr(n, name); return ok }

func val(n *html.Node, name string) string { v, _ := attr(n, name); return v }

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func inside(n *html.Node, tag string) bool {
	for p := range n.Ancestors() {
		if p.Data == tag {
			return true
		}
	}
	return false
}

// complaints is everything that is wrong with a page's HTML.
func complaints(doc *html.Node) []string {
	var found []string
	complain := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	all := nodes(doc)
	ids, labels, headings := map[string]bool{}, map[string]bool{}, 0
	tags, forms := map[string]int{}, map[string]bool{}
	for _, n := range all {
		tags[n.Data]++
		if id := val(n, "id"); n.Data == "form" && id != "" {
			forms[id] = true
		}
		if id, ok := attr(n, "id"); ok {
			if ids[id] || id == "" {
				complain("id %q is not unique", id)
			}
			ids[id] = true
		}
		if n.Data == "label" {
			labels[val(n, "for")] = true
			if textOf(n) == "" {
				complain("an empty label")
			}
		}
	}
	for tag, want := range map[string]int{"h1": 1, "main": 1, "title": 1, "footer": 1, "header": 1} {
		if tags[tag] != want {
			complain("%d <%s>", tags[tag], tag)
		}
	}
	for _, n := range all {
		for _, a := range n.Attr {
			switch {
			case a.Key == "style", strings.HasPrefix(a.Key, "on"):
				complain("<%s %s=%q>: inline code", n.Data, a.Key, a.Val)
			case a.Key == "aria-describedby" || a.Key == "aria-labelledby":
				for _, id := range strings.Fields(a.Val) {
					if !ids[id] {
						complain("%s names %q, which is not there", a.Key, id)
					}
				}
			case a.Key == "href" || a.Key == "src" || a.Key == "action":
				if strings.Contains(a.Val, "ZgotmplZ") || strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") || a.Val == "" {
					complain("<%s %s=%q>", n.Data, a.Key, a.Val)
				}
				if fragment, ok := strings.CutPrefix(a.Val, "#"); ok && !ids[fragment] {
					complain("link to %q, which is not there", a.Val)
				}
			}
		}
		switch n.Data {
		case "iframe": // applications that hear of a sign-out, kept in their place
			if !has(n, "hidden") || !strings.HasPrefix(val(n, "src"), "https://") || strings.Contains(val(n, "sandbox"), "top") || !has(n, "sandbox") {
				complain("<iframe>")
			}
		case "script": // files of ours alone
			if !strings.HasPrefix(val(n, "src"), "/static/") || n.FirstChild != nil {
				complain("<script>")
			}
		case "style", "object", "embed", "base":
			complain("<%s>", n.Data)
		case "h1", "h2", "h3":
			level := int(n.Data[1] - '0')
			if level > headings+1 {
				complain("<%s> after h%d", n.Data, headings)
			}
			headings = level
			if textOf(n) == "" {
				complain("an empty <%s>", n.Data)
			}
		case "input", "select", "textarea":
			kind := val(n, "type")
			if kind == "hidden" || has(n, "hidden") {
				break
			}
			if id := val(n, "id"); (id == "" || !labels[id]) && !inside(n, "label") {
				complain("input %q has no label", val(n, "name"))
			}
			if !has(n, "autocomplete") {
				complain("input %q has no autocomplete", val(n, "name"))
			}
			if !inside(n, "form") || val(n, "name") == "" {
				complain("input %q goes nowhere", val(n, "name"))
			}
			if kind == "password" && !strings.HasSuffix(strings.TrimSuffix(val(n, "autocomplete"), " webauthn"), "-password") {
				complain("password %q: autocomplete %q", val(n, "name"), val(n, "autocomplete"))
			}
			if kind == "password" && val(n, "value") != "" {
				complain("password %q is written into the page", val(n, "name"))
			}
			if has(n, "aria-invalid") && !strings.Contains(val(n, "aria-describedby"), "-problem") {
				complain("input %q is wrong without saying why", val(n, "name"))
			}
		case "form":
			method, action := val(n, "method"), val(n, "action")
			secret := false
			for _, d := range nodes(n) {
				secret = secret || val(d, "type") == "password" || val(d, "name") == "token"
			}
			if method != "post" && val(n, "role") != "search" || method == "get" && secret || !has(n, "data-answer") && (!strings.HasPrefix(action, "/") || strings.HasPrefix(action, "//")) {
				complain("<form method=%q action=%q>", method, action)
			}
		case "button", "a":
			if textOf(n) == "" && val(n, "aria-label") == "" {
				complain("a <%s> that says nothing", n.Data)
			}
			if n.Data == "button" && !inside(n, "form") && !forms[val(n, "form")] {
				complain("button %q goes nowhere", textOf(n))
			}
		case "img":
			if !has(n, "alt") {
				complain("<img> without alt")
			}
		case "svg":
			if val(n, "aria-hidden") != "true" {
				complain("a drawing that screen readers stumble over")
			}
		case "html":
			if val(n, "lang") == "" || val(n, "dir") == "" {
				complain("<html> without lang or dir")
			}
		case "time":
			if !has(n, "datetime") || !has(n, "title") {
				complain("<time> without the exact time")
			}
		case "ul":
			for c := range n.ChildNodes() {
				if c.Type == html.ElementNode && c.Data != "li" {
					complain("<%s> in a list", c.Data)
				}
			}
		}
	}
	return found
}

func parse(t testing.TB, text string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// keyLike finds a message that was not found: its key stands in its place.
var keyLike = regexp.MustCompile(`\b(layout|login|signup|sent|proof|proved|claim|consent|logout|logged_out|settings|profile|security|linked_accounts|applications|home|error|field|time|link|lost_password|reset|confirm|events|action|client)\.[a-z_]+\b`)

func TestPagesAreWellMade(t *testing.T) {
	all := maps.Clone(nastyWords)
	all["plain"] = plainWords
	r := testRenderer(t, sampleBrand)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, lang := range []string{"en", "de"} {
			for _, s := range samples(r, lang, all[name]) {
				text := renderSample(t, r, s)
				doc := parse(t, text)
				for _, c := range complaints(doc) {
					t.Errorf("%s, %s words, %s: %s", s.name, name, lang, c)
				}
				if m := keyLike.FindString(textOf(doc)); m != "" {
					t.Errorf("%s, %s: message %q is missing", s.name, lang, m)
				}
				for _, trace := range []string{"<no value>", "&lt;no value&gt;", "%!", "[redacted]"} {
					if strings.Contains(text, trace) {
						t.Errorf("%s, %s: says %q", s.name, lang, trace)
					}
				}
				if !strings.Contains(text, "<title>") || !strings.Contains(text, " – Open Genome Commons</title>") {
					t.Errorf("%s: title does not name the community", s.name)
				}
			}
		}
	}
}

// TestComplaints sees that the checks above find something.
func TestComplaints(t *testing.T) {
	const head, foot = `<html lang="en" dir="ltr"><title>x</title><header></header><main><h1>x</h1>`, `</main><footer></footer></html>`
	if c := complaints(parse(t, head+foot)); len(c) != 0 {
		t.Fatalf("an honest page: %q", c)
	}
	for _, bad := range []string{
		`<h1>y</h1>`, `<h3>y</h3>`, `<p style="x">`, `<p onclick="x">`, `<script></script>`, `<p id=a><p id=a>`, `<a href="javascript:x">y</a>`,
		`<form method="post" action="/x"><input name="y" autocomplete="off"></form>`,
		`<form method="get" action="/x"></form>`, `<form method="post" action="//evil"></form>`,
		`<form method="get" role="search" action="/x"><input type="hidden" name="token"></form>`,
		`<button>x</button>`, `<a href="/x"></a>`, `<img src="/x">`, `<svg></svg>`, `<p aria-describedby="nowhere">`, `<ul><p>x</p></ul>`,
		`<form method="post" action="/x"><label for=p>p</label><input id=p name=p type=password autocomplete="current-password" value="secret"></form>`,
	} {
		if len(complaints(parse(t, head+bad+foot))) == 0 {
			t.Errorf("nothing to say about %s", bad)
		}
	}
}

// TestNothingEscapes looks for the words of an attacker where they would do
// something.
func TestNothingEscapes(t *testing.T) {
	r := testRenderer(t, sampleBrand)
	for _, s := range samples(r, "en", nastyWords["script"]) {
		for _, n := range nodes(parse(t, renderSample(t, r, s))) {
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "autofocus" && a.Val != "" {
					t.Errorf("%s: <%s %s=%q>", s.name, n.Data, a.Key, a.Val)
				}
			}
			if n.Data == "iframe" && !has(n, "sandbox") || n.Data == "script" && !strings.HasPrefix(val(n, "src"), "/static/") || n.Data == "b" || n.Data == "img" && !strings.HasPrefix(val(n, "src"), "/static/") {
				t.Errorf("%s: <%s> came from data", s.name, n.Data)
			}
		}
	}
}
