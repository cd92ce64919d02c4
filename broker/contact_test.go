package broker

import (
	"reflect"
	"strings"
	"testing"
)

func TestNormalizePhone(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "  ": "",
		"+41 22 767 61 11":      "+41227676111",
		"+1 (425) 555-1212":     "+14255551212",
		"+49.30/901820":         "+4930901820",
		"+56\u00a0(2) 687 2400": "+5626872400",
		"+44 20\u201379460000":  "+442079460000",
		"+123456789012345":      "+123456789012345",
	} {
		if got, err := NormalizePhone(in); got != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{
		"022 767 61 11", "0041227676111", "41227676111", "+0227676111", "+49 (0) 30 901820", "+49(0)30901820", "+123456", "+1234567890123456",
		"+", "++41227676111", "+41 22 767 61 11 ext 5", "+41227676111;ext=5", "tel:+41227676111", "+4122767611a", "+４１227676111", "+41227676111\x00", "+41\xff227676111", "+41227676111\n+41227676112;",
	} {
		if got, err := NormalizePhone(in); err == nil {
			t.Errorf("%q is taken for %q", in, got)
		}
	}
}

func TestCleanAddress(t *testing.T) {
	got, bad := CleanAddress(Address{Street: " 1  Esplanade des\tParticules \r\n\r\n Building 33\n", PostalCode: "1211 ", Locality: "Meyrin", Region: "", Country: "  Switzerland"})
	want := Address{Street: "1 Esplanade des Particules\nBuilding 33", PostalCode: "1211", Locality: "Meyrin", Country: "Switzerland"}
	if got != want || bad != nil {
		t.Errorf("%+v, %v", got, bad)
	}
	if text := got.Formatted(); text != "1 Esplanade des Particules\nBuilding 33\n1211 Meyrin\nSwitzerland" {
		t.Errorf("formatted %q", text)
	}
	if text := (Address{}).Formatted(); text != "" {
		t.Errorf("none is %q", text)
	}
	if text := (Address{PostalCode: "1211", Region: "GE"}).Formatted(); text != "1211\nGE" {
		t.Errorf("%q", text)
	}
	long := strings.Repeat("x", MaxAddressPart+1)
	_, bad = CleanAddress(Address{Street: "a\nb\nc\nd", PostalCode: "\x07", Locality: long, Region: "a\nb", Country: "\xff"})
	if !reflect.DeepEqual(bad, []string{"street_address", "postal_code", "locality", "region", "country"}) {
		t.Errorf("bad: %v", bad)
	}
	if _, bad = CleanAddress(Address{Locality: "\u202eevil", Country: long[1:]}); !reflect.DeepEqual(bad, []string{"locality"}) {
		t.Errorf("bad: %v", bad)
	}
}
