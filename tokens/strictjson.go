package tokens

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// maxDepth bounds the nesting of JSON that clients send.
const maxDepth = 16

var errJSON = errors.New("tokens: JSON that is malformed or that two readers could read differently")

// strictObject reads a JSON object and refuses what two readers could read
// differently, or that is built to hurt: text that is not UTF-8, a member that
// stands twice at any depth, deep nesting, anything after the object.
func strictObject(text []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if !utf8.Valid(text) || !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) || checkValue(d, 0) != nil {
		return nil, errJSON
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errJSON
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, errJSON
	}
	return members, nil
}

func checkValue(d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil || depth > maxDepth {
		return errJSON
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			t, err := d.Token()
			name, ok := t.(string)
			if err != nil || !ok || seen[name] {
				return errJSON
			}
			seen[name] = true
		}
		if err := checkValue(d, depth+1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
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
