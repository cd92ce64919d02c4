package i18n

import (
	_ "embed"
	"strings"

	"golang.org/x/text/language"
)

// countries are the names of countries (CLDR), a language a line: its tag, and behind a tab
// "CODE=name" joined by semicolons. A test makes them from golang.org/x/text/language/display,
// which would be a twentieth of the program.
//
//go:embed countries.txt
var countries string

// Country is the name of a country, given by its code of ISO 3166-1, in a language; in
// English where we have no names in that one, and the code where it is none of a country.
func (c *Catalogs) Country(lang, code string) string {
	region, err := language.ParseRegion(code)
	if err != nil || !region.IsCountry() {
		return code
	}
	code = region.String()
	for tag := language.Make(lang); ; tag = tag.Parent() {
		if name := countryIn(tag.String(), code); name != "" {
			return name
		}
		if tag.IsRoot() {
			break
		}
	}
	if name := countryIn("en", code); name != "" {
		return name
	}
	return code
}

// countryIn is the name of a country in a language that has a line; "" none.
func countryIn(lang, code string) string {
	_, rest, ok := strings.Cut(countries, "\n"+lang+"\t")
	if !ok {
		return ""
	}
	line, _, _ := strings.Cut(rest, "\n")
	_, rest, ok = strings.Cut(";"+line, ";"+code+"=")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, ";")
	return name
}
