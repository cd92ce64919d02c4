package main

import (
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"idbroker/broker"
	"idbroker/config"
	"idbroker/fetch"
	"idbroker/tokens"
)

// clientKeys are the flags of an application that signs what it sends.
type clientKeys struct {
	JWKS       string `name:"jwks" type:"path" placeholder:"FILE" help:"Its public keys, a JWK Set."`
	JWKSURI    string `name:"jwks-uri" placeholder:"URL" help:"Or where it publishes them."`
	RequirePAR bool   `name:"require-par" help:"It must push its authorization requests (RFC 9126)."`
	AuthAlg    string `name:"auth-alg" placeholder:"ALG" help:"The one algorithm of its assertions. Otherwise any."`
}

// maxKeyFile bounds a JWK Set: it is read with every registration.
const maxKeyFile = 64 << 10

// fill puts what the flags say into a registration.
func (k clientKeys) fill(c *broker.Client) error {
	c.Metadata.JWKSURI, c.Metadata.TokenEndpointAuthSigningAlg, c.Metadata.RequirePAR = k.JWKSURI, k.AuthAlg, k.RequirePAR
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

// checkKeys says what is wrong with what an application signs with.
func checkKeys(c broker.Client, bad func(string, ...any)) {
	m := c.Metadata
	switch {
	case m.JWKS != "" && m.JWKSURI != "":
		bad("keys: give a JWK Set or its address, not both (RFC 7591, section 2)")
	case c.AuthMethod == broker.AuthPrivateKeyJWT && m.JWKS == "" && m.JWKSURI == "":
		bad("authentication method %s: it needs keys; add --jwks or --jwks-uri", c.AuthMethod)
	case m.JWKS != "":
		if _, err := tokens.ParseClientKeys([]byte(m.JWKS)); err != nil {
			bad("keys: %s", strings.TrimPrefix(err.Error(), "tokens: "))
		}
	case m.JWKSURI != "":
		checkFetched("address of the keys", m.JWKSURI, bad)
	}
	if alg := m.TokenEndpointAuthSigningAlg; alg != "" {
		if c.AuthMethod != broker.AuthPrivateKeyJWT {
			bad("algorithm of assertions: only %s has some", broker.AuthPrivateKeyJWT)
		}
		checkClientAlg(alg, bad)
	}
}

func checkClientAlg(alg string, bad func(string, ...any)) {
	if algs := tokens.ClientAlgorithms(); !slices.Contains(algs, alg) {
		bad("algorithm %q: use %s", alg, strings.Join(algs, ", "))
	}
}

// checkFetched says what is wrong with an address that we fetch from.
func checkFetched(what, address string, bad func(string, ...any)) {
	plain := false
	if u, err := url.Parse(address); err == nil {
		plain = config.Loopback(u.Hostname())
	}
	if err := fetch.CheckURL(address, plain); err != nil {
		bad("%s %q: write an https URL", what, address)
	}
}

// fetcher fetches what applications publish. A broker on loopback is one that is
// tried out, with applications beside it.
func fetcher(cfg config.Config, base string) *fetch.Client {
	o := fetch.Options{Networks: cfg.Applications.NetworkPrefixes()}
	if u, err := url.Parse(base); err == nil && config.Loopback(u.Hostname()) {
		o.PlainHTTP = true
		o.Networks = append(o.Networks, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	}
	return fetch.New(o)
}
