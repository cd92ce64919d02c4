package store

import "strings"

// Scopes, methods and addresses are lists of plain words, in every row that is
// read or written in passing. Their JSON is simple enough to go without
// encoding/json, which takes ten times as long; what is not simple goes there.

// plainWord tells whether encoding/json writes s as it stands.
func plainWord(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// writeWords writes a list as encoding/json does; "" for an empty one. false:
// it has to.
func writeWords(list []string) (string, bool) {
	if len(list) == 0 {
		return "", true
	}
	var b strings.Builder
	for i, word := range list {
		if !plainWord(word) {
			return "", false
		}
		if i == 0 {
			b.WriteString(`["`)
		} else {
			b.WriteString(`","`)
		}
		b.WriteString(word)
	}
	b.WriteString(`"]`)
	return b.String(), true
}

// readWords reads what writeWords wrote. false: it is something else.
func readWords(text string) ([]string, bool) {
	if text == "" {
		return nil, true
	}
	inside, ok := strings.CutPrefix(text, `["`)
	if !ok {
		return nil, false
	}
	if inside, ok = strings.CutSuffix(inside, `"]`); !ok {
		return nil, false
	}
	list := strings.Split(inside, `","`)
	for _, word := range list {
		if !plainWord(word) { // a quote or an escape: the split may be wrong
			return nil, false
		}
	}
	return list, true
}
