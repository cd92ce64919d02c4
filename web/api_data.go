package web

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"

	"idbroker/broker"
)

// What a program reads of a page is what stands in its struct, which is for the
// visitor's eyes: every exported field, under its name in snake case. Text that is
// "", a time that is zero, and a pointer to nothing are left out; lists,
// numbers and truth values are always there. base, problems and secrets are left out: whoever may
// know a secret has sent it. A field of another type needs a tag `json:"-"`, or the page
// a method api that returns a struct of what it gives.

// giver is a page that says by itself what it gives to a program: a struct, which
// has the same type each time. It must work on a zero page.
type giver interface{ api() any }

// dataOf is what a program reads of a page.
func dataOf(p page) any { return plain(given(p)) }

// plainOf is dataOf for a struct that is no page.
func plainOf(v any) any { return plain(reflect.ValueOf(v)) }

// given is the struct that a page gives.
func given(p page) reflect.Value {
	if g, ok := p.(giver); ok {
		return reflect.ValueOf(g.api())
	}
	return reflect.Indirect(reflect.ValueOf(p))
}

var (
	baseType     = reflect.TypeFor[base]()
	problemsType = reflect.TypeFor[problems]()
	secretType   = reflect.TypeFor[broker.Secret]()
	timeType     = reflect.TypeFor[time.Time]()
)

// problemsIn is what a page says is wrong with its form; nil nothing.
func problemsIn(p page) problems {
	v := reflect.Indirect(reflect.ValueOf(p))
	for i := range v.NumField() {
		if v.Type().Field(i).Type == problemsType {
			bad, _ := v.Field(i).Interface().(problems)
			return bad
		}
	}
	return nil
}

// member is a field of a struct that a program reads.
type member struct {
	name  string
	index []int
	kind  reflect.Type
}

// membersOf are the members of a struct, those of embedded ones among them.
func membersOf(t reflect.Type) []member {
	var all []member
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case tag == "-", f.Type == baseType, f.Type == problemsType, f.Type == secretType:
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			for _, m := range membersOf(f.Type) {
				m.index = append([]int{i}, m.index...)
				all = append(all, m)
			}
		case f.IsExported() && tag != "":
			all = append(all, member{tag, []int{i}, f.Type})
		case f.IsExported():
			all = append(all, member{snake(f.Name), []int{i}, f.Type})
		}
	}
	return all
}

// snake is a Go name as JSON has it: "SignUpURL" is "sign_up_url".
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// optional tells whether a zero value of the type is left out.
func optional(t reflect.Type) bool {
	return t.Kind() == reflect.String || t.Kind() == reflect.Pointer || t.Kind() == reflect.Struct
}

// plain turns a value into what encoding/json writes as we mean it.
func plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		return plain(v.Elem())
	case reflect.Struct:
		if v.Type() == timeType {
			at, _ := v.Interface().(time.Time)
			return at.UTC().Format(time.RFC3339)
		}
		object := map[string]any{}
		for _, m := range membersOf(v.Type()) {
			value := v.FieldByIndex(m.index)
			if !optional(m.kind) || !value.IsZero() {
				object[m.name] = plain(value)
			}
		}
		return object
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return list
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int64:
		return v.Int()
	}
	return nil // schemaOf refuses its type, and a test every page that has one
}

// schemas are JSON Schemas by the name of the struct that they tell of.
type schemas map[string]any

// of is the schema of what plain makes of a type; what names it in an error.
func (all schemas) of(t reflect.Type, what string) (any, error) {
	switch {
	case t == timeType:
		return map[string]any{"type": "string", "format": "date-time"}, nil
	case t.Kind() == reflect.Pointer:
		return all.of(t.Elem(), what)
	case t.Kind() == reflect.Slice:
		items, err := all.of(t.Elem(), what)
		return map[string]any{"type": "array", "items": items}, err
	case t.Kind() == reflect.String && t != secretType && (t.PkgPath() == "" || strings.HasPrefix(t.PkgPath(), ourModule)):
		return map[string]any{"type": "string"}, nil
	case t.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}, nil
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return map[string]any{"type": "integer"}, nil
	case t.Kind() == reflect.Struct && (t.PkgPath() == "" || t.PkgPath() == ourPackage):
		return all.object(t, what)
	}
	return nil, fmt.Errorf("%s has no JSON: type %s", what, t)
}

// ourPackage is the one whose structs are views: those of other rooms may hold more
// than a visitor should see. ourModule is where the names of texts come from.
var (
	ourPackage   = baseType.PkgPath()
	ourModule, _ = strings.CutSuffix(ourPackage, "web")
)

func (all schemas) object(t reflect.Type, what string) (any, error) {
	properties, required := map[string]any{}, []string{}
	for _, m := range membersOf(t) {
		s, err := all.of(m.kind, what+"."+m.name)
		if err != nil {
			return nil, err
		}
		properties[m.name] = s
		if !optional(m.kind) {
			required = append(required, m.name)
		}
	}
	object := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		object["required"] = required
	}
	if t.Name() == "" || strings.HasSuffix(t.Name(), "Page") {
		return object, nil
	}
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	all[name] = object
	return map[string]any{"$ref": "#/components/schemas/" + name}, nil
}
