package tokens

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"idbroker/broker"
)

// personalScopes are userScopes and the operator's own: none of them is for a
// client that acts for itself.
func (o Options) personalScopes() []string {
	all := slices.Clone(userScopes)
	for _, c := range o.Claims {
		if !slices.Contains(all, c.Scope) {
			all = append(all, c.Scope)
		}
	}
	return all
}

// checkCustom tells what is wrong with the operator's claims: one could take the
// place of a claim that clients rely on.
func (o Options) checkCustom() []error {
	var problems []error
	seen := map[string]bool{}
	for _, c := range o.Claims {
		switch {
		case c.Name == "", c.Value == nil, c.Scope == "":
			problems = append(problems, fmt.Errorf("tokens: the claim %q lacks its name, scope or value", c.Name))
		case claimScopes[c.Name] != "", slices.Contains(tokenClaims, c.Name):
			problems = append(problems, fmt.Errorf("tokens: the claim %q has a meaning of its own", c.Name))
		case c.Scope != scopeProfile && slices.Contains(userScopes, c.Scope):
			problems = append(problems, fmt.Errorf("tokens: the claim %q cannot be had by the scope %q", c.Name, c.Scope))
		case seen[c.Name]:
			problems = append(problems, fmt.Errorf("tokens: the claim %q is there twice", c.Name))
		}
		seen[c.Name] = true
	}
	return problems
}

// scopeOf is the scope that asks for a claim; "" none does.
func (s *Service) scopeOf(claim string) string {
	if scope := claimScopes[claim]; scope != "" {
		return scope
	}
	for _, c := range s.o.Claims {
		if c.Name == claim {
			return c.Scope
		}
	}
	return ""
}

// customOf are the operator's claims that are asked for and that user has.
func (s *Service) customOf(user broker.User, asked func(string) bool) map[string]json.RawMessage {
	var all map[string]json.RawMessage
	for _, c := range s.o.Claims {
		if !asked(c.Name) {
			continue
		}
		if value := c.Value(user); len(value) > 0 && json.Valid(value) {
			if all == nil {
				all = map[string]json.RawMessage{}
			}
			all[c.Name] = value
		}
	}
	return all
}

// customFor is ClaimsFor for the operator's claims.
func (s *Service) customFor(user broker.User, scopes []string) []Claim {
	var claims []Claim
	for _, c := range s.o.Claims {
		if !slices.Contains(scopes, c.Scope) && !slices.Contains(scopes, claimPrefix+c.Name) {
			continue
		}
		if value := c.Value(user); len(value) > 0 {
			claims = append(claims, Claim{Scope: c.Scope, Name: "claim." + c.Name, Title: c.Title, Value: plainValue(value)})
		} else {
			claims = append(claims, Claim{Scope: c.Scope, Name: "claim." + c.Name, Title: c.Title, Missing: true})
		}
	}
	return claims
}

// plainValue is a JSON value as a person reads it.
func plainValue(raw json.RawMessage) string {
	var text string
	var list []string
	switch {
	case json.Unmarshal(raw, &text) == nil:
		return text
	case json.Unmarshal(raw, &list) == nil:
		return strings.Join(list, ", ")
	}
	return string(raw)
}

// withCustom is v as JSON, with the operator's claims behind what it has. None of
// them is among that: checkCustom has seen to it.
func withCustom(v any, custom map[string]json.RawMessage) (json.RawMessage, error) {
	body, err := json.Marshal(v)
	if err != nil || len(custom) == 0 {
		return body, err
	}
	more, err := json.Marshal(custom)
	if err != nil {
		return nil, err
	}
	return append(append(body[:len(body)-1], ','), more[1:]...), nil // both are objects, and v has its subject
}

// scopeAsking is scopeOf for the claims of a request.
func (a *Authorization) scopeAsking(claim string) string {
	if a.scopeOf == nil {
		return claimScopes[claim]
	}
	return a.scopeOf(claim)
}
