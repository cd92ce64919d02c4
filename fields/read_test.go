package fields

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"idbroker/broker"
)

// example is a description with every kind of field.
const example = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["group"],
  "additionalProperties": false,
  "properties": {
    "group": {"type": "string", "title": "Group", "x-title-de": "Gruppe", "description": "Who you work with.", "enum": ["analytics", "engine"],
      "x-enum-titles": {"analytics": {"": "Analytics", "de": "Analyse"}, "engine": "Engine"}, "x-claim": "https://example.org/group"},
    "bio": {"type": "string", "title": "About you", "x-lines": 4, "maxLength": 500, "x-sign-up": true},
    "born": {"type": "string", "title": "Born", "format": "date"},
    "page": {"type": "string", "title": "Page", "format": "uri", "x-claim": "homepage", "x-scope": "profile"},
    "contact": {"type": "string", "title": "Second address", "format": "email"},
    "badge": {"type": "string", "title": "Badge", "pattern": "^[A-Z]{2}[0-9]{4}$", "minLength": 6},
    "age": {"type": "integer", "title": "Age", "minimum": 18, "maximum": 150},
    "share": {"type": "number", "title": "Share", "exclusiveMinimum": 0},
    "newsletter": {"type": "boolean", "title": "Newsletter"},
    "terms": {"type": "boolean", "title": "I agree", "const": true},
    "topics": {"type": "array", "title": "Topics", "items": {"type": "string", "enum": ["a", "b", "c"]}, "maxItems": 2, "uniqueItems": true},
    "papers": {"type": "array", "title": "Papers", "items": {"type": "string", "minLength": 3}}
  }
}`

func TestRead(t *testing.T) {
	s, err := Read([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	all := s.Fields()
	var kinds []string
	for _, f := range all {
		kinds = append(kinds, f.Name+" "+string(f.Kind))
	}
	want := []string{"group choice", "bio text", "born date", "page url", "contact email", "badge text", "age integer", "share number", "newsletter yes_no", "terms yes_no", "topics choices", "papers list"}
	if !slices.Equal(kinds, want) {
		t.Errorf("%q", kinds)
	}
	group := all[0]
	if !group.Required || !group.SignUp || group.Title.In("de") != "Gruppe" || group.Title.In("de-CH") != "Gruppe" || group.Title.In("fr") != "Group" ||
		group.Choices[0].Title.In("de") != "Analyse" || group.Choices[1].Title.In("de") != "Engine" {
		t.Errorf("%+v", group)
	}
	if group.Claim != "https://example.org/group" || group.Scope != group.Claim || all[3].Scope != "profile" || all[1].Lines != 4 || all[1].Max != 500 || !all[1].SignUp || all[1].Required {
		t.Errorf("%+v", all)
	}
	if !s.AtSignUp() {
		t.Error("nothing is required")
	}
}

// TestReadRefuses names the place of each mistake: what is not understood would
// be a rule that nobody holds people to.
func TestReadRefuses(t *testing.T) {
	one := func(field string) string { return `{"type": "object", "properties": {"x": ` + field + `}}` }
	for text, want := range map[string]string{
		`[]`: "is not a JSON object", ``: "is not a JSON object", `{"type": "object"} x`: "something follows",
		`{"type": "object", "type": "object", "properties": {}}`: `"type" is there twice`,
		`{"type": "array", "properties": {}}`:                    "/type: ",
		`{"type": "object"}`:                                     "/properties: ",
		`{"type": "object", "properties": {}, "$schema": "http://json-schema.org/draft-07/schema"}`: "/$schema: ",
		`{"type": "object", "properties": {}, "required": ["y"]}`:                                   "/required/0: ",
		`{"type": "object", "properties": {}, "additionalProperties": true}`:                        "/additionalProperties: ",
		`{"type": "object", "properties": {}, "allOf": []}`:                                         "/allOf: ",
		`{"type": "object", "properties": {"A b": {"type": "string", "title": "A"}}}`:               "/properties/A b: ",
		one(`{"type": "string"}`):                                                           "/properties/x/title: ",
		one(`{"title": "X"}`):                                                               "/properties/x/type: ",
		one(`{"title": "X", "type": "object"}`):                                             "/properties/x/type: ",
		one(`{"title": "X", "type": ["string", "null"]}`):                                   "/properties/x/type: ",
		one(`{"title": "X", "type": "string", "$ref": "https://evil.example/x"}`):           "/properties/x/$ref: ",
		one(`{"title": "X", "type": "string", "default": "x"}`):                             "/properties/x/default: ",
		one(`{"title": "X", "type": "string", "minimum": 1}`):                               "/properties/x/minimum: ",
		one(`{"title": "X", "type": "string", "pattern": "("}`):                             "/properties/x/pattern",
		one(`{"title": "X", "type": "string", "minLength": -1}`):                            "/properties/x/minLength",
		one(`{"title": "X", "type": "string", "maxLength": 100000}`):                        "/properties/x/maxLength: ",
		one(`{"title": "X", "type": "string", "format": "ipv4"}`):                           "/properties/x/format: ",
		one(`{"title": "X", "type": "string", "enum": []}`):                                 "/properties/x/enum: ",
		one(`{"title": "X", "type": "string", "enum": ["a", 1]}`):                           "/properties/x/enum: ",
		one(`{"title": "X", "type": "string", "enum": ["a\u202eb"]}`):                       "/properties/x/enum/0: ",
		one(`{"title": "X", "type": "string", "enum": ["a"], "x-enum-titles": {"b": "B"}}`): "/properties/x/x-enum-titles/b: ",
		one(`{"title": "X", "type": "string", "x-title-DE!": "Y"}`):                         "/properties/x/x-title-DE!: ",
		one(`{"title": "X", "type": "string", "x-title-de": 1}`):                            "/properties/x/x-title-de: ",
		one(`{"title": "X", "type": "array"}`):                                              "/properties/x/items: ",
		one(`{"title": "X", "type": "array", "items": {"type": "integer"}}`):                "/properties/x/items: ",
		one(`{"title": "X", "type": "string", "x-claim": "sub"}`):                           "/properties/x/x-claim: ",
		one(`{"title": "X", "type": "string", "x-claim": "Email"}`):                         "/properties/x/x-claim: ",
		one(`{"title": "X", "type": "string", "x-claim": "updated_at"}`):                    "/properties/x/x-claim: ",
		one(`{"title": "X", "type": "string", "x-claim": "a b"}`):                           "/properties/x/x-claim: ",
		one(`{"title": "X", "type": "string", "x-claim": "x", "x-scope": "openid"}`):        "/properties/x/x-scope: ",
		one(`{"title": "X", "type": "string", "x-claim": "x", "x-scope": "a b"}`):           "/properties/x/x-scope: ",
		one(`{"title": "X", "type": "string", "x-scope": "x"}`):                             "/properties/x/x-scope: ",
		one(`{"title": "X", "type": "string", "x-sign-up": "yes"}`):                         "/properties/x/x-sign-up: ",
		`{"type": "object", "properties": {"x": {"type": "string", "title": "X", "x-claim": "c"}, "y": {"type": "string", "title": "Y", "x-claim": "c"}}}`: "/properties/y/x-claim: ",
		strings.Repeat(" ", maxSchema) + "{}": "longer than",
	} {
		s, err := Read([]byte(text))
		var e *Error
		if s != nil || !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.120s: %v, want %q", text, err, want)
		}
	}
}

// TestStandardClaims: no field can take the place of a claim that clients rely on.
func TestStandardClaims(t *testing.T) {
	for _, name := range strings.Fields("iss sub aud exp iat nonce acr amr azp at_hash sid email email_verified phone_number_verified roles idp events AUD") {
		if !broker.StandardClaim(name) {
			t.Errorf("%s could be taken", name)
		}
		if _, err := Read([]byte(`{"type": "object", "properties": {"x": {"type": "string", "title": "X", "x-claim": "` + name + `"}}}`)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestCheck(t *testing.T) {
	s, err := Read([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		field, raw, want string // want: JSON that is kept, or the key of the problem; "" nothing is kept
	}{
		{"group", `"engine"`, `"engine"`}, {"group", `"none"`, "field.choice_invalid"}, {"group", `["engine"]`, "field.type_invalid"}, {"group", `{}`, "field.type_invalid"}, {"group", `1`, "field.type_invalid"},
		{"group", `null`, "field.required"}, {"group", ``, "field.required"}, {"group", `"  "`, "field.required"},
		{"bio", `" a\r\nb "`, `"a\nb"`}, {"bio", `"a\u0000b"`, "field.text_invalid"}, {"bio", `"a\u202eb"`, "field.text_invalid"}, {"bio", `"a\u200bb"`, "field.text_invalid"}, {"bio", `"\u3164"`, "field.text_invalid"},
		{"bio", `"` + strings.Repeat("ü", 501) + `"`, "field.long"}, {"bio", `"` + strings.Repeat("ü", 500) + `"`, `"` + strings.Repeat("ü", 500) + `"`}, {"bio", `"` + strings.Repeat("x", 9000) + `"`, "field.long"},
		{"bio", `"</textarea><script>"`, `"</textarea><script>"`},
		{"born", `"1815-12-10"`, `"1815-12-10"`}, {"born", `"1815-13-10"`, "field.date_invalid"}, {"born", `"10.12.1815"`, "field.date_invalid"},
		{"page", `"https://ada.example/"`, `"https://ada.example/"`}, {"page", `"javascript:alert(1)"`, "field.url_invalid"}, {"page", `"ada"`, "field.url_invalid"}, {"page", `"https://a b/"`, "field.url_invalid"},
		{"contact", `"ada@example.org"`, `"ada@example.org"`}, {"contact", `"ada"`, "field.email_invalid"},
		{"badge", `"AB1234"`, `"AB1234"`}, {"badge", `"AB12345"`, "field.form_invalid"}, {"badge", `"A"`, "field."}, {"badge", `"AB\n1234"`, "field.text_invalid"},
		{"age", `36`, `36`}, {"age", `36.0`, `36`}, {"age", `3.6e1`, `36`}, {"age", `36.5`, "field.whole_invalid"}, {"age", `17`, "field.least"}, {"age", `151`, "field.most"}, {"age", `"36"`, "field.number_invalid"},
		{"age", `1e999999999`, "field.number_invalid"}, {"age", `1e-999999999`, "field.least"}, {"share", `1e-999999999`, "field.form_invalid"}, {"age", strings.Repeat("9", 50), "field.number_invalid"}, {"age", `true`, "field.number_invalid"}, {"age", `[36]`, "field.number_invalid"},
		{"share", `0.5`, `0.5`}, {"share", `0`, "field.form_invalid"}, {"share", `-1`, "field.form_invalid"}, {"share", `1e400`, "field.number_invalid"}, {"share", `NaN`, "field.number_invalid"},
		{"newsletter", `true`, `true`}, {"newsletter", `false`, `false`}, {"newsletter", `"true"`, "field.type_invalid"}, {"newsletter", `1`, "field.type_invalid"},
		{"terms", `true`, `true`}, {"terms", `false`, "field.choice_invalid"},
		{"topics", `["a","b"]`, `["a","b"]`}, {"topics", `["a","a"]`, "field.twice"}, {"topics", `["a","b","c"]`, "field.many"}, {"topics", `["d"]`, "field.choice_invalid"}, {"topics", `"a"`, "field.type_invalid"}, {"topics", `[1]`, "field.type_invalid"}, {"topics", `[]`, ""},
		{"papers", `[" On numbers ", ""]`, `["On numbers"]`}, {"papers", `["ab"]`, "field.short"}, {"papers", `[` + strings.Repeat(`"abc",`, 50) + `"abc"]`, "field.many"},
		{"nobody", `"asks"`, "field.not_asked"},
	} {
		values := map[string]json.RawMessage{"group": json.RawMessage(`"engine"`), tt.field: json.RawMessage(tt.raw)}
		out, bad := s.Check(values, nil)
		got := string(out[tt.field])
		if e := bad[tt.field]; e != nil {
			got = e.Message
		}
		if strings.HasSuffix(tt.want, ".") && strings.HasPrefix(got, tt.want) {
			continue
		}
		if got != tt.want {
			t.Errorf("%s %.60s: %.80q, want %q", tt.field, tt.raw, got, tt.want)
		}
	}
}

// TestOldValuesStay: a description that changes locks nobody out of what they told.
func TestOldValuesStay(t *testing.T) {
	s, err := Read([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]json.RawMessage{"group": json.RawMessage(`"dissolved"`), "age": json.RawMessage(`"thirty-six"`), "gone": json.RawMessage(`"x"`), "bio": json.RawMessage(`"` + strings.Repeat("x", 600) + `"`)}
	form := map[string]json.RawMessage{"group": kept["group"], "age": kept["age"], "bio": kept["bio"], "newsletter": json.RawMessage(`true`)}
	out, bad := s.Check(form, kept)
	if len(bad) != 0 || string(out["group"]) != `"dissolved"` || string(out["age"]) != `"thirty-six"` || string(out["gone"]) != `"x"` || string(out["newsletter"]) != `true` {
		t.Errorf("%s, %+v", out, bad)
	}
	form["group"] = json.RawMessage(`"dissolved too"`)
	if _, bad := s.Check(form, kept); bad["group"] == nil || len(bad) != 1 {
		t.Errorf("another value that was never offered: %+v", bad)
	}
	delete(form, "group")
	if _, bad := s.Check(form, kept); bad["group"] == nil {
		t.Error("a required value was taken away")
	}
}

func TestAllTogether(t *testing.T) {
	text := `{"type": "object", "properties": {`
	values := map[string]json.RawMessage{}
	for i := range 6 {
		name := "f" + string(rune('a'+i))
		text += `"` + name + `": {"type": "string", "title": "F", "x-lines": 9, "maxLength": 2000},`
		values[name] = json.RawMessage(`"` + strings.Repeat("x", 1900+i) + `"`)
	}
	s, err := Read([]byte(strings.TrimSuffix(text, ",") + "}}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, bad := s.Check(values, nil); bad["ff"] == nil {
		t.Errorf("%+v", bad)
	}
}

// FuzzCheck: whatever is told, what is kept is JSON that is fine when it is told
// again, and nobody is kept from telling what stands there already.
func FuzzCheck(f *testing.F) {
	s, err := Read([]byte(example))
	if err != nil {
		f.Fatal(err)
	}
	for _, field := range s.Fields() {
		for _, raw := range []string{`"x"`, `1e9`, `[ "a" ]`, `true`, `{"a":1}`, `null`, `"\ud800"`, `1e999999999`, `"` + strings.Repeat("\u202e", 5) + `"`, `[[[[`, ` `} {
			f.Add(field.Name, []byte(raw))
		}
	}
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		out, bad := s.Check(map[string]json.RawMessage{"group": json.RawMessage(`"engine"`), name: raw}, nil)
		for field, e := range bad {
			if field != name || e.Message == "" || e.Kind != broker.KindInvalid {
				t.Fatalf("%q: %+v", field, e)
			}
		}
		for field, value := range out {
			if !json.Valid(value) {
				t.Fatalf("%q keeps %q", field, value)
			}
			for _, r := range []string{"\u202e", "\u0000", "\u200b"} {
				if strings.Contains(string(value), r) {
					t.Fatalf("%q keeps %q", field, value)
				}
			}
		}
		again, bad := s.Check(out, nil)
		if _, asked := out["group"]; asked && len(bad) != 0 {
			t.Fatalf("%s is refused when told again: %+v", out, bad)
		}
		for field := range out {
			if string(again[field]) != string(out[field]) {
				t.Fatalf("%s becomes %s", out[field], again[field])
			}
		}
	})
}
