package providers

import (
	"errors"
	"fmt"
	"slices"
)

// metadata is what we use of a discovery document (OpenID Connect Discovery
// 1.0, section 3; RFC 8414; RFC 9207).
type metadata struct {
	Issuer        string
	AuthEndpoint  string
	TokenEndpoint string
	UserInfo      string // "" none
	Keys          string // jwks_uri
	Revocation    string // "" none (RFC 7009)
	EndSession    string // "" none (OpenID Connect RP-Initiated Logout 1.0)
	TellsLogout   bool   // backchannel_logout_supported
	AuthMethods   []string
	SigningAlgs   []string // of ID tokens, those that we accept; never empty
	S256          bool     // PKCE S256 is not ruled out
	SendsIssuer   bool     // authorization_response_iss_parameter_supported
}

// signingAlgs are the signatures that we accept: asymmetric ones. "none" is no
// signature, and a shared secret proves nothing about who signed.
var signingAlgs = []string{
	"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
}

// errIssuer: most often the configured issuer has a slash too many or too few.
var errIssuer = errors.New("discovery")

// parseMetadata reads a discovery document. Its issuer must be identical to ours,
// or one provider could speak for another (section 4.3). plain allows http.
func parseMetadata(body []byte, issuer string, plain bool) (metadata, error) {
	c, err := parseClaims(body)
	if err != nil {
		return metadata{}, fmt.Errorf("discovery: %w", err)
	}
	if c.str("issuer") != issuer {
		return metadata{}, fmt.Errorf("%w: the document's issuer is %q, configured is %q", errIssuer, clean(c.str("issuer")), issuer)
	}
	m := metadata{
		Issuer: issuer, AuthEndpoint: c.str("authorization_endpoint"), TokenEndpoint: c.str("token_endpoint"),
		UserInfo: c.str("userinfo_endpoint"), Keys: c.str("jwks_uri"), Revocation: c.str("revocation_endpoint"),
		AuthMethods: c.list("token_endpoint_auth_methods_supported"), SendsIssuer: c.isTrue("authorization_response_iss_parameter_supported"),
		TellsLogout: c.isTrue("backchannel_logout_supported"),
		S256:        !c.has("code_challenge_methods_supported") || slices.Contains(c.list("code_challenge_methods_supported"), PKCES256),
	}
	var errs []error
	for _, e := range []struct {
		name, url string
		needed    bool
	}{
		{"authorization_endpoint", m.AuthEndpoint, true}, {"token_endpoint", m.TokenEndpoint, true}, {"jwks_uri", m.Keys, true},
		{"userinfo_endpoint", m.UserInfo, false}, {"revocation_endpoint", m.Revocation, false},
	} {
		if e.url == "" && !e.needed && !c.has(e.name) {
			continue
		}
		if err := checkURL(e.url, plain); err != nil {
			errs = append(errs, fmt.Errorf("discovery: %s: %w", e.name, err))
		}
	}
	if end := c.str("end_session_endpoint"); checkURL(end, plain) == nil {
		m.EndSession = end // a bad one is no reason to let nobody in
	}
	if !c.has("id_token_signing_alg_values_supported") {
		m.SigningAlgs = []string{"RS256"} // every provider must have it (section 3)
	}
	for _, alg := range c.list("id_token_signing_alg_values_supported") {
		if slices.Contains(signingAlgs, alg) {
			m.SigningAlgs = append(m.SigningAlgs, alg)
		}
	}
	if len(m.SigningAlgs) == 0 {
		errs = append(errs, errors.New("discovery: the provider offers no signature that we accept"))
	}
	return m, errors.Join(errs...)
}

// authStyle chooses how we authenticate at the token endpoint: as configured,
// else by what the metadata offers. x/oauth2 would post a failed code twice to
// find out.
func (m metadata) authStyle(app App) (string, error) {
	switch {
	case app.AuthStyle != "":
		return app.AuthStyle, nil
	case app.ClientSecret == "":
		return AuthNone, nil
	case len(m.AuthMethods) == 0, slices.Contains(m.AuthMethods, AuthBasic): // the default (section 3)
		return AuthBasic, nil
	case slices.Contains(m.AuthMethods, AuthPost):
		return AuthPost, nil
	}
	return "", fmt.Errorf("the token endpoint accepts none of %s, %s", AuthBasic, AuthPost)
}
