package tokens

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
)

// maxJSONDepth bounds the nesting of JSON that clients send: registrations, JWTs
// and JWK Sets. A JWK Set in a registration needs four.
const maxJSONDepth = 16

// errStrictJSON: a document that two readers could read differently.
var errStrictJSON = errors.New("not one JSON object in UTF-8 with every member once")

// memberError is errStrictJSON, found in a member of the object.
type memberError struct {
	name  string // as it was sent
	wrong string // isTwice or isNoText
}

func (e *memberError) Error() string { return errStrictJSON.Error() }
func (e *memberError) Unwrap() error { return errStrictJSON }

// readObject reads one JSON object. It refuses members that stand twice, at any
// depth, deep nesting, whatever follows, and text that is not UTF-8. Names
// are compared letter by letter. What is wrong with one member is a memberError.
func readObject(b []byte) (map[string]json.RawMessage, error) {
	if !plainText(string(b)) {
		return nil, textlessMember(b)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	twice := ""
	if !strictValue(d, 0, &twice) {
		if twice != "" {
			return nil, &memberError{twice, isTwice}
		}
		return nil, errStrictJSON
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errStrictJSON
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(b, &object); err != nil || object == nil {
		return nil, errStrictJSON
	}
	return object, nil
}

// textlessMember finds the member of an object whose value is not text.
func textlessMember(b []byte) error {
	var object map[string]json.RawMessage
	if json.Unmarshal(b, &object) != nil { // which takes what is not UTF-8
		return errStrictJSON
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !plainText(string(object[name])) {
			return &memberError{name, isNoText}
		}
	}
	return errStrictJSON
}

// strictValue reads a value; twice is set to the member that stands twice.
func strictValue(d *json.Decoder, depth int, twice *string) bool {
	t, err := d.Token()
	if err != nil || depth > maxJSONDepth {
		return false
	}
	open, nested := t.(json.Delim)
	if !nested {
		return true
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			t, err := d.Token()
			name, isText := t.(string)
			if err != nil || !isText {
				return false
			}
			if seen[name] {
				*twice = name
				return false
			}
			seen[name] = true
		}
		if !strictValue(d, depth+1, twice) {
			return false
		}
	}
	_, err = d.Token()
	return err == nil
}

// text is a member that is a string; false where it is missing or something
// else.
func text(members map[string]json.RawMessage, name string) (string, bool) {
	var v *string
	if err := json.Unmarshal(members[name], &v); err != nil || v == nil {
		return "", false
	}
	return *v, true
}
