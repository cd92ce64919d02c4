package i18n

import (
	"flag"
	"os"
	"strings"
	"testing"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

var update = flag.Bool("update", false, "write countries.txt")

// countryLanguages are those whose names of countries we have: the official ones of the
// European Union and of the United Nations, and what else many people read.
var countryLanguages = strings.Fields(`ar bg ca cs da de el en es et eu fa fi fr ga he hi hr hu id is it ja ko lt lv mk ms mt nb nl pl pt pt-PT
	ro ru sk sl sq sr sv th tr uk vi zh zh-Hant`)

// namesOfCountries is what countries.txt has to be.
func namesOfCountries() string {
	var out strings.Builder
	for _, lang := range countryLanguages {
		out.WriteString("\n" + lang + "\t")
		names, sep := display.Regions(language.Make(lang)), ""
		for a := 'A'; a <= 'Z'; a++ {
			for b := 'A'; b <= 'Z'; b++ {
				code := string([]rune{a, b})
				region, err := language.ParseRegion(code)
				if err != nil || !region.IsCountry() || region.String() != code {
					continue
				}
				if name := names.Name(region); name != "" {
					if strings.ContainsAny(name, ";=\n\t") {
						panic(name)
					}
					out.WriteString(sep + code + "=" + name)
					sep = ";"
				}
			}
		}
	}
	return out.String() + "\n"
}

func TestCountries(t *testing.T) {
	want := namesOfCountries()
	if *update {
		if err := os.WriteFile("countries.txt", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile("countries.txt"); err != nil || string(got) != want {
		t.Fatalf("countries.txt is not what the library knows (%v); run: go test ./i18n -run TestCountries -update", err)
	}
	if strings.Count(want, ";") < 200*len(countryLanguages) {
		t.Error("names are missing")
	}
	c := &Catalogs{}
	for _, tt := range [][3]string{
		{"de", "CH", "Schweiz"}, {"en", "CH", "Switzerland"}, {"de-AT", "CH", "Schweiz"}, {"fr-CH", "de", "Allemagne"}, {"zh-TW", "CH", "瑞士"},
		{"tlh", "CH", "Switzerland"}, {"", "CH", "Switzerland"}, {"not a language", "CH", "Switzerland"},
		{"de", "", ""}, {"de", "??", "??"}, {"de", "150", "150"}, {"de", "A=", "A="}, {"de", "\tCH", "\tCH"}, {"de\tAD=x\n", "XX", "XX"},
	} {
		if got := c.Country(tt[0], tt[1]); got != tt[2] {
			t.Errorf("%q in %q is %q, want %q", tt[1], tt[0], got, tt[2])
		}
	}
	for _, lang := range countryLanguages { // every name, and no other's
		for _, code := range []string{"AD", "CH", "NO", "ZW"} {
			region := language.MustParseRegion(code)
			if got, want := c.Country(lang, code), display.Regions(language.Make(lang)).Name(region); got != want {
				t.Errorf("%s in %s: %q, want %q", code, lang, got, want)
			}
		}
	}
}
