package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

// lineWidth is where comments of the example wrap.
const lineWidth = 96

// WriteExample writes a configuration file that changes nothing: every setting
// with its description, commented out at its default, or with an example where
// it has none.
func WriteExample(w io.Writer) error {
	e := exampleWriter{w: w}
	e.print("# yaml-language-server: $schema=./config.schema.json\n")
	e.print("# Configuration of the broker. Nothing here is required; what is commented out shows the default,\n" +
		"# or an example where there is none. Every key can be set in the environment instead:\n" +
		"# BROKER_SERVER__BASE_URL, or BROKER_PROVIDERS__ORCID__CLIENT_ID for the provider with the id orcid.\n" +
		"# A secret can be read from a file: password_file, or BROKER_MAIL__SMTP__PASSWORD_FILE.\n" +
		"# \"broker config validate\" checks the file, \"broker config print\" shows what is in effect.\n")
	e.section(reflect.TypeFor[Config](), 0, "")
	return e.err
}

type exampleWriter struct {
	w   io.Writer
	err error
}

func (e *exampleWriter) print(s string) {
	if e.err == nil {
		_, e.err = io.WriteString(e.w, s)
	}
}

// section writes the settings of t. first begins the first of them, for list
// elements.
func (e *exampleWriter) section(t reflect.Type, depth int, first string) {
	for _, f := range fieldsOf(t) {
		if depth == 0 || f.section() {
			e.print("\n")
		}
		e.comment(f, depth)
		switch {
		case f.section():
			e.line(f.key+":", depth, !essentialIn(f.typ), first)
			e.section(f.typ, depth+1, "")
		case f.list():
			e.line(f.key+":", depth, true, first)
			e.section(f.typ.Elem(), depth+1, "- ")
		default:
			e.line(f.exampleLine(), depth, !f.essential, first)
		}
		if first != "" {
			first = "  "
		}
	}
}

func (e *exampleWriter) line(text string, depth int, off bool, first string) {
	mark := ""
	if off {
		mark = "#"
	}
	e.print(strings.Repeat("  ", depth) + mark + first + text + "\n")
}

func (e *exampleWriter) comment(f field, depth int) {
	text := f.doc
	if len(f.enum) > 0 && !strings.Contains(text, f.enum[0]+":") {
		text += " One of " + strings.Join(f.enum, ", ") + "."
	}
	if f.max != "" && f.typ.Kind() != reflect.String {
		text += fmt.Sprintf(" From %s to %s.", f.min, f.max)
	}
	indent := strings.Repeat("  ", depth) + "# "
	line := indent
	for _, word := range strings.Fields(text) {
		if len(line)+len(word) > lineWidth && line != indent {
			e.print(strings.TrimRight(line, " ") + "\n")
			line = indent
		}
		line += word + " "
	}
	e.print(strings.TrimRight(line, " ") + "\n")
}

// exampleLine is the setting with its default, or its example.
func (f field) exampleLine() string {
	value := orElse(f.def, f.example)
	switch {
	case f.file && f.def == "":
		return f.key + fileSuffix + ": " + value
	case f.typ.Kind() == reflect.Bool || f.typ.Kind() == reflect.Int:
		return f.key + ": " + orElse(value, "false")
	case f.typ.Kind() == reflect.Slice || f.typ.Kind() == reflect.Map || f.typ == durationType:
		return f.key + ": " + value
	}
	return f.key + ": " + yamlText(value)
}

// yamlText quotes a text where YAML would take it for something else.
func yamlText(s string) string {
	if s == "" || strings.ContainsAny(s, "#{}[],&*!|>'\"%`") || strings.Contains(s, ": ") || strings.HasPrefix(s, ":") || s == "off" || s == "on" {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
	}
	return s
}

func essentialIn(t reflect.Type) bool {
	for _, f := range fieldsOf(t) {
		if f.essential || f.section() && essentialIn(f.typ) {
			return true
		}
	}
	return false
}
