package oidf

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keySet is the OP's keys, read when they are needed.
type keySet struct{ keys []jose.JSONWebKey }

// Keys are the OP's keys with the id, or all where it is "". A key id that is not
// known makes us look again, once.
func (r *Run) Keys(kid string) []jose.JSONWebKey {
	for range 2 {
		fresh := r.keys == nil
		if fresh {
			r.keys = r.fetchKeys()
		}
		var found []jose.JSONWebKey
		for _, k := range r.keys.keys {
			if kid == "" || k.KeyID == kid {
				found = append(found, k)
			}
		}
		if len(found) > 0 || fresh {
			return found
		}
		r.keys = nil
	}
	return nil
}

func (r *Run) fetchKeys() *keySet {
	req, err := newRequest(r.ctx, http.MethodGet, r.Metadata.Text("jwks_uri"), nil)
	if err != nil {
		r.Fatal(discovery("3"), "jwks_uri: %v", err)
	}
	res := r.Send(req)
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(res.Body, &set); res.Status != http.StatusOK || err != nil {
		r.Fatal(core("10.1.1"), "jwks_uri is answered with 200 and a JWK Set, not %d (%v)", res.Status, err)
	}
	for _, k := range set.Keys {
		r.refuse(!k.IsPublic(), core("10.1"), "the private key %q is published", k.KeyID)
	}
	return &keySet{set.Keys}
}

// IDToken checks an ID token of the client and returns its claims. What w leaves
// empty is filled in: issuer, client, algorithms, time.
func (r *Run) IDToken(c *Client, raw string, w Want) Claims {
	w.Issuer, w.ClientID, w.Secret = r.Issuer, c.ID, c.Secret
	if w.Algs == nil {
		w.Algs = r.idTokenAlgs(c)
	}
	if w.Now.IsZero() {
		w.Now = time.Now()
	}
	claims, found := CheckIDToken(raw, r.Keys, w)
	bad := false
	for _, f := range found {
		r.Check(f.OK, f.Clause, "%s", f.Text)
		bad = bad || !f.OK
	}
	if claims == nil {
		panic(stop{})
	}
	if bad {
		b, err := json.Marshal(claims)
		if err == nil {
			r.Log("the claims of the ID token: %s", b)
		}
	}
	return claims
}

// idTokenAlgs are the algorithms that the client's ID tokens may have.
func (r *Run) idTokenAlgs(c *Client) []string {
	if alg := c.Metadata.Text("id_token_signed_response_alg"); alg != "" {
		return []string{alg}
	}
	return r.Metadata.List("id_token_signing_alg_values_supported")
}
