package broker

import (
	"slices"
	"strings"
)

// twoDigits are the country codes of two digits (ITU-T E.164, list of assigned codes). Those of one are 1
// and 7, every other one has three.
const twoDigits = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98"

// noCountry are codes of three digits that are no country's: free and shared cost, satellites, personal numbers,
// networks without a country, disaster relief, premium rate. What a message there costs is
// up to whoever rents them, and nobody's telephone is among them but those at sea.
var noCountry = []string{"800", "808", "870", "878", "881", "882", "883", "888", "979"}

// MaxPhonePrefix is the most digits of a prefix that an operator names: a country code, and what stands behind it
// for a region or a network.
const MaxPhonePrefix = 7

// PhonePrefix is the part of a number, as NormalizePhone writes it, that says where it is: the longest of the allowed
// prefixes ("+41"), or, where there are none, the country code; with that of North America, which two dozen countries
// share, the three digits behind it. ok is false where messages do not go there: no allowed prefix fits,
// or the code is no country's.
func PhonePrefix(number string, allowed []string) (prefix string, ok bool) {
	for _, p := range allowed {
		if len(p) > len(prefix) && strings.HasPrefix(number, p) {
			prefix = p
		}
	}
	if len(allowed) > 0 {
		return prefix, prefix != ""
	}
	digits, international := strings.CutPrefix(number, "+")
	if !international || len(digits) < minPhone {
		return "", false
	}
	n := 3
	switch {
	case digits[0] == '1':
		n = 4
	case digits[0] == '7':
		n = 1
	case slices.Contains(strings.Fields(twoDigits), digits[:2]):
		n = 2
	}
	return "+" + digits[:n], !slices.Contains(noCountry, digits[:3])
}

// IsPhonePrefix tells whether a text can be an allowed prefix: "+", and one to MaxPhonePrefix digits, the first not 0.
func IsPhonePrefix(s string) bool {
	digits, ok := strings.CutPrefix(s, "+")
	return ok && digits != "" && len(digits) <= MaxPhonePrefix && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}
