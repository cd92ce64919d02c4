package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"idbroker/config"
	"idbroker/tokens"
)

// statementIssuers reads by whom software can be vouched for.
func statementIssuers(cfg config.Config) ([]tokens.StatementIssuer, error) {
	const path = "registration.software_statements"
	var all []tokens.StatementIssuer
	for _, issuer := range slices.Sorted(maps.Keys(cfg.Registration.Statements)) {
		from := cfg.Registration.Statements[issuer]
		if strings.Contains(from, "://") {
			all = append(all, tokens.StatementIssuer{Issuer: issuer, JWKSURI: from})
			continue
		}
		info, err := os.Stat(from)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", path, err)
		case !info.Mode().IsRegular() || info.Size() > maxKeyFile:
			return nil, fmt.Errorf("%s: %s is no file of at most %d KiB", path, from, maxKeyFile>>10)
		}
		keys, err := os.ReadFile(from)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if _, err := tokens.ParseClientKeys(keys); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, from, err)
		}
		all = append(all, tokens.StatementIssuer{Issuer: issuer, JWKS: string(keys)})
	}
	return all, nil
}
