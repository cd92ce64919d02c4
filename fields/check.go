package fields

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"idbroker/broker"
)

// Errors about values. They belong to a field.
var (
	ErrRequired = &broker.Error{Kind: broker.KindInvalid, Message: "field.required"}
	ErrNotAsked = &broker.Error{Kind: broker.KindInvalid, Message: "field.not_asked"}
	ErrType     = &broker.Error{Kind: broker.KindInvalid, Message: "field.type_invalid"}
	ErrText     = &broker.Error{Kind: broker.KindInvalid, Message: "field.text_invalid"}
	ErrNumber   = &broker.Error{Kind: broker.KindInvalid, Message: "field.number_invalid"}
	ErrWhole    = &broker.Error{Kind: broker.KindInvalid, Message: "field.whole_invalid"}
	ErrLeast    = &broker.Error{Kind: broker.KindInvalid, Message: "field.least"}
	ErrMost     = &broker.Error{Kind: broker.KindInvalid, Message: "field.most"}
	ErrShort    = &broker.Error{Kind: broker.KindInvalid, Message: "field.short"}
	ErrLong     = &broker.Error{Kind: broker.KindInvalid, Message: "field.long"}
	ErrTwice    = &broker.Error{Kind: broker.KindInvalid, Message: "field.twice"}
	ErrFew      = &broker.Error{Kind: broker.KindInvalid, Message: "field.few"}
	ErrMany     = &broker.Error{Kind: broker.KindInvalid, Message: "field.many"}
	ErrChoice   = &broker.Error{Kind: broker.KindInvalid, Message: "field.choice_invalid"}
	ErrForm     = &broker.Error{Kind: broker.KindInvalid, Message: "field.form_invalid"}
	ErrDate     = &broker.Error{Kind: broker.KindInvalid, Message: "field.date_invalid"}
	ErrLink     = &broker.Error{Kind: broker.KindInvalid, Message: "field.url_invalid"}
)

// maxTotal bounds all values together, in bytes: they are read with the account,
// and stand in tokens.
const maxTotal = 8 << 10

// maxNumber bounds the text of a number, in bytes: what is longer is no float64 that
// anybody meant, and an exponent of a million digits would be computed with.
const maxNumber = 40

// Check returns values as they are to be kept: whitespace as JSON writes it, texts
// trimmed, empty ones left out. What stands in kept just so is kept whatever is
// asked today, and so is what is not asked for any more. The errors are by name; what
// they are about is left out.
func (s *Schema) Check(values, kept map[string]json.RawMessage) (map[string]json.RawMessage, map[string]*broker.Error) {
	out, bad := map[string]json.RawMessage{}, map[string]*broker.Error{}
	asked := map[string]bool{}
	for _, f := range s.fields {
		asked[f.Name] = true
		raw, err := f.check(values[f.Name], kept[f.Name])
		switch {
		case err != nil:
			bad[f.Name] = err
		case raw != nil:
			out[f.Name] = raw
		case f.Required:
			bad[f.Name] = ErrRequired
		}
	}
	for name, raw := range values {
		if !asked[name] && !bytes.Equal(raw, kept[name]) {
			bad[name] = ErrNotAsked
		}
	}
	for name, raw := range kept {
		if !asked[name] {
			out[name] = raw
		}
	}
	if sum, longest := size(out); len(bad) == 0 && sum > maxTotal {
		bad[longest] = ErrLong.With("max", strconv.Itoa(len(out[longest])/2))
	}
	if len(out) == 0 {
		out = nil
	}
	if len(bad) > 0 {
		return out, bad
	}
	return out, nil
}

// size is how many bytes all values have, and the name of the longest.
func size(values map[string]json.RawMessage) (sum int, longest string) {
	for name, raw := range values {
		if sum += len(raw); longest == "" || len(raw) > len(values[longest]) || len(raw) == len(values[longest]) && name < longest {
			longest = name
		}
	}
	return sum, longest
}

// check checks one value; nil is none.
func (f field) check(raw, kept json.RawMessage) (json.RawMessage, *broker.Error) {
	value, err := f.value(raw)
	if err == nil && value != nil {
		raw, err = f.valid(value)
	} else {
		raw = trim(raw)
	}
	if kept != nil && bytes.Equal(raw, kept) {
		return kept, nil
	}
	if err != nil || value == nil {
		return nil, err
	}
	return raw, nil
}

func trim(raw json.RawMessage) json.RawMessage { return bytes.TrimSpace(raw) }

