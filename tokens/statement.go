package tokens

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// StatementIssuer vouches for software with software statements (RFC 7591,
// section 2.3).
type StatementIssuer struct {
	Issuer  string // "iss" of its statements
	JWKS    string // its keys, a JWK Set, or
	JWKSURI string // where they are
}

// Refusals of software statements (RFC 7591, section 3.2.2).
var (
	errStatement        = &fosite.RFC6749Error{ErrorField: "unapproved_software_statement", DescriptionField: "Software statements are not supported.", CodeField: http.StatusBadRequest}
	errStatementIssuer  = refuse(errStatement, "Nobody whom the operator trusts has issued the software statement.")
	errStatementMissing = refuse(errStatement, "The registration needs a software statement of an issuer that the operator trusts.")
	errStatementInvalid = &fosite.RFC6749Error{ErrorField: "invalid_software_statement", DescriptionField: "The software statement is malformed, or not signed by a key of its issuer.", CodeField: http.StatusBadRequest}
	errStatementTime    = refuse(errStatementInvalid, "The software statement has expired, or begins later.")
	errStatementClaims  = refuse(errStatementInvalid, "The software statement has no software_id, or is meant for somebody else.")
)

// statementTypes are the values of "typ" that a statement may have. Anything else
// is a JWT for another purpose.
var statementTypes = []string{"", "jwt", "software-statement+jwt"}

// notMetadata are claims of a statement that say nothing of the application, or
// that are not its issuer's to say.
var notMetadata = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "client_secret", "software_statement"}

// vouched returns a registration with the claims of its software statement in
// place of its own (RFC 7591, section 2.3), and the statement; "" where there is
// none. had: the client was registered with one, so that it cannot shake off
// what was said of it.
func (s *Service) vouched(ctx context.Context, object map[string]json.RawMessage, had bool, at time.Time) (map[string]json.RawMessage, string, error) {
	raw, ok := object["software_statement"]
	switch {
	case !ok || string(raw) == "null":
		if had || s.o.Registration.RequireStatement {
			return nil, "", errStatementMissing
		}
		return object, "", nil
	case len(s.o.Registration.Statements) == 0:
		return nil, "", errStatement
	}
	statement, _ := text(object, "software_statement")
	claims, err := s.readStatement(ctx, statement, at)
	if err != nil {
		return nil, "", err
	}
	return overlay(object, claims), statement, nil
}

// readStatement verifies a software statement and returns its claims.
func (s *Service) readStatement(ctx context.Context, statement string, at time.Time) (map[string]json.RawMessage, error) {
	j, err := readClientJWT(statement)
	if err != nil || !slices.Contains(statementTypes, j.typ) {
		return nil, errStatementInvalid
	}
	issuer, _ := text(j.claims, "iss")
	i := slices.IndexFunc(s.o.Registration.Statements, func(known StatementIssuer) bool { return known.Issuer == issuer })
	if i < 0 || issuer == "" {
		return nil, errStatementIssuer
	}
	known := s.o.Registration.Statements[i]
	if err := s.verifyBy(ctx, broker.Client{Metadata: broker.ClientMetadata{JWKS: known.JWKS, JWKSURI: known.JWKSURI}}, j); err != nil {
		s.log.InfoContext(ctx, "software statement refused", "issuer", known.Issuer, "err", err)
		return nil, errStatementInvalid
	}
	if j.claims["exp"] != nil {
		if end, ok := j.time("exp"); !ok || !at.Before(end.Add(clockSkew)) {
			return nil, errStatementTime
		}
	}
	for _, name := range []string{"nbf", "iat"} {
		if j.claims[name] != nil {
			if t, ok := j.time(name); !ok || t.After(at.Add(clockSkew)) {
				return nil, errStatementTime
			}
		}
	}
	// An ID token of the same issuer is no statement: it names no software, and
	// somebody else as its audience.
	if id, _ := text(j.claims, "software_id"); id == "" || j.claims["aud"] != nil && !j.meantFor(s.o.Issuer) && !j.meantFor(s.registrationEndpoint()) {
		return nil, errStatementClaims
	}
	return j.claims, nil
}

// overlay puts claims in place of members. A claim without a language stands for
// the member in every language: whoever vouches for a name vouches for all.
func overlay(object, claims map[string]json.RawMessage) map[string]json.RawMessage {
	merged := maps.Clone(object)
	said := func(name string) bool { return string(claims[name]) != "null" && !slices.Contains(notMetadata, name) }
	maps.DeleteFunc(merged, func(name string, _ json.RawMessage) bool {
		base, _, tagged := strings.Cut(name, "#")
		return tagged && claims[base] != nil && said(base)
	})
	for name, raw := range claims {
		if said(name) {
			merged[name] = raw
		}
	}
	return merged
}
