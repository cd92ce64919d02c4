package oidf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// maxConfig bounds a configuration; the largest of ours has 10 KiB.
const maxConfig = 1 << 20

// Config is the test configuration of the OpenID Foundation's conformance suite,
// as far as the OpenID Connect plans use it: the same file serves both suites.
type Config struct {
	// Alias is the part of the redirect URI that tells configurations apart:
	// BASE/test/a/ALIAS/callback.
	Alias       string `json:"alias"`
	Description string `json:"description,omitempty"`
	Comment     string `json:"_comment,omitempty"`
	// Publish is of the official suite: whether it shows the results to others.
	Publish          string              `json:"publish,omitempty"`
	Server           ServerConfig        `json:"server"`
	Client           ClientConfig        `json:"client,omitzero"`
	Client2          ClientConfig        `json:"client2,omitzero"`
	ClientSecretPost ClientConfig        `json:"client_secret_post,omitzero"`
	Browser          []Entry             `json:"browser,omitempty"`
	Override         map[string]Override `json:"override,omitempty"`
	// Extension is ours; the official suite passes it over.
	Extension Extension `json:"extension,omitzero"`
}

// Extension is what no file of the official suite has. The zero value says nothing.
type Extension struct {
	// ApplicationStart is where a person who is at the OP begins to use an
	// application, with {client_id} in it: "https://op.example.org/apps/{client_id}".
	// The official suite only looks at the registration there.
	ApplicationStart string `json:"application_start,omitempty"`
}

// ServerConfig says where the OP is.
type ServerConfig struct {
	DiscoveryURL string `json:"discoveryUrl"`
	LoginHint    string `json:"login_hint,omitempty"`
	ACRValues    string `json:"acr_values,omitempty"`
}

// ClientConfig is a client: registered with the OP, or, where the variant is
// dynamic_client, what its registration shall say. The zero value says nothing.
type ClientConfig struct {
	ID     string `json:"client_id,omitempty"`
	Secret string `json:"client_secret,omitempty"`
	Name   string `json:"client_name,omitempty"`
	Scope  string `json:"scope,omitempty"`
	// JWKS has the client's private keys, for private_key_jwt and request objects.
	JWKS json.RawMessage `json:"jwks,omitempty"`
	// InitialAccessToken opens the registration endpoint (RFC 7591, section 3).
	InitialAccessToken string `json:"initial_access_token,omitempty"`
}

// Override replaces parts of the configuration for one module.
type Override struct {
	Browser []Entry       `json:"browser,omitempty"`
	Server  *ServerConfig `json:"server,omitempty"`
	Client  *ClientConfig `json:"client,omitempty"`
	Client2 *ClientConfig `json:"client2,omitempty"`
}

// wellKnown is what a discovery URL ends with (OpenID Connect Discovery 1.0, section 4).
const wellKnown = "/.well-known/openid-configuration"

// ReadConfig reads and checks a configuration. An error says what to change,
// all problems at once.
func ReadConfig(r io.Reader) (Config, error) {
	var c Config
	b, err := io.ReadAll(io.LimitReader(r, maxConfig+1))
	if err != nil {
		return c, fmt.Errorf("read the configuration: %w", err)
	}
	if len(b) > maxConfig {
		return c, fmt.Errorf("the configuration is larger than %d bytes", maxConfig)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return Config{}, located(b, d.InputOffset(), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Config{}, located(b, d.InputOffset(), errors.New("something follows the configuration; remove it"))
	}
	return c, c.Check()
}

// located tells the line of a problem.
func located(b []byte, offset int64, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
		err = fmt.Errorf("%s must be a %s, not a %s", kind.Field, kind.Type, kind.Value)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		offset, err = int64(len(b)), errors.New("the file ends in the middle; is it complete?")
	}
	offset = min(max(offset, 0), int64(len(b)))
	return fmt.Errorf("configuration, line %d: %w", 1+bytes.Count(b[:offset], []byte("\n")), err)
}

// Check tells what is wrong with a configuration; nil: nothing.
func (c *Config) Check() error {
	var problems []error
	say := func(format string, a ...any) { problems = append(problems, fmt.Errorf(format, a...)) }
	switch u, err := url.Parse(c.Server.DiscoveryURL); {
	case c.Server.DiscoveryURL == "":
		say(`server.discoveryUrl is missing: give the issuer followed by %s`, wellKnown)
	case err != nil, u.Host == "", u.Scheme != "https" && u.Scheme != "http":
		say("server.discoveryUrl %q is no http(s) URL", c.Server.DiscoveryURL)
	case !strings.HasSuffix(u.Path, wellKnown):
		say("server.discoveryUrl %q must end with %s", c.Server.DiscoveryURL, wellKnown)
	}
	if strings.ContainsAny(c.Alias, "/?# \t\n%") {
		say("alias %q: use letters, digits and hyphens, since it becomes a part of the redirect URI", c.Alias)
	}
	for name, client := range map[string]ClientConfig{"client": c.Client, "client2": c.Client2, "client_secret_post": c.ClientSecretPost} {
		if client.ID == "" && client.Secret != "" {
			say("%s.client_secret is given without %s.client_id", name, name)
		}
	}
	if start := c.Extension.ApplicationStart; start != "" && (originOf(start) == "" || !strings.Contains(start, "{client_id}")) {
		say("extension.application_start %q must be an address with {client_id} in it", start)
	}
	problems = append(problems, checkEntries("browser", c.Browser)...)
	for module, o := range c.Override {
		problems = append(problems, checkEntries("override."+module+".browser", o.Browser)...)
	}
	return errors.Join(problems...)
}

// Issuer is the issuer that the discovery URL belongs to.
func (c *Config) Issuer() string { return strings.TrimSuffix(c.Server.DiscoveryURL, wellKnown) }

// of is the configuration of one module: what the override says counts.
func (c Config) of(module string) Config {
	o, ok := c.Override[module]
	if !ok {
		return c
	}
	if o.Browser != nil {
		c.Browser = o.Browser
	}
	if o.Server != nil {
		c.Server.LoginHint, c.Server.ACRValues = o.Server.LoginHint, o.Server.ACRValues
	}
	if o.Client != nil {
		c.Client = *o.Client
	}
	if o.Client2 != nil {
		c.Client2 = *o.Client2
	}
	return c
}
