package broker

import "testing"

func TestCopy(t *testing.T) {
	original := []byte("{{define \"main\"}}\nHello\n{{end}}\n")
	marked := string(MarkCopy("pages/home.html", "v1.2 (dirty)", original))
	c := ReadCopy(marked)
	if c.Version != "v1.2_(dirty)" || !c.Unchanged() || c.Outdated(original) {
		t.Errorf("a fresh copy: %+v", c)
	}
	if !c.Outdated([]byte("another")) {
		t.Error("a new original is not noticed")
	}
	if c := ReadCopy(marked + "!"); c.Unchanged() || c.Outdated(original) {
		t.Errorf("a changed copy: %+v", c)
	}
	if c := ReadCopy("Hello"); c.Version != "" || c.Unchanged() || c.Outdated(original) {
		t.Errorf("no copy: %+v", c)
	}
}

func TestFindings(t *testing.T) {
	all := SortFindings([]Finding{{File: "b", Text: "x"}, {File: "a", Line: 2, Text: "y", Note: true}, {File: "b", Text: "x"}})
	if len(all) != 2 || all[0].String() != "a:2: note: y" || all[1].String() != "b: x" {
		t.Errorf("%v", all)
	}
	if got := Refused(all); len(got) != 1 || got[0].File != "b" || len(all) != 2 {
		t.Errorf("%v", got)
	}
}
