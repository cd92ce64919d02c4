package broker

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Details is what an account tells beside its name. The zero value tells nothing.
type Details struct {
	Affiliations    []string   `json:"affiliations,omitempty"`     // as CleanAffiliations returns them
	Zone            string     `json:"zone,omitempty"`             // IANA time zone; "" not chosen
	Visibility      Visibility `json:"visibility,omitempty"`       // of the profile; "" not chosen
	EmailVisibility Visibility `json:"email_visibility,omitempty"` // of the address; "" not chosen
	// Fields are what the operator asks for, by name, as JSON values. What is not
	// asked for any more stays, and is told to nobody but the person.
	Fields map[string]json.RawMessage `json:"fields,omitempty"`
}

// Visibility is whom applications may show something to. It is a wish that they
// are told, where the operator offers it.
type Visibility string

const (
	VisibilityRestricted Visibility = "restricted" // whoever the application lets see it
	VisibilityPublic     Visibility = "public"
)

// Known tells whether v is one of the two, or not chosen.
func (v Visibility) Known() bool {
	return v == "" || v == VisibilityRestricted || v == VisibilityPublic
}

// Or is v, or what holds where nothing was chosen.
func (v Visibility) Or(preset Visibility) Visibility {
	if v != "" {
		return v
	}
	return preset
}

const (
	// MaxAffiliations bounds how many a person has: more make no profile.
	MaxAffiliations = 10
	// maxZone is longer than every name of the time zone database.
	maxZone = 64
)

// CleanAffiliations cleans each as CleanName does and leaves out empty ones. It
// tells whether all could be kept: at most MaxAffiliations, and none twice, ignoring case.
func CleanAffiliations(list []string) ([]string, bool) {
	var out []string
	for _, one := range list {
		clean, ok := CleanName(one)
		if !ok {
			return nil, false
		}
		if clean == "" {
			continue
		}
		if slices.ContainsFunc(out, func(s string) bool { return FoldCase(s) == FoldCase(clean) }) {
			return nil, false
		}
		out = append(out, clean)
	}
	return out, len(out) <= MaxAffiliations
}

// ZoneName tells whether s can be the name of a time zone: it says nothing of
// whether there is one. No such name leads out of a directory.
func ZoneName(s string) bool {
	if len(s) > maxZone || strings.HasPrefix(s, "/") || strings.Contains(s, "..") || s == "Local" {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/_+-", r))
	})
}

// CleanText tells whether a text of several lines can stand on a page: printable,
// without what changes the direction of writing or cannot be seen, at most max code
// points. Ends of lines become "\n", ends of the text go.
func CleanText(s string, max int) (string, bool) {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > max {
		return "", false
	}
	for _, r := range s {
		if r != '\n' && (!unicode.IsPrint(r) || invisible(r)) {
			return "", false
		}
	}
	return s, true
}

// invisible tells whether r counts as printable and shows nothing, such as the
// Hangul filler: a name of it alone would be no name.
func invisible(r rune) bool {
	return unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || r == '\u2800'
}
