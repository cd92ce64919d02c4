package config

import (
	"net/url"
	"strings"
)

// statements checks who may vouch for software.
func (k *checker) statements() {
	const path = "registration.software_statements"
	for issuer, keys := range k.c.Registration.Statements {
		u, err := url.Parse(keys)
		switch {
		case issuer == "":
			k.add(path, "", "has no issuer", "write issuer: where its keys are")
		case keys == "", err == nil && strings.Contains(keys, "://") && (u.Scheme != "https" || u.Host == ""):
			k.add(path, shown(keys), "is no https URL and no file", "write where the keys of "+plain(issuer)+" are, such as https://directory.example.org/jwks.json or /etc/broker/directory.jwks")
		}
	}
	if k.c.Registration.Required && len(k.c.Registration.Statements) == 0 {
		k.add("registration.require_software_statement", "true", "lets nobody register", "name who may vouch for software in "+path)
	}
}
