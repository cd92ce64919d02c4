package config

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"
)

// durationPattern is what parseDuration accepts, for editors.
const durationPattern = `^([0-9]+d)?([0-9]+(\.[0-9]+)?(h|ms|m|s))*$`

// makeSchema makes the JSON Schema of the configuration file from its types. Only the
// result goes into the program: the library that makes it would be a fiftieth of it.
func makeSchema() ([]byte, error) {
	r := jsonschema.Reflector{Anonymous: true, DoNotReference: true, FieldNameTag: "koanf", Mapper: scalarSchema}
	s := r.Reflect(&Config{})
	s.Title = "Configuration of the identity broker"
	s.Description = "Made from the descriptions in package config by \"broker config schema\"."
	describe(s, reflect.TypeFor[Config]())
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(s)
	return out.Bytes(), err
}

// scalarSchema maps the types that are written as texts.
func scalarSchema(t reflect.Type) *jsonschema.Schema {
	switch t {
	case durationType:
		return &jsonschema.Schema{Type: "string", Pattern: durationPattern}
	case secretType:
		return &jsonschema.Schema{Type: "string"}
	}
	return nil
}

// describe adds what the tags say to the schema of a section.
func describe(s *jsonschema.Schema, t reflect.Type) {
	s.Required = nil // a variable may set what the file leaves out
	for _, f := range fieldsOf(t) {
		p, ok := s.Properties.Get(f.key)
		if !ok {
			continue
		}
		p.Description = f.doc
		switch {
		case f.section():
			describe(p, f.typ)
		case f.list():
			describe(p.Items, f.typ.Elem())
		default:
			limits(p, f)
		}
		if f.file {
			s.Properties.Set(f.key+fileSuffix, &jsonschema.Schema{
				Type: "string", Description: "File that holds " + f.key + ". " + f.doc,
			})
		}
	}
}

// limits adds default, choices and bounds of a setting.
func limits(p *jsonschema.Schema, f field) {
	for _, e := range f.enum {
		p.Enum = append(p.Enum, e)
	}
	if f.def != "" && f.typ != secretType {
		if v, err := f.parse(f.def); err == nil {
			p.Default = v
		}
	}
	if f.typ == durationType {
		p.Default = f.def
		if f.max != "" {
			p.Description += " From " + f.min + " to " + f.max + "."
		}
		return
	}
	switch f.typ.Kind() {
	case reflect.Int:
		p.Minimum, p.Maximum = json.Number(f.min), json.Number(f.max)
	case reflect.String:
		if n, err := strconv.ParseUint(f.max, 10, 64); err == nil {
			p.MaxLength = &n
		}
	}
	if strings.HasSuffix(f.key, "_url") && f.typ.Kind() == reflect.String {
		p.Format = "uri"
	}
}
