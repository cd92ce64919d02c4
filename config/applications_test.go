package config

import (
	"strings"
	"testing"
)

// TestStatements: who vouches for software has keys somewhere.
func TestStatements(t *testing.T) {
	for text, want := range map[string]string{
		"registration: {software_statements: {'https://d.example': 'https://d.example/jwks'}, require_software_statement: true}": "",
		"registration: {software_statements: {'https://d.example': /etc/broker/d.jwks}}":                                         "",
		"registration: {software_statements: {'https://d.example': 'http://d.example/jwks'}}":                                    "no https URL",
		"registration: {software_statements: {'https://d.example': ''}}":                                                         "no https URL",
		"registration: {software_statements: {'': /etc/broker/d.jwks}}":                                                          "has no issuer",
		"registration: {require_software_statement: true}":                                                                       "lets nobody register",
	} {
		_, err := Parse("broker.yaml", []byte(text), nil)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestNetworksOfApplications: what is no network is refused, and opens nothing.
func TestNetworksOfApplications(t *testing.T) {
	for text, want := range map[string]int{"10.20.0.0/16": 1, "fd00:1::/32": 1, "127.0.0.1/32": 1, "10.20.0.1/16": 0, "10.0.0.0": 0, "inside": 0, "": 0, "0.0.0.0/33": 0} {
		k := &checker{c: &Config{Applications: Applications{Networks: []string{text}}}}
		k.applications()
		if (len(k.problems) == 0) != (want == 1) {
			t.Errorf("%q: %v", text, k.problems)
		}
		for _, p := range k.problems {
			if p.Path != "applications.networks" || !strings.Contains(p.Fix, "/16") {
				t.Errorf("%q: %+v", text, p)
			}
		}
		if want == 1 && len(k.c.Applications.NetworkPrefixes()) != 1 {
			t.Errorf("%q opens nothing", text)
		}
	}
	for text, env := range map[string]string{"tokens: {private_network: true}": "", "": "BROKER_TOKENS__PRIVATE_NETWORK=true"} {
		if _, err := Parse("broker.yaml", []byte(text), strings.Fields(env)); err == nil || !strings.Contains(err.Error(), "tokens.private_network") || !strings.Contains(err.Error(), "applications.networks") {
			t.Errorf("the key of before: %v", err)
		}
	}
	if (Applications{}).NetworkPrefixes() != nil {
		t.Error("a network is open by default")
	}
}
