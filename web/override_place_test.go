package web

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"idbroker/i18n"
)

// TestFindingsPointAtTheForm: of several forms with one action the one that is broken
// is named by its line, whichever stands first.
func TestFindingsPointAtTheForm(t *testing.T) {
	cat, err := i18n.New()
	must(t, err)
	for name, tt := range map[string]struct{ file, find, replace, says string }{
		"a field less in the second": {"devices.html", `<input type="hidden" name="others" value="1">`, ``, "lacks the hidden field"},
		"a field more in the second": {"devices.html", `<input type="hidden" name="others" value="1">`, `<input type="hidden" name="others" value="1"><input name="other">`, "which ours has not"},
		"a field less in the first":  {"devices.html", `<input type="hidden" name="sid" value="{{.SID}}">`, ``, "lacks the hidden field"},
	} {
		ours, err := fs.ReadFile(PageTemplates(), tt.file)
		must(t, err)
		text := string(ours)
		at := strings.Index(text, tt.find)
		if at < 0 {
			t.Fatalf("%s: %q is not there", name, tt.find)
		}
		want := 1 + strings.Count(text[:at], "\n")
		_, found := ReadPages(fstest.MapFS{tt.file: {Data: []byte(strings.Replace(text, tt.find, tt.replace, 1))}}, "pages", cat)
		ok := false
		for _, f := range found {
			ok = ok || strings.Contains(f.Text, tt.says) && f.Line == want
		}
		if !ok {
			t.Errorf("%s: want line %d: %+v", name, want, found)
		}
	}
	ours, err := fs.ReadFile(PageTemplates(), "factor.html")
	must(t, err)
	same := strings.Replace(string(ours), "<h1>", "<h1 >", 1) // a difference, and none that matters
	if _, found := ReadPages(fstest.MapFS{"factor.html": {Data: []byte(same)}}, "pages", cat); len(found) > 1 {
		t.Errorf("%+v", found)
	}
}

// TestLineFrom: from a line on, and from the first where there is none.
func TestLineFrom(t *testing.T) {
	for _, tt := range []struct {
		text string
		from int
		want int
	}{{"a\nb\nc\nb\n", 1, 2}, {"a\nb\nc\nb\n", 3, 4}, {"a\nb\nc\n", 3, 2}, {"a\nb", 0, 2}, {"b", 9, 1}, {"", 1, 0}} {
		if got := lineFrom(tt.text, "b", tt.from); got != tt.want {
			t.Errorf("%q from %d: %d, want %d", tt.text, tt.from, got, tt.want)
		}
	}
	if got := markForms("x.html", "a\n<form method=post>\n<FORM>\n<formula>"); string(unmarkForms([]byte(got))) != "a\n<form method=post>\n<form>\n<formula>" || !strings.Contains(got, "x.html:2") || !strings.Contains(got, "x.html:3>") {
		t.Errorf("%q", got)
	}
}
