package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"idbroker/broker"
)

// Types that the decoder treats by themselves.
var (
	secretType   = reflect.TypeFor[broker.Secret]()
	durationType = reflect.TypeFor[time.Duration]()

	wordsByNameType = reflect.TypeFor[map[string][]string]()
)

// fileSuffix makes the key that names a file instead of holding a secret.
const fileSuffix = "_file"

// field describes one setting or section, as the tags of its struct field do.
type field struct {
	key       string
	index     int // in the struct
	typ       reflect.Type
	doc       string
	def       string // "" none
	example   string
	enum      []string
	min, max  string // of numbers and durations; max also of the length of texts
	essential bool   // active in the example
	file      bool   // a secret that key_file can name
}

// fieldsOf describes the settings of a section, in order.
func fieldsOf(t reflect.Type) []field {
	var all []field
	for i := range t.NumField() {
		f := t.Field(i)
		key, ok := f.Tag.Lookup("koanf")
		if !ok {
			continue
		}
		d := field{
			key: key, index: i, typ: f.Type, doc: f.Tag.Get("doc"), def: f.Tag.Get("default"), example: f.Tag.Get("example"),
			min: f.Tag.Get("min"), max: f.Tag.Get("max"), essential: f.Tag.Get("essential") != "",
			file: f.Type == secretType && f.Tag.Get("nofile") == "",
		}
		if enum := f.Tag.Get("enum"); enum != "" {
			d.enum = strings.Split(enum, ",")
		}
		all = append(all, d)
	}
	return all
}

// section tells whether the field has fields of its own.
func (f field) section() bool { return f.typ.Kind() == reflect.Struct }

// list tells whether the field is a list of sections.
func (f field) list() bool {
	return f.typ.Kind() == reflect.Slice && f.typ.Elem().Kind() == reflect.Struct
}

// wants says in words what the field takes.
func (f field) wants() string {
	switch {
	case len(f.enum) > 0:
		return "one of " + strings.Join(f.enum, ", ")
	case f.section():
		return "a section with keys of its own"
	case f.typ == durationType:
		return "a duration such as " + orElse(f.def, "12h")
	}
	switch f.typ.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Slice:
		if f.list() {
			return "a list of sections"
		}
		return "a list of texts"
	case reflect.Map:
		if f.typ == wordsByNameType {
			return "a section of lists"
		}
		return "a section of texts"
	}
	return "a text"
}

// parse reads a scalar as written in a file, a variable or a tag.
func (f field) parse(text string) (any, error) {
	switch {
	case f.typ == durationType:
		return parseDuration(text)
	case f.typ == secretType:
		return broker.Secret(text), nil
	}
	switch f.typ.Kind() {
	case reflect.String:
		return text, nil
	case reflect.Bool:
		if text == "true" || text == "false" {
			return text == "true", nil
		}
	case reflect.Int:
		return strconv.Atoi(strings.TrimSpace(text))
	}
	return nil, fmt.Errorf("not %s", f.wants())
}

// applyDefaults sets every field of v that has a default. A default that does
// not parse is a mistake of ours, and a test finds it.
func applyDefaults(v reflect.Value) {
	for _, f := range fieldsOf(v.Type()) {
		switch {
		case f.section():
			applyDefaults(v.Field(f.index))
		case f.def != "":
			x, err := f.parse(f.def)
			if err != nil {
				panic("config: default of " + f.key + ": " + err.Error())
			}
			v.Field(f.index).Set(reflect.ValueOf(x).Convert(f.typ))
		}
	}
}

// join makes the path of a key in a section.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func orElse(s, other string) string {
	if s != "" {
		return s
	}
	return other
}
