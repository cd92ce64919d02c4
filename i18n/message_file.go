package i18n

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"idbroker/broker"
)

// other is the form of a message that has only one.
const other = "other"

// forms are what a message may consist of: CLDR's plural categories.
var forms = []string{"zero", "one", "two", "few", "many", other}

// message is an entry of a message file.
type message struct {
	key   string
	line  int
	forms map[string]string // "other" alone where the file has a text
}

// plural tells whether the message has forms by number.
func (m message) plural() bool { return len(m.forms) > 1 }

// hash tells whether a message is the one that was exported.
func (m message) hash() string {
	sum := sha256.New()
	for _, form := range slices.Sorted(maps.Keys(m.forms)) {
		fmt.Fprintf(sum, "%s\x00%s\x00", form, m.forms[form])
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// readMessages reads a message file in its order, and says where it is not one.
func readMessages(name string, text []byte) ([]message, []broker.Finding) {
	var all []message
	var found []broker.Finding
	d := json.NewDecoder(bytes.NewReader(text))
	line := func() int { return 1 + bytes.Count(text[:min(d.InputOffset(), int64(len(text)))], []byte("\n")) }
	complain := func(line int, format string, args ...any) {
		found = append(found, broker.Finding{File: name, Line: line, Text: fmt.Sprintf(format, args...)})
	}
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		complain(line(), "is no JSON object; write {\"key\": \"message\", …}")
		return nil, found
	}
	seen := map[string]int{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			complain(line(), "is no JSON: %v", err)
			return all, found
		}
		m := message{key: fmt.Sprint(token), line: line(), forms: map[string]string{}}
		var value any
		if err := d.Decode(&value); err != nil {
			complain(line(), "is no JSON: %v", err)
			return all, found
		}
		if at, twice := seen[m.key]; twice {
			complain(m.line, "%q stands on line %d already; keep one of the two", m.key, at)
			continue
		}
		seen[m.key] = m.line
		switch value := value.(type) {
		case string:
			m.forms[other] = value
		case map[string]any:
			for form, text := range value {
				words, ok := text.(string)
				if !ok || !slices.Contains(forms, form) {
					complain(m.line, "%q: %q is no plural form; there are %s, each a text", m.key, form, strings.Join(forms, ", "))
					continue
				}
				m.forms[form] = words
			}
		default:
			complain(m.line, "%q is neither a text nor an object of plural forms", m.key)
			continue
		}
		all = append(all, m)
	}
	if _, err := d.Token(); err != nil {
		complain(line(), "is no JSON: %v", err)
	} else if d.More() {
		complain(line(), "goes on behind the object; remove that")
	}
	return all, found
}

// Hashes are of each message of a catalog, so that it can be told later whether
// a copy was changed, or the original.
func Hashes(text []byte) map[string]string {
	all := map[string]string{}
	messages, _ := readMessages("", text)
	for _, m := range messages {
		all[m.key] = m.hash()
	}
	return all
}
