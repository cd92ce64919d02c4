package fields

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"idbroker/broker"
)

// field reads the description of one field.
func (r *reader) field(path, name string, raw json.RawMessage) field {
	f := field{ProfileField: broker.ProfileField{Name: name}}
	if !fieldName.MatchString(name) {
		r.fail(path, "is not a name of small letters, digits and _, at most 40")
	}
	m, _, err := object(raw)
	if err != nil {
		r.fail(path, "is not an object: "+err.Error())
		return f
	}
	kind := r.text(path, m, "type")
	words, known := kindWords[kind]
	if !known {
		r.fail(path+"/type", "is not string, boolean, integer, number or array")
		return f
	}
	r.only(path, m, bothWords, words)
	f.Title, f.Hint = r.words(path, m, "title"), r.words(path, m, "description")
	if f.Title[""] == "" {
		r.fail(path+"/title", "is missing: people must know what they are asked for")
	}
	if raw, ok := m["x-sign-up"]; ok && json.Unmarshal(raw, &f.SignUp) != nil {
		r.fail(path+"/x-sign-up", "is not true or false")
	}
	r.claim(path, m, &f)
	switch kind {
	case "boolean":
		f.Kind = broker.FieldYesNo
	case "integer":
		f.Kind = broker.FieldInteger
	case "number":
		f.Kind = broker.FieldNumber
	case "string":
		r.string(path, m, &f)
	case "array":
		r.array(path, m, &f)
	}
	if f.schema, err = compile(raw); err != nil {
		r.fail(path+errorPath(err), reason(err))
	}
	return f
}

// string reads what is said of a text.
func (r *reader) string(path string, m map[string]json.RawMessage, f *field) {
	kind, ok := formats[r.text(path, m, "format")]
	if !ok {
		r.fail(path+"/format", "is not date, email or uri")
	}
	f.Kind, f.Max = kind, maxLine
	if raw, ok := m["x-lines"]; ok && (json.Unmarshal(raw, &f.Lines) != nil || f.Lines < 1 || f.Lines > 20) {
		r.fail(path+"/x-lines", "is not a number from 1 to 20")
	}
	if f.Lines > 1 {
		f.Max = maxText
	}
	r.length(path, m, f)
	if raw, ok := m["enum"]; ok {
		f.Kind, f.Choices = broker.FieldChoice, r.choices(path, raw, m["x-enum-titles"])
	}
}

// length reads maxLength, which may ask for less than there can be.
func (r *reader) length(path string, m map[string]json.RawMessage, f *field) {
	raw, ok := m["maxLength"]
	if !ok {
		return
	}
	var n int
	if json.Unmarshal(raw, &n) != nil || n < 1 || n > maxText {
		r.fail(path+"/maxLength", fmt.Sprintf("is not a number from 1 to %d", maxText))
		return
	}
	f.Max = min(n, f.Max)
	if n > maxLine && f.Kind == broker.FieldText {
		if f.Max = n; f.Lines < 2 {
			r.fail(path+"/maxLength", fmt.Sprintf("is more than %d: give the text several lines with x-lines", maxLine))
		}
	}
}

// array reads what is said of a list of texts.
func (r *reader) array(path string, m map[string]json.RawMessage, f *field) {
	f.Kind, f.Max = broker.FieldList, maxLine
	items, _, err := object(m["items"])
	if err != nil || r.text(path+"/items", items, "type") != "string" {
		r.fail(path+"/items", `is not an object with "type": "string"`)
		return
	}
	r.only(path+"/items", items, itemWords)
	if _, ok := formats[r.text(path+"/items", items, "format")]; !ok {
		r.fail(path+"/items/format", "is not date, email or uri")
	}
	if raw, ok := items["enum"]; ok {
		f.Kind, f.Choices = broker.FieldChoices, r.choices(path+"/items", raw, items["x-enum-titles"])
	}
}

