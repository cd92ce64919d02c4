package broker

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// hostNames brings a domain into the one form in which domains are compared: what
// a resolver would ask for (UTS 46, not transitional). Hyphens are let through as DNS does.
var hostNames = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.StrictDomainName(true),
	idna.CheckHyphens(false), idna.VerifyDNSLength(true))

// aceMark stands in a domain that has labels in letters beyond ASCII (RFC 5890, section 2.3.2.1).
const aceMark = "xn--"

// DomainName is a domain as the database has it: ASCII, lower case, without a dot at
// the end. ErrEmail where it is none.
func DomainName(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", ErrEmail
	}
	name, err := hostNames.ToASCII(strings.TrimSuffix(strings.TrimSpace(s), "."))
	if err != nil {
		return "", ErrEmail.Because(err)
	}
	name = strings.TrimSuffix(name, ".") // of another script: "。" is mapped to it
	if dotted := "." + name + "."; strings.Contains(dotted, ".-") || strings.Contains(dotted, "-.") {
		return "", ErrEmail.Becausef("a label of %s begins or ends with a hyphen", name)
	}
	return name, nil
}

// DomainForms are the ways in which a domain may stand in addresses: as DomainName has
// it, and in letters of its own language.
func DomainForms(s string) ([]string, error) {
	name, err := DomainName(s)
	if err != nil {
		return nil, err
	}
	forms := []string{name}
	if own, err := hostNames.ToUnicode(name); err == nil && own != name {
		forms = append(forms, own)
	}
	return forms, nil
}

// FoldEmail makes one text of all addresses that are one mailbox, as NormalizeEmail
// returns them: their domains are one to a resolver, in whatever letters each is written. An
// address that is no host's comes back as it is. Addresses are compared by it, and shown and
// mailed as the person wrote them.
func FoldEmail(email string) string {
	local, domain, ok := strings.Cut(email, "@")
	if !ok || isASCII(domain) && !strings.Contains(domain, aceMark) {
		return email
	}
	name, err := DomainName(domain)
	if err != nil {
		return email
	}
	return local + "@" + name
}

// EmailInLetters is a folded address with its domain in letters of its own language, for people to read.
func EmailInLetters(folded string) string {
	local, domain, ok := strings.Cut(folded, "@")
	if !ok || !strings.Contains(domain, aceMark) {
		return folded
	}
	forms, err := DomainForms(domain)
	if err != nil {
		return folded
	}
	if own := local + "@" + forms[len(forms)-1]; FoldEmail(own) == folded { // some labels decode to what is none
		return own
	}
	return folded
}

// International tells whether the domain of an address has labels in letters beyond ASCII, so that the mailbox
// can be written in several ways. Any other address that NormalizeEmail returns is the only spelling of its mailbox.
func International(email string) bool {
	_, domain, _ := strings.Cut(email, "@")
	return !isASCII(domain) || strings.Contains(domain, aceMark)
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
