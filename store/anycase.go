package store

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// matches is the operator that compares a column with what anyCase returns.
func (db *DB) matches() string {
	if db.flavour == flavourSQLite {
		return "GLOB"
	}
	return "~"
}

// anyCase is a pattern for whatever has part in it, in whatever case the letters stand there.
// The databases fold ASCII at most, and where they fold more, each in its own way: so each letter is
// spelled out, in all the forms that broker.FoldCase takes for one.
func (db *DB) anyCase(part string) string {
	glob := db.flavour == flavourSQLite
	var b strings.Builder
	for _, r := range part {
		switch {
		case unicode.SimpleFold(r) != r:
			b.WriteByte('[')
			b.WriteRune(r)
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				b.WriteRune(f)
			}
			b.WriteByte(']')
		case glob && strings.ContainsRune("*?[", r):
			b.WriteString("[" + string(r) + "]")
		case !glob && r < utf8.RuneSelf && (r < '0' || r > '9'): // no letter: it may mean something
			b.WriteString(`\` + string(r))
		default:
			b.WriteRune(r)
		}
	}
	if glob {
		return "*" + b.String() + "*"
	}
	return b.String()
}
