package store

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
)

// Both ways agree with encoding/json, whatever stands in a list.
func TestWords(t *testing.T) {
	for _, list := range [][]string{
		nil, {}, {""}, {"openid"}, {"openid", "offline_access"}, {"", ""}, {`a"b`}, {`","`}, {`\`}, {"a,b", "[", "]"}, {"<&>"}, {"ä"}, {"\n"}, {"\xff"}, {`"]`},
	} {
		sameAsJSON(t, list)
	}
	for _, text := range []string{`["a" ,"b"]`, `[ "a"]`, `["\u0041"]`, `["a","b"`, `["`, `"]`, `["]`, `[""]`, `["a",null]`, `null`, `{}`, `["a"]x`, `["a","]`} {
		if list, ok := readWords(text); ok {
			var want []string
			if err := json.Unmarshal([]byte(text), &want); err != nil || !slices.Equal(list, want) {
				t.Errorf("readWords(%s) = %q, encoding/json has %q, %v", text, list, want, err)
			}
		}
	}
}

func sameAsJSON(t *testing.T, list []string) {
	t.Helper()
	b, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	want := string(b)
	if len(list) == 0 {
		want = ""
	}
	if text, ok := writeWords(list); ok && text != want {
		t.Errorf("writeWords(%q) = %s, want %s", list, text, want)
	}
	got := doc(list)
	v, err := got.Value()
	if err != nil || v != want {
		t.Errorf("Value of %q = %v, %v, want %s", list, v, err, want)
	}
	var back document[[]string]
	if err := back.Scan(want); err != nil {
		t.Fatal(err)
	}
	var asJSON []string
	if want != "" {
		_ = json.Unmarshal(b, &asJSON)
	}
	if !reflect.DeepEqual(back.v, asJSON) {
		t.Errorf("%s is read as %q, want %q", want, back.v, asJSON)
	}
}

func FuzzReadWords(f *testing.F) {
	f.Add(`["openid","a\\"]`)
	f.Fuzz(func(t *testing.T, text string) {
		list, ok := readWords(text)
		if !ok || text == "" {
			return
		}
		var want []string
		if err := json.Unmarshal([]byte(text), &want); err != nil || !slices.Equal(list, want) {
			t.Errorf("readWords(%q) = %q, encoding/json has %q, %v", text, list, want, err)
		}
	})
}
