package providers

import (
	"encoding/json"
	"math"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"idbroker/broker"
)

// claims are the members of an ID token or a userinfo answer. A claim of a
// type that it should not have counts as absent.
type claims map[string]any

const (
	// maxText bounds a claim that is kept for display.
	maxText = 255
	// maxList bounds lists: amr, roles.
	maxList = 200
)

// parseClaims reads a JSON object.
func parseClaims(b []byte) (claims, error) {
	var c claims
	if err := decodeJSON(b, &c); err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errJSON
	}
	return c, nil
}

// has tells whether the claim is there and not null.
func (c claims) has(name string) bool { return c[name] != nil }

// str is a claim that is a string, as it stands; "" otherwise.
func (c claims) str(name string) string {
	s, _ := c[name].(string)
	return s
}

// text is a claim that is shown: trimmed, printable, and at most maxText bytes;
// "" otherwise.
func (c claims) text(name string) string {
	s := strings.TrimSpace(c.str(name))
	if len(s) > maxText || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return s
}

// list is a claim that is a list of strings. A lone string is a list of one, as
// "aud" has it, and "amr" at ORCID. Members of other types are left out.
func (c claims) list(name string) []string {
	switch v := c[name].(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, m := range v {
			if s, ok := m.(string); ok && len(all) < maxList && len(s) <= maxText {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}

// object is a claim that is an object; nil otherwise, which reads as empty.
func (c claims) object(name string) claims {
	m, _ := c[name].(map[string]any)
	return m
}

// isTrue tells whether a claim is the boolean true. The string "true" is not.
func (c claims) isTrue(name string) bool {
	b, _ := c[name].(bool)
	return b
}

// time is a claim that is a number of seconds since 1970; zero otherwise.
func (c claims) time(name string) time.Time {
	n, _ := c[name].(json.Number)
	f, err := n.Float64()
	if err != nil || math.IsNaN(f) || f <= 0 || f > 1<<38 { // the year 10680
		return time.Time{}
	}
	return time.Unix(int64(f), 0).UTC()
}

// personName is the display name: "name", or the given and family names.
func (c claims) personName() string {
	for _, s := range []string{c.str("name"), c.str("given_name") + " " + c.str("family_name")} {
		if name, ok := broker.CleanName(s); ok && name != "" {
			return name
		}
	}
	return ""
}

// webURL is a claim that is an http or https URL; "" otherwise.
func (c claims) webURL(name string) string {
	s := c.str(name)
	u, err := url.Parse(s)
	if err != nil || len(s) > 2048 || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.String()
}
