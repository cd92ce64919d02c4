package web

import "testing"

// TestFieldsHaveWords: whoever writes a client from the OpenAPI document alone learns of each
// field what it means; no words are left of a field that has gone.
func TestFieldsHaveWords(t *testing.T) {
	words, used := fieldWords(), map[string]bool{}
	for pattern, op := range operations() {
		if op.standard != "" {
			continue
		}
		var names []string
		for _, f := range append(append([]field{}, op.query...), op.fields...) {
			names = append(names, f.name)
		}
		for _, m := range wildcard.FindAllStringSubmatch(pattern, -1) {
			names = append(names, m[1])
		}
		for _, name := range names {
			used[name] = true
			if words[name] == "" {
				t.Errorf("%s: the document does not say what %q is", pattern, name)
			}
		}
	}
	for name := range words {
		if !used[name] {
			t.Errorf("no request has %q", name)
		}
	}
}
