package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"idbroker/broker"
)

// decoder sets the fields of a Config from untyped values, and goes on after
// every problem.
type decoder struct {
	where    map[string]string // path: line or variable
	origin   map[string]string // path: where what was set came from
	problems Problems
	warnings []string
}

func (d *decoder) add(path string, p Problem) {
	p.Path = path
	if p.Where == "" {
		p.Where = whereabouts(d.where, path)
	}
	d.problems = append(d.problems, p)
}

// section decodes a mapping into a struct.
func (d *decoder) section(path string, v reflect.Value, raw any) {
	if raw == nil {
		return
	}
	values, ok := raw.(map[string]any)
	if !ok {
		d.add(path, Problem{What: "is a single value", Fix: "it is a section: put its keys below it, indented"})
		return
	}
	fields := fieldsOf(v.Type())
	for _, f := range fields {
		d.field(join(path, f.key), f, v.Field(f.index), values)
	}
	for key := range values {
		if !slices.ContainsFunc(fields, func(f field) bool { return f.key == key || f.file && f.key+fileSuffix == key }) {
			d.unknown(path, key, fields)
		}
	}
}

// field decodes one key, and for a secret the key that names its file.
func (d *decoder) field(path string, f field, v reflect.Value, values map[string]any) {
	raw, file := values[f.key], any(nil)
	if f.file {
		file = values[f.key+fileSuffix]
	}
	switch {
	case raw != nil && file != nil:
		d.add(path, Problem{What: "is set beside " + f.key + fileSuffix, Fix: "keep one of the two"})
	case file != nil:
		d.secretFile(path+fileSuffix, path, v, file)
	case raw == nil:
	case f.section():
		d.section(path, v, raw)
	case f.list():
		d.list(path, v, raw)
	case f.typ == wordsByNameType:
		d.wordsByName(path, v, raw)
	case f.typ.Kind() == reflect.Map:
		d.texts(path, v, raw)
	case f.typ.Kind() == reflect.Slice:
		d.words(path, v, raw)
	default:
		d.scalar(path, f, v, raw)
	}
}

// scalar decodes a single value and checks its limits.
func (d *decoder) scalar(path string, f field, v reflect.Value, raw any) {
	text, ok := scalarText(raw, f)
	if !ok {
		d.add(path, Problem{Value: d.show(f, raw), What: "is not " + f.wants(), Fix: f.advice(fmt.Sprint(raw))})
		return
	}
	x, err := f.parse(text)
	if err != nil {
		d.add(path, Problem{Value: d.show(f, raw), What: "is not " + f.wants(), Fix: f.advice(text)})
		return
	}
	if what := f.outside(x); what != "" {
		d.add(path, Problem{Value: d.show(f, raw), What: what, Fix: f.advice(text)})
		return
	}
	v.Set(reflect.ValueOf(x).Convert(f.typ))
	d.origin[path] = d.where[path]
}

// scalarText is a scalar as text, where its YAML type suits the field: a
// number for a duration lacks its unit, and a date is not a text.
func scalarText(raw any, f field) (string, bool) {
	switch x := raw.(type) {
	case string:
		return x, true
	case bool:
		return fmt.Sprint(x), f.typ.Kind() == reflect.Bool
	case int, int64, uint64:
		return fmt.Sprint(x), f.typ.Kind() == reflect.Int // as text, 0123 would have become 83
	}
	return "", false
}

// show is a bad value for a problem; nothing for what may be secret.
func (d *decoder) show(f field, raw any) string {
	if f.typ == secretType {
		return ""
	}
	switch raw.(type) {
	case map[string]any, []any:
		return ""
	}
	return shown(raw)
}

func (d *decoder) list(path string, v reflect.Value, raw any) {
	items, ok := raw.([]any)
	if !ok {
		d.add(path, Problem{What: "is not a list", Fix: "begin each element with \"- \""})
		return
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		m, _ := item.(map[string]any)
		applyDefaults(list.Index(i))
		d.section(elementPath(path, i, m["id"]), list.Index(i), item)
	}
	v.Set(list)
	d.origin[path] = d.where[path]
}

// texts decodes a mapping of texts.
func (d *decoder) texts(path string, v reflect.Value, raw any) {
	values, ok := raw.(map[string]any)
	if !ok {
		d.add(path, Problem{What: "is not a section of texts", Fix: "write name: value below it, indented"})
		return
	}
	m := map[string]string{}
	for key, x := range values {
		s, ok := x.(string)
		if !ok {
			d.add(join(path, plain(key)), Problem{What: "is not a text", Fix: "put it in quotes"})
			continue
		}
		m[key] = s
	}
	v.Set(reflect.ValueOf(m))
	d.origin[path] = d.where[path]
}

// wordsByName decodes a mapping of lists of texts.
func (d *decoder) wordsByName(path string, v reflect.Value, raw any) {
	values, ok := raw.(map[string]any)
	if !ok {
		d.add(path, Problem{What: "is not a section of lists", Fix: "write name: [one, two] below it, indented"})
		return
	}
	m := map[string][]string{}
	for key, x := range values {
		var list []string
		d.words(join(path, plain(key)), reflect.ValueOf(&list).Elem(), x)
		m[key] = list
	}
	v.Set(reflect.ValueOf(m))
	d.origin[path] = d.where[path]
}

// words decodes a list of texts. A variable holds them separated by commas or
// spaces.
func (d *decoder) words(path string, v reflect.Value, raw any) {
	list := []string{} // not nil: an empty list is something else than none
	switch x := raw.(type) {
	case string:
		list = strings.FieldsFunc(x, func(r rune) bool { return r == ',' || r == ' ' })
	case []any:
		for i, e := range x {
			s, ok := e.(string)
			if !ok {
				d.add(fmt.Sprintf("%s[%d]", path, i), Problem{What: "is not a text", Fix: "put it in quotes"})
				continue
			}
			list = append(list, s)
		}
	default:
		d.add(path, Problem{What: "is not a list of texts", Fix: "write [one, two]"})
		return
	}
	v.Set(reflect.ValueOf(list))
	d.origin[path] = d.where[path]
}

func (d *decoder) secretFile(path, secret string, v reflect.Value, raw any) {
	name, ok := raw.(string)
	if !ok {
		d.add(path, Problem{What: "is not the name of a file", Fix: "write the path of a file that holds the secret"})
		return
	}
	text, warning, err := readSecret(name)
	if err != nil {
		d.add(path, Problem{Value: shown(name), What: err.Error(), Fix: "write the secret into that file, readable by the broker alone"})
		return
	}
	if warning != "" {
		d.warnings = append(d.warnings, path+": "+warning)
	}
	v.Set(reflect.ValueOf(broker.Secret(text)))
	d.origin[secret] = strings.TrimPrefix(d.where[path]+" → "+plain(name), " → ")
}
