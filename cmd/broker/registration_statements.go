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
	const path, fix = "registration.software_statements", "name a file with a JWK Set of public keys that the broker may read, or where to fetch it (https)"
	var problems config.Problems
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
			problems = append(problems, config.Unreadable(path, from, err, fix))
			continue
		case !info.Mode().IsRegular() || info.Size() > maxKeyFile:
			problems = append(problems, config.Unfit(path, from, fmt.Sprintf("is no file of at most %d KiB", maxKeyFile>>10), fix))
			continue
		}
		keys, err := os.ReadFile(from)
		if err != nil {
			problems = append(problems, config.Unreadable(path, from, err, fix))
			continue
		}
		if _, err := tokens.ParseClientKeys(keys); err != nil {
			problems = append(problems, config.Unfit(path, from, "is no JWK Set of use: "+err.Error(), fix))
			continue
		}
		all = append(all, tokens.StatementIssuer{Issuer: issuer, JWKS: string(keys)})
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return all, nil
}
