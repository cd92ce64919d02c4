package oidf

// Clause names what a check holds an OP to: a specification and its section,
// with the number of the rule where the section has a numbered list.
type Clause string

func core(section string) Clause      { return Clause("OpenID Connect Core 1.0, " + section) }
func discovery(section string) Clause { return Clause("OpenID Connect Discovery 1.0, " + section) }
func registration(section string) Clause {
	return Clause("OpenID Connect Dynamic Client Registration 1.0, " + section)
}
func encodings(section string) Clause {
	return Clause("OAuth 2.0 Multiple Response Type Encoding Practices, " + section)
}

// rfc is a section of an RFC: rfc("6749", "4.1.2").
func rfc(number, section string) Clause { return Clause("RFC " + number + ", " + section) }

// journey is the clause of what no specification words: the person at the
// browser could not do what the configuration says.
const journey Clause = "the person's journey"