// value reads a value of the field's type: string, bool, json.Number or []string;
// nil nothing is told.
func (f field) value(raw json.RawMessage) (any, *broker.Error) {
	if raw = trim(raw); len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	switch f.Kind {
	case broker.FieldYesNo:
		var b bool
		if json.Unmarshal(raw, &b) != nil {
			return nil, ErrType
		}
		return b, nil
	case broker.FieldInteger, broker.FieldNumber:
		return f.number(raw)
	case broker.FieldList, broker.FieldChoices:
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			return nil, ErrType
		}
		var out []string
		for _, one := range list {
			text, err := f.line(one)
			if err != nil {
				return nil, err
			}
			if text != "" {
				out = append(out, text)
			}
		}
		if len(out) > maxItems && f.Kind == broker.FieldList {
			return nil, ErrMany.With("max", strconv.Itoa(maxItems))
		}
		if len(out) == 0 {
			return nil, nil
		}
		return out, nil
	}
	text, err := f.line(raw)
	switch {
	case err != nil || text == "":
		return nil, err
	case f.Kind == broker.FieldURL && !strings.HasPrefix(text, "https://") && !strings.HasPrefix(text, "http://"):
		return nil, ErrLink // applications will make a link of it, also of "javascript:"
	}
	return text, nil
}

// line reads a text.
func (f field) line(raw json.RawMessage) (string, *broker.Error) {
	var s string
	if len(trim(raw)) == 0 || trim(raw)[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", ErrType
	}
	most := f.Max
	if most == 0 {
		most = maxLine
	}
	if len(s) > 4*maxText {
		return "", ErrLong.With("max", strconv.Itoa(most))
	}
	clean, ok := broker.CleanText(s, maxText)
	if !ok || f.Lines < 2 && strings.Contains(clean, "\n") {
		return "", ErrText
	}
	if n := len([]rune(clean)); n > most {
		return "", ErrLong.With("max", strconv.Itoa(most))
	}
	return clean, nil
}

// number reads a number that a float64 holds.
func (f field) number(raw json.RawMessage) (any, *broker.Error) {
	var n json.Number
	if raw[0] == '"' || len(raw) > maxNumber || json.Unmarshal(raw, &n) != nil {
		return nil, ErrNumber
	}
	x, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || math.IsInf(x, 0) || x != 0 && math.Abs(x) < 1e-100 || math.Abs(x) > 1e100 {
		return nil, ErrNumber
	}
	if f.Kind != broker.FieldInteger { // as float64 has it: "1e-999999999" is computed with otherwise
		return json.Number(strconv.FormatFloat(x, 'g', -1, 64)), nil
	}
	if x != math.Trunc(x) {
		return nil, ErrWhole
	}
	if math.Abs(x) > 1<<53 { // what every reader of JSON keeps (RFC 8259, section 6)
		return nil, ErrNumber
	}
	return json.Number(strconv.FormatInt(int64(x), 10)), nil
}

// valid holds a value to the description, and returns it as it is kept.
func (f field) valid(value any) (json.RawMessage, *broker.Error) {
	instance := value
	if list, ok := value.([]string); ok {
		all := make([]any, 0, len(list))
		for _, one := range list {
			all = append(all, one)
		}
		instance = all
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, ErrType.Because(err)
	}
	raw := json.RawMessage(bytes.TrimSpace(text.Bytes()))
	err := f.schema.Validate(instance)
	if err == nil {
		return raw, nil
	}
	v, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return raw, ErrForm.Because(err)
	}
	for len(v.Causes) > 0 {
		v = v.Causes[0]
	}
	return raw, f.explain(v.ErrorKind)
}

// explain says what is wrong so that a person can mend it.
func (f field) explain(what jsonschema.ErrorKind) *broker.Error {
	switch k := what.(type) {
	case *kind.Type:
		return ErrType
	case *kind.Enum, *kind.Const:
		return ErrChoice
	case *kind.MinLength:
		return ErrShort.With("min", strconv.Itoa(k.Want))
	case *kind.MaxLength:
		return ErrLong.With("max", strconv.Itoa(k.Want))
	case *kind.MinItems:
		return ErrFew.With("min", strconv.Itoa(k.Want))
	case *kind.MaxItems:
		return ErrMany.With("max", strconv.Itoa(k.Want))
	case *kind.UniqueItems:
		return ErrTwice
	case *kind.Minimum:
		x, _ := k.Want.Float64()
		return ErrLeast.With("min", strconv.FormatFloat(x, 'f', -1, 64))
	case *kind.Maximum:
		x, _ := k.Want.Float64()
		return ErrMost.With("max", strconv.FormatFloat(x, 'f', -1, 64))
	case *kind.Format:
		switch f.Kind {
		case broker.FieldEmail:
			return broker.ErrEmail
		case broker.FieldDate:
			return ErrDate
		case broker.FieldURL:
			return ErrLink
		}
	}
	return ErrForm
}
