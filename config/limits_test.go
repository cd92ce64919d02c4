package config

import (
	"strings"
	"testing"
)

// TestLimits: what is no network or no number is refused with the fix.
func TestLimits(t *testing.T) {
	for text, want := range map[string]string{
		"limits: {exempt_networks: [192.0.2.7/32, 'fd00:1::/32'], account_tries: 3}": "",
		"limits: {enabled: false}":                  "",
		"limits: {exempt_networks: [192.0.2.7]}":    "is no network",
		"limits: {exempt_networks: [192.0.2.7/24]}": "is no network",
		"limits: {account_tries: 1}":                "limits.account_tries",
		"limits: {network_tries: many}":             "limits.network_tries",
		"limits: {mails_per_hour: 0}":               "limits.mails_per_hour",
		"accounts: {sms: {countries: ['+41', '+1876'], per_hour: 10, per_country: 1000}}": "",
		"accounts: {sms: {countries: ['+41', '49']}}":                                     "is not the beginning of a number",
		"accounts: {sms: {countries: [+41, +49]}}":                                        "put it in quotes",
		"accounts: {sms: {countries: [CH]}}":                                              "accounts.sms.countries",
		"accounts: {sms: {per_hour: 9}}":                                                  "accounts.sms.per_hour",
		"accounts: {sms: {per_country: 0}}":                                               "accounts.sms.per_country",
	} {
		c, err := Parse("broker.yaml", []byte(text), nil)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
		if want == "" && strings.Contains(text, "exempt") && len(c.Limits.Exempt()) != 2 {
			t.Errorf("%s: %v", text, c.Limits.Exempt())
		}
	}
}
