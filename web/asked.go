package web

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"idbroker/broker"
	"idbroker/broker/local"
)

// askedField is a field that the operator asks for, as a form shows it:
// templates/_asked.html.
type askedField struct {
	fieldPart
	Kind    broker.FieldKind
	Checked bool // of a yes or no
	Options []askedOption
}

// askedOption is a value that can be chosen.
type askedOption struct {
	Value, Label string
	Chosen       bool
}

// askedName is the hidden field that names what a form asked for: what is not
// named, and not there, was not seen, and stays as it is.
const askedName = "asked"

// onForm tells whether a field stands on the form of newcomers, or on the profile page.
func onForm(f broker.ProfileField, signUp bool) bool { return !signUp || f.SignUp }

// asked makes the fields that a form shows, with what was typed.
func (s *Server) asked(b base, values map[string]json.RawMessage, signUp bool, bad problems) []askedField {
	var all []askedField
	for _, f := range s.o.Fields {
		if !onForm(f, signUp) {
			continue
		}
		name := local.FieldPrefix + f.Name
		a := askedField{Kind: f.Kind, fieldPart: fieldPart{
			Name: name, ID: "field-" + f.Name + "-asked", Label: f.Title.In(b.Lang), Hint: f.Hint.In(b.Lang), Lines: f.Lines, Problem: b.Tell(bad.On(name)), Type: "text", Autocomplete: "off",
		}}
		if a.Lines < 2 {
			a.Lines = 0
		}
		if !f.Required {
			a.Optional = b.T("field.optional")
		}
		text, list := enteredAs(values[f.Name])
		a.Value = text
		switch f.Kind {
		case broker.FieldDate:
			a.Type = "date"
		case broker.FieldEmail:
			a.Type, a.Plain, a.Inputmode = "email", true, "email"
		case broker.FieldURL:
			a.Type, a.Plain, a.Inputmode = "url", true, "url"
		case broker.FieldInteger:
			a.Inputmode, a.Plain = "numeric", true
		case broker.FieldNumber:
			a.Inputmode, a.Plain = "decimal", true
		case broker.FieldList:
			a.Lines, a.Value = 3, strings.Join(list, "\n")
			a.Hint = strings.TrimSpace(a.Hint + " " + b.T("field.one_a_line"))
		case broker.FieldYesNo:
			a.Checked = text == "true"
		case broker.FieldChoice, broker.FieldChoices:
			a.Options = optionsOf(b, f, append(list, text))
		}
		all = append(all, a)
	}
	return all
}

// optionsOf are the values of a choice, with the one that was chosen when it could be.
func optionsOf(b base, f broker.ProfileField, chosen []string) []askedOption {
	var all []askedOption
	for _, o := range f.Choices {
		all = append(all, askedOption{o.Value, o.Title.In(b.Lang), slices.Contains(chosen, o.Value)})
	}
	for _, value := range chosen {
		if value != "" && !slices.ContainsFunc(all, func(o askedOption) bool { return o.Value == value }) {
			all = append(all, askedOption{value, value, true}) // from before: keeping it is fine
		}
	}
	return all
}

// enteredAs is a JSON value as a form has it.
func enteredAs(raw json.RawMessage) (text string, list []string) {
	if len(raw) == 0 {
		return "", nil
	}
	if json.Unmarshal(raw, &text) == nil || json.Unmarshal(raw, &list) == nil {
		return text, list
	}
	return string(raw), nil
}

// askedNames is the value of the hidden field of askedName.
func askedNames(all []askedField) string {
	var names []string
	for _, f := range all {
		names = append(names, strings.TrimPrefix(f.Name, local.FieldPrefix))
	}
	return strings.Join(names, " ")
}

// visibilities are the values of visibility and email_visibility.
var visibilities = []string{string(broker.VisibilityRestricted), string(broker.VisibilityPublic)}

// fieldsName is the field with which a program tells all of the operator's fields at
// once: the text of a JSON object.
const fieldsName = "fields"

// maxFieldsText bounds that text, in code points: twice what is kept.
const maxFieldsText = 16 << 10

// askedFields are the fields of a request that tells of the operator's.
func askedFields() []field { return fields(typed(askedName), short(fieldsName, maxFieldsText)) }

// readAsked reads what a form tells of the operator's fields, over what is kept.
func (s *Server) readAsked(values formValues, kept map[string]json.RawMessage) (map[string]json.RawMessage, error) {
	shown, form := strings.Fields(values.Get(askedName)), values.Values
	out := map[string]json.RawMessage{}
	for name, raw := range kept {
		out[name] = raw
	}
	if text := values.Get(fieldsName); text != "" {
		var told map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &told) != nil {
			return nil, about(errFieldType, fieldsName)
		}
		maps.Copy(out, told)
	}
	for _, f := range s.o.Fields {
		name := local.FieldPrefix + f.Name
		if !form.Has(name) && !slices.Contains(shown, f.Name) {
			continue
		}
		if raw := readField(f, form[name]); raw != nil {
			out[f.Name] = raw
		} else {
			delete(out, f.Name)
		}
	}
	for name := range form { // what nobody asks for is refused, not forgotten
		name, ours := strings.CutPrefix(name, local.FieldPrefix)
		if ours && !slices.ContainsFunc(s.o.Fields, func(f broker.ProfileField) bool { return f.Name == name }) {
			out[name] = toJSON(form.Get(local.FieldPrefix + name))
		}
	}
	return out, nil
}

// readField makes JSON of what was typed; nil nothing was. What is not of the
// field's type becomes a text, which the field refuses.
func readField(f broker.ProfileField, values []string) json.RawMessage {
	first := ""
	if len(values) > 0 {
		first = strings.TrimSpace(values[0])
	}
	switch f.Kind {
	case broker.FieldYesNo:
		switch first {
		case "true", "on":
			return json.RawMessage("true")
		case "", "false":
			return json.RawMessage("false")
		}
	case broker.FieldInteger, broker.FieldNumber:
		var n json.Number
		if first != "" && json.Unmarshal([]byte(first), &n) == nil && first[0] != '"' && first != "null" {
			return json.RawMessage(first)
		}
	case broker.FieldList:
		values = strings.Split(first, "\n")
		fallthrough
	case broker.FieldChoices:
		list := []string{}
		for _, one := range values {
			if one = strings.TrimSpace(one); one != "" {
				list = append(list, one)
			}
		}
		return toJSON(list)
	}
	if first == "" {
		return nil
	}
	return toJSON(first)
}

func toJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil { // texts and lists of them
		return nil
	}
	return raw
}

// fieldsText is what a program is told of the operator's fields: the same text that it
// may send.
func fieldsText(values map[string]json.RawMessage) string {
	if len(values) == 0 {
		return ""
	}
	return string(toJSON(values))
}
