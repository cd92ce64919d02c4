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
	AuthAlg    string   `name:"auth-alg" placeholder:"ALG" help:"The one algorithm of its assertions. Otherwise any."`
	RequestAlg string   `name:"request-alg" placeholder:"ALG" help:"The one algorithm of its request objects. Otherwise any."`
	RequestURI []string `name:"request-uri" sep:"none" placeholder:"URL" help:"Where it publishes request objects; exact. Repeat for more."`
}

// maxKeyFile bounds a JWK Set: it is read with every registration.
const maxKeyFile = 64 << 10

// fill puts what the flags say into a registration.
func (k clientKeys) fill(c *broker.Client) error {
	c.Metadata.JWKSURI, c.Metadata.TokenEndpointAuthSigningAlg, c.Metadata.RequirePAR = k.JWKSURI, k.AuthAlg, k.RequirePAR
	c.Metadata.RequestObjectSigningAlg, c.Metadata.RequestURIs = k.RequestAlg, k.RequestURI
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
