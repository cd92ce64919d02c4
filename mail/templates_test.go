package mail

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"idbroker/broker"
	"idbroker/i18n"
)

// changed is a directory with a template of ours in which one text stands for
// another.
func changed(t *testing.T, file, old, new string) fstest.MapFS {
	t.Helper()
	text, err := fs.ReadFile(Originals(), file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q", file, old)
	}
	return fstest.MapFS{file: {Data: []byte(strings.ReplaceAll(string(broker.MarkCopy("mails/"+file, "v1", text)), old, new))}}
}

func readTemplates(t *testing.T, dir fs.FS) (*Templates, string) {
	t.Helper()
	texts, err := i18n.New()
	if err != nil {
		t.Fatal(err)
	}
	tpl, found := ReadTemplates(dir, "t", texts)
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintln(&b, f)
	}
	return tpl, b.String()
}

// TestChangedMails: each mistake is told with its place; taste is let through.
func TestChangedMails(t *testing.T) {
	for _, tt := range []struct{ name, file, old, new, want string }{
		{"a footer", "mail.html", `</div>`, `<p><a href="https://example.org/imprint">Imprint</a></p></div>`, ""},
		{"a picture within", "mail.html", `<div `, `<img alt="" src="data:image/png;base64,iVBORw0KGgo="><div `, ""},
		{"a footer in text", "mail.txt", `{{range`, "{{.Brand}}\n\n{{range", ""},
		{"a pixel", "mail.html", `<div `, `<img alt="" src="https://count.example/{{.Mail}}"><div `, `t/mail.html:6: src="https://count.example/`},
		{"a background", "mail.html", `padding:1.5rem`, `background:url(https://count.example/)`, `tells others when the mail is read`},
		{"a style sheet", "mail.html", `<title>`, `<style>@import "https://cdn.example/x.css";</style><title>`, `t/mail.html:4: its style loads something`},
		{"a script", "mail.html", `<title>`, `<script>x()</script><title>`, `<script> has no place in a mail`},
		{"a form", "mail.html", `<p>{{.Text}}</p>`, `<form action="https://evil.example/"><input name="password"></form>`, `<form> has no place in a mail`},
		{"no link", "mail.html", `href="{{.Text}}"`, `href="https://example.org/"`, `leaves out the link as an <a href>`},
		{"no code", "mail.html", `letter-spacing:.1em">{{.Text}}<`, `letter-spacing:.1em">see above<`, `leaves out the code`},
		{"no link in text", "mail.txt", `{{$p.Text}}`, `{{if not $p.Link}}{{$p.Text}}{{end}}`, `t/mail.txt: leaves out the link`},
		{"no end", "mail.html", `{{end}}{{end}}</div>`, `</div>`, `t/mail.html:`},
		{"a misspelt value", "mail.html", `{{.Brand}}`, `{{.Brnd}}`, `t/mail.html:7: <.Brnd>: can't evaluate field Brnd`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tpl, found := readTemplates(t, changed(t, tt.file, tt.old, tt.new))
			if (tt.want == "") != (tpl != nil) || !strings.Contains(found, tt.want) {
				t.Errorf("want %q\nwas told:\n%s", tt.want, found)
			}
		})
	}
	if tpl, found := readTemplates(t, fstest.MapFS{"rest.html": {Data: []byte("x")}}); tpl != nil || !strings.Contains(found, "t/rest.html: is no template of a mail") {
		t.Errorf("an unknown mail: %s", found)
	}
	if tpl, found := readTemplates(t, fstest.MapFS{"reset.html": {Data: []byte("<p>Hello</p>")}}); tpl != nil || !strings.Contains(found, "t/reset.html: leaves out the link") {
		t.Errorf("a mail without its link: %s", found)
	}
}

// TestMailsOfTheirOwn: one mail has its own template, the others have the frame, and
// values stay escaped.
func TestMailsOfTheirOwn(t *testing.T) {
	tpl, found := readTemplates(t, fstest.MapFS{
		"reset.html": {Data: []byte(`<h1>Hub</h1>{{range .Paragraphs}}<p>{{.Text}}</p>{{end}}<p><a href="{{.Link}}">Go on</a></p>`)},
		"reset.txt":  {Data: []byte("HUB\n\n{{range .Paragraphs}}{{.Text}}\n\n{{end}}")},
	})
	if tpl == nil {
		t.Fatal(found)
	}
	s, k := sender(t)
	s.Use(tpl)
	handle(t, s, broker.Mail{To: "ada@example.org", Template: "reset", Locale: "en", Data: map[string]string{"name": "<b>Ada</b>", "link": link, "minutes": "30"}})
	handle(t, s, broker.Mail{To: "ada@example.org", Template: "erased", Locale: "en", Data: map[string]string{}})
	if got := k.all[0]; !strings.Contains(got.HTML, "<h1>Hub</h1>") || !strings.HasPrefix(got.Text, "HUB\n") || strings.Contains(got.HTML, "<b>") {
		t.Errorf("%+v", got)
	}
	if got := k.all[1]; strings.Contains(got.HTML+got.Text, "Hub") || !strings.Contains(got.HTML, "<!DOCTYPE html>") {
		t.Errorf("%+v", got)
	}
}

// TestDirections: a language that is written from right to left is, in a mail.
func TestDirections(t *testing.T) {
	texts, found := i18n.Read(fstest.MapFS{"ar.json": {Data: []byte(`{"language.name": "العربية", "language.dir": "rtl", "mail.reset.subject": "كلمة مرور جديدة لـ {{.brand}}"}`)}}, "t", nil)
	if texts == nil {
		t.Fatal(found)
	}
	k := &kept{}
	s := New(k, texts, Options{From: "no-reply@example.org", Brand: "B"})
	handle(t, s, broker.Mail{To: "ada@example.org", Template: "reset", Locale: "ar", Data: map[string]string{"link": link}})
	got := k.all[0]
	if !strings.Contains(got.Subject, "\u2068B\u2069") {
		t.Errorf("the brand may turn the subject around: %q", got.Subject)
	}
	if got := isolated("a\u202eevil\u202c", false); got != "aevil" {
		t.Errorf("a name steers the words around it: %q", got)
	}
	if got := isolated("עדה", false); got != "\u2068עדה\u2069" {
		t.Errorf("a Hebrew name: %q", got)
	}
	if !strings.Contains(got.HTML, `<html lang="ar" dir="rtl">`) || !strings.Contains(got.HTML, `<p dir="ltr"`) || !strings.HasPrefix(got.Subject, "كلمة") || got.Lang != "ar" {
		t.Errorf("%+v", got)
	}
}
