package broker

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Address is a postal address (OpenID Connect Core 1.0, section 5.1.1). Its
// zero value is none. Every part may be "".
type Address struct {
	Street     string `json:"street_address,omitempty"` // house, street, apartment; lines end with "\n"
	PostalCode string `json:"postal_code,omitempty"`
	Locality   string `json:"locality,omitempty"` // city
	Region     string `json:"region,omitempty"`   // state, province, prefecture
	Country    string `json:"country,omitempty"`  // its name, as the person writes it
}

const (
	// minPhone and maxPhone bound the digits of a number: E.164 permits fifteen
	// with the country code, and no country has numbers of less than seven.
	minPhone, maxPhone = 7, 15
	// MaxAddressPart bounds a part of an address, in code points: the longest
	// that postal services print.
	MaxAddressPart = 100
	// maxStreetLines is what fits on an envelope beside the other parts.
	maxStreetLines = 3
)

// ErrPhone: the text is not a telephone number with its country code.
var ErrPhone = &Error{Kind: KindInvalid, Message: "field.phone_invalid", Field: "phone"}

// NormalizePhone returns a telephone number as ITU-T E.164 writes it, which is
// what the claim phone_number holds (OpenID Connect Core 1.0, section 5.1): "+",
// the country code, the rest, digits alone. What people put between the digits
// is taken out. "" is fine: no number. A number without "+" is refused, since
// its country can only be guessed, and so is "(0)", which is dialled at home alone.
func NormalizePhone(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", nil
	}
	rest, international := strings.CutPrefix(s, "+")
	if !international || strings.Contains(rest, "(0)") {
		return "", ErrPhone
	}
	var digits strings.Builder
	for _, r := range rest {
		switch {
		case '0' <= r && r <= '9':
			digits.WriteRune(r)
		case unicode.IsSpace(r), strings.ContainsRune("-./()\u2010\u2011\u2013", r): // hyphens and the dash of typesetters
		default:
			return "", ErrPhone
		}
	}
	number := digits.String()
	if len(number) < minPhone || len(number) > maxPhone || number[0] == '0' { // no country code begins with 0
		return "", ErrPhone
	}
	return "+" + number, nil
}

// CleanAddress trims the parts of an address and names those that cannot stand
// on an envelope, by their claims: more than MaxAddressPart code points, more
// than three lines of street, or what cannot be printed.
func CleanAddress(a Address) (clean Address, bad []string) {
	part := func(name, text string, lines int) string {
		var kept []string
		for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' }) {
			if line = strings.Join(strings.Fields(line), " "); line != "" {
				kept = append(kept, line)
			}
		}
		text = strings.Join(kept, "\n")
		unprintable := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
		if len(kept) > lines || utf8.RuneCountInString(text) > MaxAddressPart || !utf8.ValidString(text) || strings.ContainsFunc(text, unprintable) {
			bad = append(bad, name)
		}
		return text
	}
	return Address{
		Street:     part("street_address", a.Street, maxStreetLines),
		PostalCode: part("postal_code", a.PostalCode, 1),
		Locality:   part("locality", a.Locality, 1),
		Region:     part("region", a.Region, 1),
		Country:    part("country", a.Country, 1),
	}, bad
}

// Formatted is the whole address as it is written on an envelope, with "\n"
// between its lines; "" none. The postal code stands before the city, as in most
// of the world; who wants it elsewhere has the parts.
func (a Address) Formatted() string {
	city := strings.TrimSpace(a.PostalCode + " " + a.Locality)
	var lines []string
	for _, line := range []string{a.Street, city, a.Region, a.Country} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
