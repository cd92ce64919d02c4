package i18n

import (
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Country is the name of a country, given by its code of ISO 3166-1, in a language; the
// code where it has none there.
func (c *Catalogs) Country(lang, code string) string {
	region, err := language.ParseRegion(code)
	if err != nil || !region.IsCountry() {
		return code
	}
	if namer := display.Regions(language.Make(lang)); namer != nil {
		if name := namer.Name(region); name != "" {
			return name
		}
	}
	return code
}