// choices reads an enum, with what its values are called: x-enum-titles maps a
// value to a text, or to texts by language ("" for the others).
func (r *reader) choices(path string, raw, titles json.RawMessage) []broker.FieldOption {
	var values []string
	if json.Unmarshal(raw, &values) != nil || len(values) == 0 || len(values) > maxChoices || slices.Contains(values, "") {
		r.fail(path+"/enum", fmt.Sprintf("is not a list of 1 to %d texts", maxChoices))
		return nil
	}
	called := map[string]json.RawMessage{}
	if titles != nil && json.Unmarshal(titles, &called) != nil {
		r.fail(path+"/x-enum-titles", "is not an object of texts")
	}
	for _, value := range slices.Sorted(maps.Keys(called)) {
		if !slices.Contains(values, value) {
			r.fail(path+"/x-enum-titles/"+pointer(value), "is not a value of enum")
		}
	}
	var all []broker.FieldOption
	for i, value := range values {
		if clean, ok := broker.CleanText(value, maxLine); !ok || clean != value || strings.Contains(value, "\n") {
			r.fail(fmt.Sprintf("%s/enum/%d", path, i), "has a character that cannot be shown, spaces around it, or is too long")
		}
		c := broker.FieldOption{Value: value, Title: broker.Words{"": value}}
		if raw, ok := called[value]; ok {
			var one string
			var many broker.Words
			switch {
			case json.Unmarshal(raw, &one) == nil:
				c.Title[""] = one
			case json.Unmarshal(raw, &many) == nil:
				maps.Copy(c.Title, many)
			default:
				r.fail(path+"/x-enum-titles/"+pointer(value), "is not a text, nor an object of texts by language")
			}
		}
		all = append(all, c)
	}
	return all
}

// claim reads whom the field is told to.
func (r *reader) claim(path string, m map[string]json.RawMessage, f *field) {
	f.Claim, f.Scope = r.text(path, m, "x-claim"), r.text(path, m, "x-scope")
	switch {
	case f.Claim == "" && m["x-claim"] != nil || f.Claim != "" && !claimName.MatchString(f.Claim):
		r.fail(path+"/x-claim", "is not the name of a claim")
	case f.Claim == "" && m["x-scope"] != nil:
		r.fail(path+"/x-scope", "stands without x-claim: nothing is told")
	case broker.StandardClaim(f.Claim):
		r.fail(path+"/x-claim", "is a claim that has a meaning of its own")
	case f.Claim == "":
	case f.Scope == "":
		f.Scope = f.Claim
		fallthrough
	default:
		if !broker.CustomScope(f.Scope) && f.Scope != "profile" {
			r.fail(path+"/x-scope", "is a scope that has a meaning of its own, or no scope; write profile, or a name that is new")
		}
	}
}

// compile makes a validator of one field. It loads nothing.
func compile(raw json.RawMessage) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(nowhere{})
	const at = "mem:field"
	if err := c.AddResource(at, doc); err != nil {
		return nil, err
	}
	return c.Compile(at)
}

// nowhere is where references lead.
type nowhere struct{}

// Load refuses.
func (nowhere) Load(string) (any, error) { return nil, errors.New("fields: nothing is fetched") }

// errorPath is where in a description the compiler found something.
func errorPath(err error) string {
	var bad *jsonschema.SchemaValidationError
	var v *jsonschema.ValidationError
	if errors.As(err, &bad) && errors.As(bad.Err, &v) {
		for len(v.Causes) > 0 {
			v = v.Causes[0]
		}
		path := ""
		for _, p := range v.InstanceLocation {
			path += "/" + pointer(p)
		}
		return path
	}
	return ""
}

// reason is what the compiler says, in a line.
func reason(err error) string {
	var bad *jsonschema.SchemaValidationError
	var v *jsonschema.ValidationError
	if errors.As(err, &bad) && errors.As(bad.Err, &v) {
		for len(v.Causes) > 0 {
			v = v.Causes[0]
		}
		_, text, _ := strings.Cut(v.Error(), "\n")
		return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(orElse(text, v.Error())), "- "))
	}
	return strings.ReplaceAll(err.Error(), "\n", " ")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
