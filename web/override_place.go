package web

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// formPlace is an attribute that a form of an operator's template has while it is checked:
// its file and line. A page has several forms with one action, and a browser that
// reads it does not tell which one stands where.
const formPlace = "data-form-place"

var (
	formTag   = regexp.MustCompile(`(?i)<form(\s|>)`)
	formMark  = regexp.MustCompile(` ` + formPlace + `=[^\s>]*`)
	markedTag = []byte(" " + formPlace + "=")
)

// markForms is a template whose forms say where they stand. Its lines stay where they are.
func markForms(file, text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = formTag.ReplaceAllString(line+"\n", "<form "+formPlace+"="+file+":"+strconv.Itoa(i+1)+"$1")
		lines[i] = strings.TrimSuffix(lines[i], "\n")
	}
	return strings.Join(lines, "\n")
}

// unmarkForms is a page of such a template as it would be without.
func unmarkForms(page []byte) []byte {
	if !bytes.Contains(page, markedTag) {
		return page
	}
	return formMark.ReplaceAll(page, nil)
}

// line is where a form stands in a file; 0 not there, or not known.
func (f shownForm) line(file string) int {
	in, at, _ := strings.Cut(f.place, ":")
	if in != file {
		return 0
	}
	n, _ := strconv.Atoi(at)
	return n
}

// lineFrom is the first line of a template, from one on, that has the text; where none
// has, the first of all.
func lineFrom(template, text string, from int) int {
	lines := strings.SplitAfterN(template, "\n", max(from, 1))
	if n := lineOf(lines[len(lines)-1], text); n > 0 && from > 0 && len(lines) == from {
		return from - 1 + n
	}
	return lineOf(template, text)
}
