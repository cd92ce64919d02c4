package broker

import (
	"encoding/json"
	"strings"
)

// FieldKind is how a field of the operator's is entered.
type FieldKind string

const (
	FieldText    FieldKind = "text"    // a JSON string
	FieldDate    FieldKind = "date"    // a JSON string, RFC 3339 full-date
	FieldEmail   FieldKind = "email"   // a JSON string
	FieldURL     FieldKind = "url"     // a JSON string
	FieldChoice  FieldKind = "choice"  // a JSON string of Choices
	FieldChoices FieldKind = "choices" // a JSON array of strings of Choices
	FieldList    FieldKind = "list"    // a JSON array of strings
	FieldYesNo   FieldKind = "yes_no"  // a JSON boolean
	FieldInteger FieldKind = "integer" // a JSON number
	FieldNumber  FieldKind = "number"  // a JSON number
)

// Words are a text in several languages; "" is the language of those who have none
// of the others.
type Words map[string]string

// In is the text in a language, or in the one that its tag begins with.
func (w Words) In(lang string) string {
	for {
		if text := w[lang]; text != "" {
			return text
		}
		cut := strings.LastIndexByte(lang, '-')
		if cut < 0 {
			return w[""]
		}
		lang = lang[:cut]
	}
}

// ProfileField is a field that the operator asks people to fill in.
type ProfileField struct {
	Name     string // of the JSON member
	Kind     FieldKind
	Title    Words // "" of it is never empty
	Hint     Words // nil: nothing more to say
	Choices  []FieldOption
	Required bool // nobody begins an account with a form, or saves a profile, without it
	SignUp   bool // the form of newcomers has it
	Lines    int  // of a text; 0 one
	Max      int  // code points of a text; 0 as many as every text may have
	Claim    string
	Scope    string // that asks for Claim
}

// FieldOption is a value that can be chosen.
type FieldOption struct {
	Value string
	Title Words
}

// ProfileClaim is a claim that an operator lets applications have of a person.
type ProfileClaim struct {
	Name  string // no standard claim, nor one of ours
	Scope string // that asks for it
	Title Words  // for the person, who is asked; nil: the catalogs know it
	// Value is what u has, as JSON; nil: nothing is told.
	Value func(u User) json.RawMessage
}
