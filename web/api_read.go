package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"idbroker/broker"
)

// errJSON: the body is not one JSON object in UTF-8.
var errJSON = &broker.Error{Kind: broker.KindBadRequest, Message: "error.json"}

const (
	formMediaType    = "application/x-www-form-urlencoded"
	jsonMediaType    = "application/json"
	problemMediaType = "application/problem+json"
)

// sentType is the media type of a request's body; "" it has none, several, or
// one in another encoding than UTF-8.
func sentType(r *http.Request) string {
	sent := r.Header["Content-Type"]
	if len(sent) != 1 {
		return ""
	}
	kind, params, err := mime.ParseMediaType(sent[0])
	if err != nil {
		return ""
	}
	for name, value := range params {
		if kind == jsonMediaType && (name != "charset" || !strings.EqualFold(value, "utf-8")) {
			return ""
		}
	}
	return kind
}

// readJSON reads the body of a POST as JSON, into what a form of the same
// fields holds.
func readJSON(r *http.Request, fields []field) (url.Values, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, errTooLarge
		}
		return nil, errJSON.Because(err)
	}
	return parseJSON(body, fields)
}

// parseJSON reads one JSON object, each of whose members is one of the fields,
// stands once, and has a value of its type: RFC 8259 leaves what else to do to
// the reader, and two readers must not differ.
func parseJSON(body []byte, fields []field) (url.Values, error) {
	if !utf8.Valid(body) {
		return nil, errJSON.Becausef("not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errJSON.Becausef("no object")
	}
	form := url.Values{}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		name, _ := t.(string)
		if err != nil || lone(name) {
			return nil, errJSON.Becausef("name of a member")
		}
		f, known := fieldOf(fields, name)
		switch {
		case !known:
			return nil, about(errFieldUnknown, name)
		case seen[name]:
			return nil, about(errFieldTwice, name)
		}
		seen[name] = true
		if form[name], err = readValue(d, f); err != nil {
			return nil, err
		}
		if len(form[name]) == 0 {
			delete(form, name)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, errJSON.Becausef("no end")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errJSON.Becausef("something behind the object")
	}
	return form, checkAll(fields, form)
}

func fieldOf(fields []field, name string) (field, bool) {
	for _, f := range fields {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

// readValue reads the value of a field, token by token: how deep something is
// nested that has no place here is never found out.
func readValue(d *json.Decoder, f field) ([]string, error) {
	t, err := d.Token()
	if err != nil {
		return nil, errJSON.Becausef("value of a member")
	}
	switch v := t.(type) {
	case bool:
		if f.kind != flagField {
			break
		}
		if !v {
			return nil, nil
		}
		return []string{"1"}, nil
	case string:
		if f.kind == flagField || f.kind == listField {
			break
		}
		return typedText(f, v)
	case json.Delim:
		if f.kind != listField || v != '[' {
			break
		}
		var all []string
		for d.More() {
			t, err := d.Token()
			if err != nil {
				return nil, errJSON.Becausef("value of a list")
			}
			s, ok := t.(string)
			if !ok || len(all) == maxList {
				return nil, about(errFieldType, f.name)
			}
			one, err := typedText(f, s)
			if err != nil {
				return nil, err
			}
			all = append(all, one...)
		}
		if _, err := d.Token(); err != nil {
			return nil, errJSON.Becausef("end of a list")
		}
		return all, nil
	}
	return nil, about(errFieldType, f.name)
}

// typedText is a text that somebody can have typed.
func typedText(f field, s string) ([]string, error) {
	if strings.ContainsRune(s, 0) || lone(s) {
		return nil, about(errTextIn, f.name)
	}
	return []string{s}, nil
}

// lone tells whether a text may have come from half of a surrogate pair: the
// decoder puts U+FFFD in its place, which nobody types.
func lone(s string) bool { return strings.ContainsRune(s, utf8.RuneError) }
