package web

import (
	"fmt"
	"io/fs"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"idbroker/broker"
	"idbroker/i18n"
)

// changed is a directory with a page of ours in which one text stands for another.
func changed(t testing.TB, file, old, new string) fstest.MapFS {
	t.Helper()
	text, err := fs.ReadFile(PageTemplates(), file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q", file, old)
	}
	marked := string(broker.MarkCopy("pages/"+file, "v1", text))
	return fstest.MapFS{file: {Data: []byte(strings.ReplaceAll(marked, old, new))}}
}

func readPages(t testing.TB, dir fs.FS) (*Pages, string) {
	t.Helper()
	cat, err := i18n.New()
	if err != nil {
		t.Fatal(err)
	}
	p, found := ReadPages(dir, "t", cat)
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintln(&b, f)
	}
	return p, b.String()
}

// TestPageKinds: every template has a page, so that a changed one can be checked.
func TestPageKinds(t *testing.T) {
	var have []string
	for _, k := range pageKinds() {
		have = append(have, k.template()+".html")
	}
	slices.Sort(have)
	want, err := fs.Glob(PageTemplates(), "[a-z]*.html")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(have, want) {
		t.Errorf("pageKinds has %v\ntemplates are %v", have, want)
	}
}

// TestExamplesReachAll: made-up pages show whatever a template can.
func TestExamplesReachAll(t *testing.T) {
	r := testRenderer(t, sampleBrand)
	for _, kind := range pageKinds() {
		drawn := 0
		for _, p := range r.examples(kind, "en") {
			if _, err := (*r.pages.Load()).execute(p); err == nil {
				drawn++
			}
		}
		if drawn < 2 {
			t.Errorf("%s: %d examples can be drawn", kind.template(), drawn)
		}
	}
}

// TestOwnTemplatesPass: ours, as if an operator had written them.
func TestOwnTemplatesPass(t *testing.T) {
	dir := fstest.MapFS{}
	names, _ := fs.Glob(PageTemplates(), "*.html")
	for _, name := range names {
		text, _ := fs.ReadFile(PageTemplates(), name)
		dir[name] = &fstest.MapFile{Data: append(broker.MarkCopy(name, "v1", text), '\n')} // a line more: no mere copy
	}
	if p, found := readPages(t, dir); p == nil || found != "" || len(p.texts) != len(names) {
		t.Errorf("ours are refused:\n%s", found)
	}
}

// TestUnchangedCopiesFollow: a copy that nobody changed lets a newer original stand.
func TestUnchangedCopiesFollow(t *testing.T) {
	dir := fstest.MapFS{"home.html": {Data: broker.MarkCopy("pages/home.html", "v0", []byte(`{{define "main"}}<h1>as it was in v0</h1>{{end}}`))}}
	p, found := readPages(t, dir)
	if p == nil || len(p.texts) != 0 || found != "" {
		t.Errorf("an old copy stays: %s", found)
	}
	dir["home.html"].Data = append(dir["home.html"].Data, "<p>mine</p>"...)
	if _, found = readPages(t, dir); !strings.Contains(found, "t/home.html:1: note: ours has changed since version v0") {
		t.Errorf("a changed original is not told: %s", found)
	}
}

