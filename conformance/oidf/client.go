package oidf

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// The ways of client authentication (OpenID Connect Core 1.0, section 9).
const (
	AuthBasic = "client_secret_basic"
	AuthPost  = "client_secret_post"
	AuthJWT   = "client_secret_jwt"
	AuthKey   = "private_key_jwt"
	AuthNone  = "none"
)

// Client is a client of the OP: one of the configuration, or one that registered
// itself.
type Client struct {
	ID, Secret, Auth string
	RedirectURIs     []string
	Scope            string              // what its configuration says; "": the module's
	Keys             *jose.JSONWebKeySet // private; nil: none
	Metadata         Metadata            // what the OP answered its registration with; nil: it is static

	registrationURI, registrationToken string
}

// Client is the client of the module: the one of the configuration, or one that
// is registered now, with what changes say about its metadata, and deleted when
// the module has ended. A module that needs a client with other metadata calls
// Register itself and sets it with Use.
func (r *Run) Client() *Client {
	if r.client != nil {
		return r.client
	}
	if r.Variant.Registration == DynamicClient {
		r.client = r.Register(nil)
	} else {
		r.client = r.static("client", r.Config.Client, r.Variant.ClientAuth)
	}
	return r.client
}

// Use makes c the client of what follows, and returns the one before; nil: there was none.
func (r *Run) Use(c *Client) (before *Client) {
	before, r.client = r.client, c
	return before
}

// SecondClient is another client, of the configuration's client2.
func (r *Run) SecondClient() *Client {
	if r.Variant.Registration == DynamicClient {
		return r.Register(nil)
	}
	return r.static("client2", r.Config.Client2, r.Variant.ClientAuth)
}

// PostClient is a client that authenticates with client_secret_post.
func (r *Run) PostClient() *Client {
	if r.Variant.Registration == DynamicClient {
		return r.Register(Metadata{"token_endpoint_auth_method": AuthPost})
	}
	return r.static("client_secret_post", r.Config.ClientSecretPost, AuthPost)
}

func (r *Run) static(name string, c ClientConfig, auth string) *Client {
	if c.ID == "" {
		r.Fatal("the configuration", "%s.client_id is missing: register a client with the redirect URI %s and %s, and put it there; or run the variant %s", name, r.RedirectURI(), auth, DynamicClient)
	}
	client := &Client{ID: c.ID, Secret: c.Secret, Auth: auth, RedirectURIs: []string{r.RedirectURI()}, Scope: c.Scope}
	if len(c.JWKS) > 0 {
		client.Keys = new(jose.JSONWebKeySet)
		if err := json.Unmarshal(c.JWKS, client.Keys); err != nil {
			r.Fatal("the configuration", "%s.jwks: %v", name, err)
		}
	}
	return client
}

// assertionLifetime is how long a client assertion is good for.
const assertionLifetime = time.Minute

// Assertion is a client assertion (OpenID Connect Core 1.0, section 9) with the
// claims; nil values leave a claim out. It is for the issuer: one for the token
// endpoint, as Core has it, can be asked for by whoever names that endpoint as
// theirs, so that OPs refuse it by now.
func (r *Run) Assertion(c *Client, claims map[string]any) string {
	now := time.Now()
	all := map[string]any{
		"iss": c.ID, "sub": c.ID, "aud": r.Issuer, "jti": random(), "iat": now.Unix(), "exp": now.Add(assertionLifetime).Unix(),
	}
	for name, v := range claims {
		if v == nil {
			delete(all, name)
			continue
		}
		all[name] = v
	}
	return r.Sign(c, all)
}

// Sign signs claims with the client's key.
func (r *Run) Sign(c *Client, claims map[string]any) string {
	if c.Keys == nil || len(c.Keys.Keys) == 0 {
		r.Fatal("the configuration", "the client has no keys; give it jwks with private keys")
	}
	key := c.Keys.Keys[0]
	alg := jose.SignatureAlgorithm(key.Algorithm)
	if alg == "" {
		alg = jose.RS256
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		r.Fatal("the configuration", "the client's key: %v", err)
	}
	signed, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		r.Fatal("the configuration", "sign with the client's key: %v", err)
	}
	return signed
}

// authenticate puts what proves the client into a token request.
func (r *Run) authenticate(c *Client, req *http.Request, form url.Values) {
	switch c.Auth {
	case AuthPost:
		form.Set("client_id", c.ID)
		form.Set("client_secret", c.Secret)
	case AuthNone:
		form.Set("client_id", c.ID)
	case AuthKey:
		if form.Get("client_assertion") == "" {
			form.Set("client_assertion", r.Assertion(c, nil))
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	default: // RFC 6749, section 2.3.1
		req.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	}
}

// Allows tells whether the static client of the configuration lists the scope;
// a client that lists nothing is taken to be allowed everything.
func (c *Client) Allows(scope string) bool {
	for _, s := range strings.Fields(c.Scope) {
		if s == scope {
			return true
		}
	}
	return c.Scope == ""
}
