package broker

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// copyMark is the first line of a template that was exported to be changed.
var copyMark = regexp.MustCompile(`\A\{\{- /\* copy of [^\s]+ of version ([^\s]+), sha256 ([0-9a-f]{64})[^\n]*\n`)

// Copy is a template of ours that an operator took out to change it.
type Copy struct {
	Version string // of the broker that it comes from; "" it is no copy
	of      string // SHA-256 of the original
	body    string
}

// MarkCopy puts the line before a template that tells what it was made from. The
// line is a comment and leaves no trace in what the template makes.
func MarkCopy(name, version string, original []byte) []byte {
	return fmt.Appendf(nil, "{{- /* copy of %s of version %s, sha256 %s: leave this line, it tells when the original changes */ -}}\n%s",
		name, strings.Join(strings.Fields(version), "_"), sum(string(original)), original)
}

// ReadCopy reads that line.
func ReadCopy(text string) Copy {
	m := copyMark.FindStringSubmatch(text)
	if m == nil {
		return Copy{body: text}
	}
	return Copy{Version: m[1], of: m[2], body: text[len(m[0]):]}
}

// Unchanged tells whether nobody has changed the copy: what it was made from, in
// its present form, does as well.
func (c Copy) Unchanged() bool { return c.of != "" && c.of == sum(c.body) }

// Outdated tells whether the original is another one now.
func (c Copy) Outdated(original []byte) bool { return c.of != "" && c.of != sum(string(original)) }

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}
