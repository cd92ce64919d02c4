package web

import (
	"strings"
	"testing"
)

// TestPartsOfPages: a page has the shared parts that it shows and no others; one that
// it defines itself is its own alone, and parts may show each other.
func TestPartsOfPages(t *testing.T) {
	r := testRenderer(t, sampleBrand)
	all, err := r.parse(&Pages{texts: map[string]string{
		"sent.html": `{{define "main"}}<p>{{template "even" 4}}</p>{{end}}{{define "flash"}}of my own{{end}}` +
			`{{define "even"}}{{if .}}e{{template "odd" (slice "xxxx" 1 .)}}{{end}}{{end}}{{define "odd"}}{{if .}}o{{template "even" 0}}{{end}}{{end}}`,
		"home.html": `{{define "main"}}at home{{end}}{{define "flash"}} {{end}}`,
	}})
	if err != nil {
		t.Fatal(err)
	}
	b := r.base("en", "/", nil, sampleNow)
	b.Flash = &notice{Kind: noticeOK, Message: "link.removed"}
	for _, tt := range []struct {
		page       page
		want, lack string
	}{
		{&sentPage{base: b}, "of my own<p>eo</p>", "notice ok"},
		{&homePage{base: b}, "notice ok", "of my own"}, // nothing but space defines nothing
		{&lostPasswordPage{base: b}, "notice ok", "of my own"},
	} {
		text, err := all.execute(tt.page)
		if err != nil || !strings.Contains(text.String(), tt.want) || strings.Contains(text.String(), tt.lack) {
			t.Errorf("%T: %v; want %q and not %q in %v", tt.page, err, tt.want, tt.lack, text)
		}
	}
	if home, err := all["home"](); err != nil || home.Lookup("notice") == nil || home.Lookup("app_key") != nil {
		t.Errorf("%v: home has %s", err, home.DefinedTemplates())
	}
}
