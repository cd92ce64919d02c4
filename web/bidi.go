package web

import "strings"

// isolated returns args so that no value changes the direction of the sentence
// that it is put into: one written from right to left stands between a first strong
// isolate and its end (Unicode Standard Annex 9), and controls that a value brings
// along are taken out, since they could make a sentence read as another one.
func isolated(args map[string]string) map[string]string {
	clean := make(map[string]string, len(args))
	for name, value := range args {
		clean[name] = isolateValue(value)
	}
	return clean
}

const firstStrongIsolate, popIsolate = "\u2068", "\u2069"

func isolateValue(s string) string {
	plain := strings.Map(func(r rune) rune {
		if bidiControl(r) {
			return -1
		}
		return r
	}, s)
	if strings.ContainsFunc(plain, rightToLeft) {
		return firstStrongIsolate + plain + popIsolate
	}
	return plain
}

// bidiControl tells whether r only serves to change the direction of text.
func bidiControl(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f || r == 0x061c
}

// rightToLeft tells whether r belongs to a script that is written from right to
// left: Hebrew, Arabic and their neighbours, and their presentation forms.
func rightToLeft(r rune) bool {
	return r >= 0x0590 && r <= 0x08ff || r >= 0xfb1d && r <= 0xfdff || r >= 0xfe70 && r <= 0xfeff || r >= 0x10800 && r <= 0x10fff || r >= 0x1e800 && r <= 0x1efff
}
