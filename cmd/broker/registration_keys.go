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
	JWKS       string   `name:"jwks" type:"path" placeholder:"FILE" help:"Its public keys, a JWK Set."`
	JWKSURI    string   `name:"jwks-uri" placeholder:"URL" help:"Or where it publishes them."`
	RequirePAR bool     `name:"require-par" help:"It must push its authorization requests (RFC 9126)."`
	AuthAlg    string   `name:"auth-alg" placeholder:"ALG" help:"The one algorithm of its assertions. Otherwise any."`
	RequestAlg string   `name:"request-alg" placeholder:"ALG" help:"The one algorithm of its request objects. Otherwise any."`
	RequestURI []string `name:"request-uri" sep:"none" placeholder:"URL" help:"Where it publishes request objects; exact. Repeat for more."`
}

// maxKeyFile bounds a JWK Set: it is read with every registration.
const maxKeyFile = 64 << 10

// maxRequestURI is what OpenID Connect Core 1.0, section 6.2, gives a
// request_uri.
const maxRequestURI = 512

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
	checkObjects(c, bad)
}

// checkObjects says what is wrong with an application's request objects.
func checkObjects(c broker.Client, bad func(string, ...any)) {
	m := c.Metadata
	if m.JWKS == "" && m.JWKSURI == "" && (m.RequestObjectSigningAlg != "" || len(m.RequestURIs) > 0) {
		bad("request objects: they need keys; add --jwks or --jwks-uri")
	}
	if m.RequestObjectSigningAlg != "" {
		checkClientAlg(m.RequestObjectSigningAlg, bad)
	}
	if len(m.RequestURIs) > maxURIs {
		bad("at most %d addresses of request objects can be registered", maxURIs)
	}
	for _, uri := range m.RequestURIs {
		if len(uri) > maxRequestURI { // OpenID Connect Core 1.0, section 6.2
			bad("address of a request object %q: it has more than %d characters", uri, maxRequestURI)
		}
		checkFetched("address of a request object", uri, bad)
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