// TestChangedPages: each mistake is told with its place; what is a matter of taste
// is let through.
func TestChangedPages(t *testing.T) {
	for _, tt := range []struct {
		name, file, old, new string
		want                 string // of what is told; "" it passes
	}{
		{"another heading", "login.html", `<h1>`, `<p>Welcome to the hub</p><h1>`, ""},
		{"a link elsewhere", "login.html", `<h1>`, `<p><a href="https://hub.example/news">News</a></p><h1>`, ""},
		{"no login", "login.html", `<input type="hidden" name="login" value="{{.Login}}">`, ``, `the form method="post" action="/login/" lacks the hidden field "login" with its value`},
		{"another login", "consent.html", `value="{{.Login}}"`, `value="{{.Account}}"`, `lacks the hidden field "login"`},
		{"no identity", "link.html", `<input type="hidden" name="identity" value="{{.Identity}}">`, ``, `lacks the hidden field "identity"`},
		{"sent with GET", "login.html", `<form method="post" action="/login/">`, `<form action="/login/">`, `has not the form method="post" action="/login/"`},
		{"sent elsewhere", "login.html", `<form method="post" action="/login/">`, `<form method="post" action="https://evil.example/">`, `has a form method="post" action="https://evil.example/", which ours has not`},
		{"a button that sends it elsewhere", "login.html", `<button class="primary" name="present"`, `<button formaction="https://evil.example/" class="primary" name="present"`, `formaction is not allowed`},
		{"no way to say no", "consent.html", `<button name="decision" value="deny">{{.T "consent.deny"}}</button>`, ``, `lacks the button decision="deny"`},
		{"nothing is said of what is given", "consent.html", `{{else if .Value}}<br><bdi{{if .Code}} class="code"{{end}}>{{.Value}}</bdi>`, ``, `does not show all that the person agrees to: .Claims.0.Value`},
		{"no password", "reset.html", `"type" "password"`, `"type" "text"`, `lacks the password field "password"`},
		{"a field of theirs", "signup.html", `<button class="primary">`, `<input name="birthday"><button class="primary">`, `has the field "birthday", which ours has not`},
		{"a script", "home.html", `<h1>`, `<script>alert(1)</script><h1>`, `t/home.html:4: a script within the page has no effect`},
		{"another's script", "home.html", `<h1>`, `<script src="https://cdn.example/x.js"></script><h1>`, `runs "https://cdn.example/x.js", which ours does not`},
		{"a style", "home.html", `<h1>`, `<h1 style="color:red">`, `style="…" has no effect`},
		{"a style sheet", "home.html", `<h1>`, `<style>h1{color:red}</style><h1>`, `<style> has no effect`},
		{"a handler", "home.html", `<h1>`, `<h1 onclick="x()">`, `onclick="…" has no effect`},
		{"a picture from elsewhere", "home.html", `<h1>`, `<img src="https://cdn.example/x.png" alt=""><h1>`, `t/home.html:4: loads "https://cdn.example/x.png"`},
		{"a policy of theirs", "home.html", `<h1>`, `<meta http-equiv="Content-Security-Policy" content="script-src *"><h1>`, `<meta http-equiv> is for headers`},
		{"another base", "home.html", `<h1>`, `<base href="https://evil.example/"><h1>`, `<base> has no effect`},
		{"a misspelt value", "proved.html", `.ContinueURL`, `.ContinueUrl`, `t/proved.html:7: there is no .ContinueUrl on any page`},
		{"a value of another page", "proved.html", `{{.T "proved.heading"}}`, `{{.Query}}`, `t/proved.html:4: <.Query>: can't evaluate field Query`},
		{"a text that there is not", "proved.html", `"proved.next"`, `"proved.nxt"`, `t/proved.html:6: no catalog has the text "proved.nxt"`},
		{"no end", "proved.html", `{{end}}` + "\n", "\n", `unexpected EOF`},
		{"an unknown function", "proved.html", `{{template "tile" "ok"}}`, `{{safeHTML "<b>"}}`, `t/proved.html:3: function "safeHTML" not defined`},
		{"an unknown part", "proved.html", `{{template "tile" "ok"}}`, `{{template "tyle" "ok"}}`, `t/proved.html:`},
		{"no main", "proved.html", `{{define "main"}}`, `{{define "mine"}}`, `lacks {{define "main"}}`},
		{"a shared part is gone", "_parts.html", `{{define "hidden"}}`, `{{define "hid"}}`, `lacks {{define "hidden"}}`},
		{"a shared part loses fields", "_parts.html", `{{define "hidden"}}{{range .}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">{{end}}{{end}}`, `{{define "hidden"}}{{end}}`, `lacks the hidden field "example-Fields-0-Name"`},
		{"the layout loads from elsewhere", "_layout.html", `<link rel="stylesheet" href="{{asset "style.css"}}">`, `<link rel="stylesheet" href="https://cdn.example/x.css">`, `t/_layout.html:11: loads "https://cdn.example/x.css"`},
		{"no choice of languages", "_layout.html", `action="/account/settings/language/"`, `action="/account/settings/language/" hidden`, ""},
		{"a place that a value must not stand in", "home.html", `<h1>{{.Brand.Name}}</h1>`, `<h1 {{.Brand.Name}}="x">hi</h1>`, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, found := readPages(t, changed(t, tt.file, tt.old, tt.new))
			switch {
			case tt.want == "" && p == nil:
				t.Errorf("refused:\n%s", found)
			case tt.want != "" && p != nil:
				t.Errorf("accepted; told:\n%s", found)
			case !strings.Contains(found, tt.want):
				t.Errorf("want %s\nwas told:\n%s", tt.want, found)
			}
		})
	}
}

