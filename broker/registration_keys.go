package broker

import (
	"slices"
	"strings"
)

// maxRequestURI is what OpenID Connect Core 1.0, section 6.2, gives a
// request_uri.
const maxRequestURI = 512

// keyProblems finds what is wrong with what an application signs with.
func (c Client) keyProblems(o Offer, bad func(field, format string, args ...any)) {
	m := c.Metadata
	switch {
	case m.JWKS != "" && m.JWKSURI != "":
		bad("jwks", "give a JWK Set or its address, not both (RFC 7591, section 2)")
	case c.AuthMethod == AuthPrivateKeyJWT && !c.hasKeys():
		bad("token_endpoint_auth_method", "%s needs keys; add --jwks or --jwks-uri (jwks or jwks_uri)", c.AuthMethod)
	case m.JWKS != "" && o.Keys != nil:
		if err := o.Keys(m.JWKS, c.signs(), c.encryptedWith()); err != nil {
			bad("jwks", "%s", strings.TrimPrefix(err.Error(), "tokens: "))
		}
	case m.JWKSURI != "" && !goodLink(m.JWKSURI):
		bad("jwks_uri", "%.120q: write an https URL", m.JWKSURI)
	}
	assertions := o.ClientAlgs
	if c.AuthMethod == AuthSecretJWT {
		assertions = o.SecretAlgs
	}
	if m.TokenEndpointAuthSigningAlg != "" && c.AuthMethod != AuthPrivateKeyJWT && c.AuthMethod != AuthSecretJWT {
		bad("token_endpoint_auth_signing_alg", "only %s and %s have one", AuthPrivateKeyJWT, AuthSecretJWT)
	}
	for _, f := range []struct {
		field, alg string
		known      []string
	}{
		{"token_endpoint_auth_signing_alg", m.TokenEndpointAuthSigningAlg, assertions}, {"request_object_signing_alg", m.RequestObjectSigningAlg, o.ClientAlgs},
	} {
		if f.alg != "" && !slices.Contains(f.known, f.alg) {
			bad(f.field, "%.100q is not supported; use %s", f.alg, strings.Join(f.known, ", "))
		}
	}
	c.objectProblems(bad)
}

// objectProblems finds what is wrong with an application's request objects.
func (c Client) objectProblems(bad func(field, format string, args ...any)) {
	const needsKeys = "request objects need keys; add --jwks or --jwks-uri (jwks or jwks_uri)"
	m := c.Metadata
	if m.RequestObjectSigningAlg != "" && !c.hasKeys() {
		bad("request_object_signing_alg", needsKeys)
	}
	if len(m.RequestURIs) > 0 && !c.hasKeys() {
		bad("request_uris", needsKeys)
	}
	if m.RequireSignedObject && !c.hasKeys() {
		bad("require_signed_request_object", needsKeys)
	}
	if len(m.RequestURIs) > maxURIs {
		bad("request_uris", "at most %d can be registered", maxURIs)
	}
	for _, uri := range m.RequestURIs {
		if len(uri) > maxRequestURI {
			bad("request_uris", "%.120q: it has more than %d characters", uri, maxRequestURI)
		} else if !goodLink(uri) {
			bad("request_uris", "%.120q: write an https URL", uri)
		}
	}
}

// hasKeys tells whether an application has registered keys.
func (c Client) hasKeys() bool { return c.Metadata.JWKS != "" || c.Metadata.JWKSURI != "" }
