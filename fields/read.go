package fields

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"idbroker/broker"
)

const (
	// maxSchema bounds a description, in bytes: a hundred times what a form needs.
	maxSchema = 256 << 10
	// maxFields bounds how many fields there are: nobody fills in a longer form.
	maxFields = 40
	// maxChoices bounds the values of a choice: the countries of the world fit.
	maxChoices = 300
	// maxItems bounds a list.
	maxItems = 50
	// maxText bounds a text of several lines, and maxLine one of a line, in code points.
	maxText, maxLine = 2000, 300
)

// Error is what is wrong with a description, and where.
type Error struct {
	Path string // JSON Pointer (RFC 6901); "" the whole
	What string
}

// Error says both.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.What
	}
	return e.Path + ": " + e.What
}

// Schema is what an operator asks for. It is safe for concurrent use.
type Schema struct {
	fields []field
}

type field struct {
	broker.ProfileField
	schema *jsonschema.Schema
}

// Fields are what is asked for, in the order of the description.
func (s *Schema) Fields() []broker.ProfileField {
	all := make([]broker.ProfileField, 0, len(s.fields))
	for _, f := range s.fields {
		all = append(all, f.ProfileField)
	}
	return all
}

// AtSignUp tells whether newcomers must tell something: no account may begin
// without a form then.
func (s *Schema) AtSignUp() bool {
	return slices.ContainsFunc(s.fields, func(f field) bool { return f.Required })
}

var (
	fieldName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	claimName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.:/-]{0,99}$`)
	language  = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
)

// Keywords that are understood. "x-title-LANGUAGE" and "x-description-LANGUAGE" are, too.
var (
	rootWords = strings.Fields("$schema $id $comment type title description properties required additionalProperties")
	bothWords = strings.Fields("$comment type title description examples deprecated readOnly x-claim x-scope x-sign-up")
	kindWords = map[string][]string{
		"string":  strings.Fields("enum minLength maxLength pattern format x-lines x-enum-titles"),
		"boolean": strings.Fields("const"),
		"integer": strings.Fields("minimum maximum exclusiveMinimum exclusiveMaximum multipleOf"),
		"number":  strings.Fields("minimum maximum exclusiveMinimum exclusiveMaximum multipleOf"),
		"array":   strings.Fields("items minItems maxItems uniqueItems"),
	}
	itemWords = strings.Fields("$comment type enum minLength maxLength pattern format x-enum-titles")
	formats   = map[string]broker.FieldKind{"": broker.FieldText, "date": broker.FieldDate, "email": broker.FieldEmail, "uri": broker.FieldURL}
)

// Read reads a description. Errors are *Error, all of them joined.
func Read(text []byte) (*Schema, error) {
	if len(text) > maxSchema {
		return nil, &Error{What: fmt.Sprintf("is longer than %d bytes", maxSchema)}
	}
	root, _, err := object(text)
	if err != nil {
		return nil, &Error{What: "is not a JSON object: " + err.Error()}
	}
	r := &reader{}
	r.only("", root, rootWords)
	if r.text("", root, "type") != "object" {
		r.fail("/type", `is not "object"`)
	}
	if d := r.text("", root, "$schema"); d != "" && strings.TrimSuffix(d, "#") != draft {
		r.fail("/$schema", "is not "+draft)
	}
	if a, ok := root["additionalProperties"]; ok && string(a) != "false" {
		r.fail("/additionalProperties", "is not false: what is not described is never asked for")
	}
	var required []string
	if raw, ok := root["required"]; ok && json.Unmarshal(raw, &required) != nil {
		r.fail("/required", "is not a list of names")
	}
	properties, names, err := object(root["properties"])
	if err != nil {
		r.fail("/properties", "is not an object that describes fields")
	}
	if len(names) > maxFields {
		r.fail("/properties", fmt.Sprintf("describes more than %d fields", maxFields))
	}
	for i, name := range required {
		if !slices.Contains(names, name) {
			r.fail(fmt.Sprintf("/required/%d", i), fmt.Sprintf("%.60q is not described in properties", name))
		}
	}
	s := &Schema{}
	claims := map[string]string{}
	for _, name := range names {
		path := "/properties/" + pointer(name)
		f := r.field(path, name, properties[name])
		f.Required = slices.Contains(required, name)
		f.SignUp = f.SignUp || f.Required
		if other := claims[f.Claim]; f.Claim != "" && other != "" {
			r.fail(path+"/x-claim", "is the claim of "+other+" too")
		}
		claims[f.Claim] = name
		s.fields = append(s.fields, f)
	}
	if len(r.problems) > 0 {
		return nil, errors.Join(r.problems...)
	}
	return s, nil
}

const draft = "https://json-schema.org/draft/2020-12/schema"

// reader collects what is wrong.
type reader struct{ problems []error }

func (r *reader) fail(path, what string) {
	r.problems = append(r.problems, &Error{path, what})
}

// only refuses keywords that are not understood.
func (r *reader) only(path string, m map[string]json.RawMessage, words ...[]string) {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if _, lang, ok := translated(key); ok {
			if !language.MatchString(lang) {
				r.fail(path+"/"+pointer(key), "does not end in a language, as in x-title-de")
			} else if !isText(m[key]) {
				r.fail(path+"/"+pointer(key), "is not a text")
			}
			continue
		}
		if !slices.ContainsFunc(words, func(list []string) bool { return slices.Contains(list, key) }) {
			r.fail(path+"/"+pointer(key), "is not understood here; see docs/profile.md for what is")
		}
	}
}

// translated takes "x-title-de" apart.
func translated(key string) (word, lang string, ok bool) {
	for _, word := range []string{"title", "description"} {
		if lang, ok := strings.CutPrefix(key, "x-"+word+"-"); ok {
			return word, lang, true
		}
	}
	return "", "", false
}

func isText(raw json.RawMessage) bool { var s string; return json.Unmarshal(raw, &s) == nil }

// text reads a member that is a text; "" it is not there.
func (r *reader) text(path string, m map[string]json.RawMessage, key string) string {
	raw, ok := m[key]
	if !ok {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		r.fail(path+"/"+pointer(key), "is not a text")
	}
	return s
}

// words reads a text in all its languages.
func (r *reader) words(path string, m map[string]json.RawMessage, word string) broker.Words {
	w := broker.Words{}
	if s := r.text(path, m, word); s != "" {
		w[""] = s
	}
	for key, raw := range m {
		if kind, lang, ok := translated(key); ok && kind == word {
			var s string
			_ = json.Unmarshal(raw, &s) // only has looked at it
			w[lang] = s
		}
	}
	for lang, s := range w {
		clean, ok := broker.CleanText(s, maxText)
		if !ok {
			r.fail(path, word+" has a character that cannot be shown, or is too long")
		}
		w[lang] = clean
	}
	return w
}

// pointer escapes a name for a JSON Pointer.
func pointer(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// object reads a JSON object, with the order of its members. A member that is
// there twice is refused: which one would count?
func object(text []byte) (map[string]json.RawMessage, []string, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, errors.New("it does not begin with {")
	}
	m, order := map[string]json.RawMessage{}, []string(nil)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, nil, err
		}
		name, _ := t.(string)
		if _, twice := m[name]; twice {
			return nil, nil, fmt.Errorf("%.60q is there twice", name)
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, nil, err
		}
		m[name], order = raw, append(order, name)
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("something follows it")
	}
	return m, order, nil
}
