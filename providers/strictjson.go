package providers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// maxDepth bounds the nesting of JSON that we read.
const maxDepth = 32

// errJSON is wrapped by everything that checkJSON refuses.
var errJSON = errors.New("malformed JSON")

// checkJSON refuses what two readers could read differently, or that is built to
// hurt: members that stand twice in an object, deep nesting, and anything after
// the document. In the outermost object, names that differ in case alone count
// as the same, since encoding/json takes either for a struct's field.
func checkJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := checkValue(d, 0); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%w: something follows the document", errJSON)
	}
	return nil
}

func checkValue(d *json.Decoder, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: nested deeper than %d", errJSON, maxDepth)
	}
	t, err := d.Token()
	if err != nil {
		return fmt.Errorf("%w: it ends early or is no JSON", errJSON)
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			t, err := d.Token()
			if err != nil {
				return fmt.Errorf("%w: a member without name", errJSON)
			}
			name, _ := t.(string)
			key := name
			if depth == 0 {
				key = fold(name)
			}
			if seen[key] {
				return fmt.Errorf("%w: member %q stands twice", errJSON, clean(name))
			}
			seen[key] = true
		}
		if err := checkValue(d, depth+1); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("%w: it ends early", errJSON)
	}
	return nil
}

// fold makes names equal that encoding/json takes for the same field.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, name)
}

// decodeJSON decodes a document that checkJSON accepts; numbers become
// json.Number, since ids of providers exceed 2^53.
func decodeJSON(b []byte, v any) error {
	if err := checkJSON(b); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return fmt.Errorf("%w: %q is a %s", errJSON, wrong.Field, wrong.Value)
		}
		return fmt.Errorf("%w: it cannot be decoded", errJSON)
	}
	return nil
}
