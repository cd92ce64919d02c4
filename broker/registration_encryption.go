package broker

import (
	"slices"
	"strings"
)

// encryptionProblems finds what is wrong with what an application wants encrypted,
// or encrypts (OpenID Connect Dynamic Client Registration 1.0, section 2).
func (c Client) encryptionProblems(o Offer, bad func(field, format string, args ...any)) {
	m := c.Metadata
	for _, e := range []struct{ name, alg, enc string }{
		{"id_token_encrypted_response", m.IDTokenEncryptedResponseAlg, m.IDTokenEncryptedResponseEnc},
		{"userinfo_encrypted_response", m.UserInfoEncryptedAlg, m.UserInfoEncryptedEnc},
		{"request_object_encryption", m.RequestObjectEncryptionAlg, m.RequestObjectEncryptionEnc},
	} {
		switch {
		case e.alg != "" && !slices.Contains(o.EncryptionAlgs, e.alg):
			bad(e.name+"_alg", "%.100q is not supported; use %s", e.alg, strings.Join(o.EncryptionAlgs, ", "))
		case e.enc != "" && e.alg == "":
			bad(e.name+"_enc", "it needs %s_alg beside it", e.name)
		}
		if e.enc != "" && !slices.Contains(o.ContentAlgs, e.enc) {
			bad(e.name+"_enc", "%.100q is not supported; use %s", e.enc, strings.Join(o.ContentAlgs, ", "))
		}
	}
	if len(c.encryptedWith()) > 0 && !c.hasKeys() {
		bad("jwks", "what is encrypted for the application needs a key of it; add --jwks or --jwks-uri (jwks or jwks_uri)")
	}
	if m.RequestObjectEncryptionAlg != "" && !c.hasKeys() {
		bad("request_object_encryption_alg", "request objects are signed before they are encrypted; add --jwks or --jwks-uri (jwks or jwks_uri)")
	}
}

// encryptedWith are the algorithms with which things are encrypted for the
// application.
func (c Client) encryptedWith() (algs []string) {
	for _, alg := range []string{c.Metadata.IDTokenEncryptedResponseAlg, c.Metadata.UserInfoEncryptedAlg} {
		if alg != "" && !slices.Contains(algs, alg) {
			algs = append(algs, alg)
		}
	}
	return algs
}

// signs tells whether the application signs what it sends with keys of its own.
func (c Client) signs() bool {
	m := c.Metadata
	return c.AuthMethod == AuthPrivateKeyJWT || m.RequestObjectSigningAlg != "" || m.RequestObjectEncryptionAlg != "" || len(m.RequestURIs) > 0 || m.RequireSignedObject
}