// TestChangedPagesStayEscaped: whatever a template does with a value, it is text, and
// the headers are ours.
func TestChangedPagesStayEscaped(t *testing.T) {
	p, found := readPages(t, changed(t, "home.html", `<h1>{{.Brand.Name}}</h1>`, `<h1>{{.Brand.Name}}</h1><p title="{{.SignUpURL}}">{{printf "%s" .SignUpURL}} {{html .SignUpURL}}</p>`))
	if p == nil {
		t.Fatal(found)
	}
	r := testRenderer(t, sampleBrand)
	if err := r.use(p); err != nil {
		t.Fatal(err)
	}
	evil := `"><script>alert(1)</script>`
	w := httptest.NewRecorder()
	if err := r.render(w, 200, &homePage{base: r.base("en", "/", nil, sampleNow), SignUpURL: evil}); err != nil {
		t.Fatal(err)
	}
	if got := w.Body.String(); strings.Contains(got, "<script>alert") || !strings.Contains(got, "&lt;script&gt;") {
		t.Errorf("not escaped:\n%s", got)
	}
}

// TestPagesAreReplaced: a running server shows the new pages, and keeps its headers.
func TestPagesAreReplaced(t *testing.T) {
	w := newWorld(t)
	p, found := readPages(t, changed(t, "home.html", `<h1>{{.Brand.Name}}</h1>`, `<h1>Welcome to the hub</h1>`))
	if p == nil {
		t.Fatal(found)
	}
	b := w.browser()
	before := b.get("/")
	if err := w.server.UsePages(p); err != nil {
		t.Fatal(err)
	}
	after := b.get("/")
	if strings.Contains(before.body, "Welcome to the hub") || !strings.Contains(after.body, "Welcome to the hub") {
		t.Errorf("the page is not replaced:\n%s", after.body)
	}
	for _, h := range []string{"Content-Security-Policy", "X-Frame-Options", "Referrer-Policy"} {
		if got := after.header.Get(h); got == "" || got != before.header.Get(h) {
			t.Errorf("%s is %q, was %q", h, got, before.header.Get(h))
		}
	}
	if err := w.server.UsePages(nil); err != nil {
		t.Fatal(err)
	}
	if got := b.get("/"); strings.Contains(got.body, "Welcome to the hub") {
		t.Error("ours do not come back")
	}
}

// TestSamplesHaveKinds: what screenshots show is checked, too.
func TestSamplesHaveKinds(t *testing.T) {
	r := testRenderer(t, sampleBrand)
	for _, s := range samples(r, "en", plainWords) {
		if !slices.ContainsFunc(pageKinds(), func(k page) bool { return reflect.TypeOf(k) == reflect.TypeOf(s.page) }) {
			t.Errorf("%s: %T is not in pageKinds", s.name, s.page)
		}
	}
}
