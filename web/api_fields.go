package web

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"idbroker/broker"
)

// fieldKind says what a field of a request may hold, before a handler looks at it.
type fieldKind int

const (
	textField   fieldKind = iota // what a person types: the handler judges it
	idField                      // an identifier or a secret that we made: letters, digits and "-._~"
	nameField                    // an identifier that others chose: nothing invisible
	pathField                    // a local path; what is none leads to the start page
	choiceField                  // one of a few words
	flagField                    // true or false; "1" in a form
	listField                    // several ids
)

// field is a field of a request: of the body of a POST, or of the query.
type field struct {
	name    string
	kind    fieldKind
	max     int      // longest value in code points, of a list: of each; 0: of its kind
	choices []string // of a choiceField
}

const (
	// maxText bounds what a person types into a field, in code points. Each handler
	// accepts less; what is beyond this is nobody's typing.
	maxText = 2000
	// maxSegment bounds an id in a path, in bytes: clients have the longest, 100.
	maxSegment = 255
	// maxList bounds how many values a list may have: more than anybody ticks on a page.
	maxList = 100
)

// longest is how long a value of the field may be, in code points.
func (f field) longest() int {
	switch {
	case f.max != 0:
		return f.max
	case f.kind == idField, f.kind == listField:
		return 512 // the longest secret has 43; links from elsewhere are no reason to be picky
	case f.kind == pathField:
		return maxURI
	}
	return maxText
}

// Errors about a field of a request, which carry its name.
var (
	errFieldUnknown = &broker.Error{Kind: broker.KindBadRequest, Message: "error.field_unknown"}
	errFieldTwice   = &broker.Error{Kind: broker.KindBadRequest, Message: "error.field_twice"}
	errFieldType    = &broker.Error{Kind: broker.KindBadRequest, Message: "error.field_type"}
	errFieldLong    = &broker.Error{Kind: broker.KindBadRequest, Message: "error.field_long"}
	errFieldChars   = &broker.Error{Kind: broker.KindBadRequest, Message: "error.field_chars"}
	errFieldChoice  = &broker.Error{Kind: broker.KindBadRequest, Message: "error.field_choice"}
)

// maxFieldName bounds the name of an unknown field in an answer, in bytes.
const maxFieldName = 50

// about is an error about a field of a request.
func about(e *broker.Error, name string) *broker.Error {
	name = printable(name, maxFieldName)
	return e.At(name).With("field", name)
}

// check refuses a value that no handler of the field can mean.
func (f field) check(value string) error {
	if utf8.RuneCountInString(value) > f.longest() {
		return about(errFieldLong, f.name)
	}
	switch f.kind {
	case idField, listField:
		if strings.ContainsFunc(value, notOfAnID) {
			return about(errFieldChars, f.name)
		}
	case nameField:
		if strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) || bidiControl(r) }) {
			return about(errFieldChars, f.name)
		}
	case choiceField:
		if value != "" && !slices.Contains(f.choices, value) {
			return about(errFieldChoice, f.name)
		}
	}
	return nil
}

// isID tells whether a part of a path can be an id of anything.
func isID(s string) bool {
	return s != "." && s != ".." && len(s) <= maxSegment && !strings.ContainsFunc(s, notOfAnID)
}

// notOfAnID tells whether r is none of the unreserved characters of RFC 3986,
// section 2.3.
func notOfAnID(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~", r)
}

// checkAll refuses values that the fields of a route cannot have, and one that
// stands twice: who looks at the first would do something else than who looks
// at the last. What no field is called is let through: browsers and their
// extensions add things to forms.
func checkAll(fields []field, values url.Values) error {
	for _, f := range fields {
		all := values[f.name]
		if len(all) > 1 && f.kind != listField || len(all) > maxList {
			return about(errFieldTwice, f.name)
		}
		for _, value := range all {
			if err := f.check(value); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkQuery is checkAll for the query of a program, in which paths are shorter
// (maxQueryPath).
func checkQuery(fields []field, query url.Values) error {
	short := slices.Clone(fields)
	for i, f := range short {
		if f.kind == pathField {
			short[i].max = maxQueryPath
		}
	}
	return checkAll(short, query)
}

// once is checkAll for a query of a browser: what values there can mean, the handlers
// say, who know what a page can do for people with an old link.
func once(fields []field, query url.Values) error {
	for _, f := range fields {
		if len(query[f.name]) > 1 && f.kind != listField {
			return about(errFieldTwice, f.name)
		}
	}
	return nil
}

// formValues are the fields of a form or a query. asked hears of each name that a
// handler looks for; nil: nobody listens.
type formValues struct {
	url.Values
	asked func(name string)
}

// Get is the value of a field; "" none.
func (f formValues) Get(name string) string {
	f.hear(name)
	return f.Values.Get(name)
}

// Has tells whether a field is there.
func (f formValues) Has(name string) bool {
	f.hear(name)
	return f.Values.Has(name)
}

// All are the values of a field that may stand several times.
func (f formValues) All(name string) []string {
	f.hear(name)
	return f.Values[name]
}

func (f formValues) hear(name string) {
	if f.asked != nil {
		f.asked(name)
	}
}
