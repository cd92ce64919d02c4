package oidf

import (
	"net/url"
	"slices"
	"strings"
)

// Metadata is the document of OpenID Connect Discovery 1.0, section 3.
type Metadata map[string]any

// Text is a member that is a string; "" none.
func (m Metadata) Text(name string) string {
	s, _ := m[name].(string)
	return s
}

// List is a member that is a list of strings; nil: it is not there.
func (m Metadata) List(name string) []string {
	values, _ := m[name].([]any)
	var out []string
	for _, v := range values {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Flag is a member that is true or false; absent where it is not there.
func (m Metadata) Flag(name string, absent bool) bool {
	if b, ok := m[name].(bool); ok {
		return b
	}
	return absent
}

// Offers tells whether a list has the value; of a list that is not there it has none.
func (m Metadata) Offers(list, value string) bool { return slices.Contains(m.List(list), value) }

// origins are the origins of the issuer and of every endpoint in the metadata.
func (m Metadata) origins(issuer string) []string {
	found := []string{originOf(issuer)}
	for name, v := range m {
		if s, ok := v.(string); ok && (strings.HasSuffix(name, "_endpoint") || name == "jwks_uri" || name == "check_session_iframe") {
			found = append(found, originOf(s))
		}
	}
	return found
}

func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
