package broker_test

import (
	"strings"
	"testing"

	"idbroker/broker"
)

// TestPhonePrefix: what a number is counted under, and whether messages go there.
func TestPhonePrefix(t *testing.T) {
	dach := []string{"+41", "+49", "+4930", "+1876"}
	for _, tt := range []struct {
		number  string
		allowed []string
		want    string
		ok      bool
	}{
		{"+41227676111", nil, "+41", true},
		{"+79161234567", nil, "+7", true},
		{"+12125550123", nil, "+1212", true},
		{"+18765550123", nil, "+1876", true}, // Jamaica
		{"+423234567890", nil, "+423", true}, // Liechtenstein
		{"+420601123456", nil, "+420", true},
		{"+358401234567", nil, "+358", true},
		{"+97912345678", nil, "+979", false}, // premium rate
		{"+88213123456", nil, "+882", false},
		{"+8801712345678", nil, "+880", true}, // Bangladesh
		{"+41227676111", dach, "+41", true},
		{"+493012345678", dach, "+4930", true},
		{"+498912345678", dach, "+49", true},
		{"+18765550123", dach, "+1876", true},
		{"+12125550123", dach, "", false},
		{"+4", dach, "", false},
		{"+97912345678", []string{"+979"}, "+979", true}, // whoever names it means it
		{"", nil, "", false},
		{"+1", nil, "", false},
		{"0041227676111", nil, "", false},
		{"0041227676111", dach, "", false},
	} {
		if got, ok := broker.PhonePrefix(tt.number, tt.allowed); got != tt.want || ok != tt.ok {
			t.Errorf("%s in %v: %q, %v; want %q, %v", tt.number, tt.allowed, got, ok, tt.want, tt.ok)
		}
	}
}

// TestIsPhonePrefix: what an operator may name.
func TestIsPhonePrefix(t *testing.T) {
	for text, want := range map[string]bool{
		"+41": true, "+1": true, "+1876555": true, "+18765551": false, "": false, "+": false, "41": false, "0041": false, "+041": false,
		"+4 1": false, "+41*": false, "CH": false, "++41": false, "+４１": false,
	} {
		if broker.IsPhonePrefix(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

// FuzzPhonePrefix: every number is counted under a part of itself, whatever an operator allows.
func FuzzPhonePrefix(f *testing.F) {
	f.Add("+41227676111", "+41")
	f.Add("+979123456", "")
	f.Add("+1", "+18765")
	f.Fuzz(func(t *testing.T, typed, one string) {
		number, err := broker.NormalizePhone(typed)
		if err != nil || number == "" {
			return
		}
		prefix, ok := broker.PhonePrefix(number, nil)
		if len(prefix) < 2 || !strings.HasPrefix(number, prefix) || !broker.IsPhonePrefix(prefix) {
			t.Errorf("%q: %q, %v", number, prefix, ok)
		}
		if broker.IsPhonePrefix(one) {
			if got, ok := broker.PhonePrefix(number, []string{one}); ok != strings.HasPrefix(number, one) || ok && got != one {
				t.Errorf("%q in %q: %q, %v", number, one, got, ok)
			}
		}
	})
}
