package broker

import (
	"cmp"
	"fmt"
	"slices"
)

// Finding is something about a file that an operator wrote.
type Finding struct {
	File string // as the operator knows it, with slashes
	Line int    // 0: none in particular
	Text string // what is wrong, and what to do
	Note bool   // worth knowing, but no reason to refuse the file
}

// String is the finding as compilers write theirs: file:line: text.
func (f Finding) String() string {
	text := f.Text
	if f.Note {
		text = "note: " + text
	}
	if f.Line == 0 {
		return f.File + ": " + text
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, text)
}

// SortFindings sorts by file and line and leaves out what is said twice.
func SortFindings(all []Finding) []Finding {
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(all)
}

// Refused are the findings that are more than notes.
func Refused(all []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f Finding) bool { return f.Note })
}
