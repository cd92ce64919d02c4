package oidf

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"maps"
	"net/http"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// RegistrationMetadata is what a client of this variant says of itself; changes
// are put over it, and nil values leave members out.
func (r *Run) RegistrationMetadata(changes Metadata) Metadata {
	grants := []string{}
	if r.Variant.has("code") {
		grants = append(grants, "authorization_code")
	}
	if r.Variant.has("token") || r.Variant.has("id_token") {
		grants = append(grants, "implicit")
	}
	name := r.Config.Client.Name
	if name == "" {
		name = "Conformance: " + r.module.Name
	}
	m := Metadata{
		"client_name": name, "redirect_uris": []string{r.RedirectURI()}, "response_types": []string{r.Variant.ResponseType},
		"grant_types": grants, "token_endpoint_auth_method": r.Variant.ClientAuth,
	}
	maps.Copy(m, changes)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	return m
}

// Register registers a client with RegistrationMetadata(changes) and checks the
// answer. It is deleted when the module has ended, where the OP knows how
// (RFC 7592). A client with private_key_jwt gets fresh keys, unless changes name
// a jwks or jwks_uri.
func (r *Run) Register(changes Metadata) *Client {
	m := r.RegistrationMetadata(changes)
	c := &Client{}
	if m.Text("token_endpoint_auth_method") == AuthKey && m["jwks"] == nil && m["jwks_uri"] == nil {
		c.Keys = r.NewKeys()
		m["jwks"] = public(c.Keys)
	}
	res := r.TryRegister(m)
	if res.Status != http.StatusCreated {
		r.Fatal(registration("3.2"), "the registration is answered with 201, not %d: %s", res.Status, clip(string(res.Body), 300))
	}
	answer, err := res.Object()
	if err != nil || !res.isJSON() {
		r.Fatal(registration("3.2"), "the answer is application/json: %v", err)
	}
	c.Metadata = answer
	c.ID, c.Secret, c.Auth = c.Metadata.Text("client_id"), c.Metadata.Text("client_secret"), c.Metadata.Text("token_endpoint_auth_method")
	c.registrationURI, c.registrationToken = c.Metadata.Text("registration_client_uri"), c.Metadata.Text("registration_access_token")
	c.RedirectURIs = c.Metadata.List("redirect_uris")
	if c.Auth == "" {
		c.Auth = m.Text("token_endpoint_auth_method")
	}
	if !r.Check(c.ID != "", registration("3.2"), "the answer has a client_id") {
		panic(stop{})
	}
	r.Check(len(c.RedirectURIs) == len(anyList(m["redirect_uris"])), rfc("7591", "3.2.1"), "the answer has the redirect URIs that were registered")
	needsSecret := c.Auth == AuthBasic || c.Auth == AuthPost || c.Auth == AuthJWT
	r.Check(!needsSecret || c.Secret != "", registration("3.2"), "a client that authenticates with %s is given a client_secret", c.Auth)
	if c.Secret != "" {
		_, ok := c.Metadata["client_secret_expires_at"]
		r.Check(ok, registration("3.2"), "client_secret_expires_at stands beside a client_secret")
	}
	r.Check((c.registrationURI == "") == (c.registrationToken == ""), registration("3.2"), "registration_client_uri and registration_access_token come together or not at all")
	r.Cleanup(func() { r.Unregister(c) })
	return c
}

// TryRegister sends a registration and returns the answer, whatever it is.
func (r *Run) TryRegister(m Metadata) *Response {
	endpoint := r.Metadata.Text("registration_endpoint")
	if endpoint == "" {
		r.Skip("the OP has no registration_endpoint; register clients by hand, put them into the configuration and run the variant %s", StaticClient)
	}
	req, err := newRequest(r.ctx, http.MethodPost, endpoint, m)
	if err != nil {
		r.Fatal(registration("3.1"), "registration_endpoint: %v", err)
	}
	req.Header.Set("Accept", "application/json")
	if t := r.Config.Client.InitialAccessToken; t != "" {
		req.Header.Set("Authorization", "Bearer "+t)
	}
	return r.Send(req)
}

// Unregister deletes a client (RFC 7592, section 2.3), where the OP told how.
func (r *Run) Unregister(c *Client) {
	if c.registrationURI == "" {
		return
	}
	req, err := newRequest(r.ctx, http.MethodDelete, c.registrationURI, nil)
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer "+c.registrationToken)
	if res, err := r.wire.do(req); err == nil {
		r.Log("the client is deleted: %d", res.Status)
	}
	c.registrationURI = ""
}

// Send sends a request that is not the browser's.
func (r *Run) Send(req *http.Request) *Response {
	res, err := r.wire.do(req)
	if err != nil {
		r.Fatal("HTTP", "%v", err)
	}
	return res
}

// NewKeys makes a private RSA and a private EC key for signatures.
func (r *Run) NewKeys() *jose.JSONWebKeySet {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // the system has no randomness
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: rsaKey, KeyID: "rsa-" + random()[:8], Algorithm: string(jose.RS256), Use: "sig"},
		{Key: ecKey, KeyID: "ec-" + random()[:8], Algorithm: string(jose.ES256), Use: "sig"},
	}}
}

// public is the key set without the private parts.
func public(keys *jose.JSONWebKeySet) *jose.JSONWebKeySet {
	out := &jose.JSONWebKeySet{}
	for _, k := range keys.Keys {
		out.Keys = append(out.Keys, k.Public())
	}
	return out
}

func anyList(v any) []string {
	switch v := v.(type) {
	case []string:
		return v
	case []any:
		return Metadata{"v": v}.List("v")
	case string:
		return strings.Fields(v)
	}
	return nil
}
