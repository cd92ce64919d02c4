package main

import (
	"fmt"
	"os"

	"idbroker/broker"
)

// clientKeys are the flags of an application that signs what it sends.
type clientKeys struct {
	JWKS       string   `name:"jwks" type:"path" placeholder:"FILE" help:"Its public keys, a JWK Set."`
	JWKSURI    string   `name:"jwks-uri" placeholder:"URL" help:"Or where it publishes them."`
	RequirePAR bool     `name:"require-par" help:"It must push its authorization requests (RFC 9126)."`
	RequireSig bool     `name:"require-signed-request" help:"It must sign its authorization requests (RFC 9101)."`
	AuthAlg    string   `name:"auth-alg" placeholder:"ALG" help:"The one algorithm of its assertions. Otherwise any."`
	RequestAlg string   `name:"request-alg" placeholder:"ALG" help:"The one algorithm of its request objects. Otherwise any."`
	RequestEnc string   `name:"request-encryption-alg" placeholder:"ALG" help:"It may encrypt request objects to our key, such as with RSA-OAEP-256 or ECDH-ES."`
	IDTokenEnc string   `name:"id-token-encryption-alg" placeholder:"ALG" help:"Encrypt its ID tokens to its key, such as with RSA-OAEP-256 or ECDH-ES."`
	InfoEnc    string   `name:"userinfo-encryption-alg" placeholder:"ALG" help:"Encrypt userinfo to its key."`
	Enc        string   `name:"encryption-enc" placeholder:"ENC" help:"How the contents of both are encrypted, such as A256GCM. Otherwise A128CBC-HS256."`
	RequestURI []string `name:"request-uri" sep:"none" placeholder:"URL" help:"Where it publishes request objects; exact. Repeat for more."`
}

// maxKeyFile bounds a JWK Set: it is read with every registration.
const maxKeyFile = 64 << 10

// fill puts what the flags say into a registration.
func (k clientKeys) fill(c *broker.Client) error {
	c.Metadata.JWKSURI, c.Metadata.TokenEndpointAuthSigningAlg, c.Metadata.RequirePAR = k.JWKSURI, k.AuthAlg, k.RequirePAR
	c.Metadata.RequestObjectSigningAlg, c.Metadata.RequestURIs = k.RequestAlg, k.RequestURI
	m := &c.Metadata
	m.RequireSignedObject = k.RequireSig
	m.RequestObjectEncryptionAlg, m.IDTokenEncryptedResponseAlg, m.UserInfoEncryptedAlg = k.RequestEnc, k.IDTokenEnc, k.InfoEnc
	if k.IDTokenEnc != "" || k.InfoEnc == "" {
		m.IDTokenEncryptedResponseEnc = k.Enc
	}
	if k.InfoEnc != "" {
		m.UserInfoEncryptedEnc = k.Enc
	}
	if k.JWKS == "" {
		return nil
	}
	info, err := os.Stat(k.JWKS)
	switch {
	case err != nil:
		return fmt.Errorf("--jwks: %w", err)
	case !info.Mode().IsRegular() || info.Size() > maxKeyFile:
		return fmt.Errorf("--jwks: %s is no file of at most %d KiB", k.JWKS, maxKeyFile>>10)
	}
	text, err := os.ReadFile(k.JWKS)
	if err != nil {
		return fmt.Errorf("--jwks: %w", err)
	}
	c.Metadata.JWKS = string(text)
	return nil
}

// encrypted says what is encrypted, and how.
func encrypted(m broker.ClientMetadata) (all []string) {
	for _, e := range []struct{ what, alg, enc string }{
		{"ID tokens", m.IDTokenEncryptedResponseAlg, m.IDTokenEncryptedResponseEnc},
		{"userinfo", m.UserInfoEncryptedAlg, m.UserInfoEncryptedEnc},
		{"request objects", m.RequestObjectEncryptionAlg, m.RequestObjectEncryptionEnc},
	} {
		if e.alg != "" {
			all = append(all, e.what+" with "+e.alg+", "+orElse(e.enc, "A128CBC-HS256"))
		}
	}
	return all
}
