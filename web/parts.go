package web

import (
	"fmt"
	"html/template"
	"reflect"
	"strings"
)

// The parts that pages are built from: each is a struct and a template of
// templates/_parts.html, made by a function of the same name.

// fieldPart is a labelled input with its hint and what is wrong with it.
type fieldPart struct {
	Name         string
	ID           string // "" field-<Name>
	Type         string // "" "text"
	Label        string
	Optional     string // translated word that marks it; "" it is required, but for Voluntary
	Voluntary    bool   // not required; what it is part of is marked
	Value        string
	Hint         string
	Problem      string // in words; "" none
	Autocomplete string
	Inputmode    string
	Fixed        string // somebody else sets it, to this; "" the person does
	Focus        bool   // it is what the page is for
	Plain        bool   // an identifier: written left to right, never corrected
	Min, Max     int    // length in UTF-16 units; 0 not restricted
	Lines        int    // as many lines of text; 0 one, which cannot have more
}

// Describedby lists the ids of the texts that belong to the input.
func (f fieldPart) Describedby() string {
	var ids []string
	if f.Problem != "" {
		ids = append(ids, f.ID+"-problem")
	}
	if f.Hint != "" {
		ids = append(ids, f.ID+"-hint")
	}
	return strings.Join(ids, " ")
}

// newField makes a field from names and values in turn, so that a template says
// no more than it needs. An unknown name is an error.
func newField(name string, args ...any) (fieldPart, error) {
	f := fieldPart{Name: name, ID: "field-" + name, Type: "text"}
	v := reflect.ValueOf(&f).Elem()
	for i := 0; i+1 < len(args); i += 2 {
		key, _ := args[i].(string)
		if key == "" {
			return f, fmt.Errorf("field %s: argument %d is no name", name, i)
		}
		dst, src := v.FieldByName(strings.ToUpper(key[:1])+key[1:]), reflect.ValueOf(args[i+1])
		if !dst.IsValid() || !src.IsValid() || src.Type() != dst.Type() {
			return f, fmt.Errorf("field %s: no %q of type %T", name, key, args[i+1])
		}
		dst.Set(src)
	}
	if f.Type == "email" {
		f.Plain, f.Inputmode = true, "email"
	}
	return f, nil
}

type noticePart struct{ Kind, Text string }

type providerPart struct{ Icon, Label, Badge string }

type remotePart struct {
	remoteView
	URL, Action string // what can be done about it; "" nothing
}

type emptyPart struct{ Icon, Text string }

func (r *renderer) funcs() template.FuncMap {
	return template.FuncMap{
		"asset":    r.assets.path,
		"icon":     icon,
		"field":    newField,
		"notice":   func(kind, text string) noticePart { return noticePart{kind, text} },
		"provider": func(icon, label, badge string) providerPart { return providerPart{icon, label, badge} },
		"empty":    func(icon, text string) emptyPart { return emptyPart{icon, text} },
		"remote": func(v any, url, action string) (remotePart, error) {
			switch v := v.(type) {
			case remoteView:
				return remotePart{v, url, action}, nil
			case *remoteView:
				return remotePart{*v, url, action}, nil
			}
			return remotePart{}, fmt.Errorf("remote: %T is no identity", v)
		},
		"weburl": webURL,
	}
}

// webURL tells whether a foreign text is an address that a page may link to.
func webURL(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}
