package tokens

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// maxJSONDepth bounds the nesting of JSON that clients send: registrations, JWTs
// and JWK Sets. A JWK Set in a registration needs four.
const maxJSONDepth = 16

// errStrictJSON: a document that two readers could read differently.
var errStrictJSON = errors.New("not one JSON object in UTF-8 with every member once")

// readObject reads one JSON object. It refuses members that stand twice, at any
// depth, deep nesting, whatever follows, and text that is not UTF-8. Names
// are compared letter by letter.
func readObject(b []byte) (map[string]json.RawMessage, error) {
	if !plainText(string(b)) {
		return nil, errStrictJSON
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if !strictValue(d, 0) {
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

func strictValue(d *json.Decoder, depth int) bool {
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
			if err != nil || !isText || seen[name] {
				return false
			}
			seen[name] = true
		}
		if !strictValue(d, depth+1) {
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
