package oidf

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keyModules are about the keys of clients and of the OP.
func keyModules() []Module {
	return []Module{
		{Name: "oidcc-registration-jwks-uri", Summary: "Registers an address of keys, and proves with one of them who it is.", Clauses: []Clause{registration("2"), core("9")}, Run: registrationJWKSURI},
		{
			Name: "oidcc-ensure-client-assertion-with-iss-aud-succeeds", Summary: "Proves who it is with an assertion for the issuer.", Clauses: []Clause{core("9"), rfc("7523", "3 (3)")},
			Run: assertionForIssuer,
		},
		{Name: "oidcc-server-rotate-keys", Summary: "Has the operator rotate the OP's keys, and signs in before and after.", Clauses: []Clause{core("10.1.1")}, Run: serverRotateKeys},
		{Name: "oidcc-refresh-token-rp-key-rotation", Summary: "Puts another key at its address of keys, and refreshes with it.", Clauses: []Clause{core("10.1.1"), core("12")}, Run: clientRotatesKeys},
		{
			Name: "oidcc-request-uri-signed-rs256", Summary: "Publishes a request that is signed with RS256, and sends its address.", Clauses: []Clause{core("6.2"), core("6.2.2")},
			Run: func(r *Run) {
				keys := r.NewKeys()
				requestURI(r, "RS256", Metadata{"jwks": public(keys)}, func(c *Client, claims map[string]any) string {
					c.Keys = keys
					return r.Sign(c, claims)
				})
			},
		},
		{
			Name: "oidcc-request-uri-unsigned", Summary: "Publishes a request that is not signed, and sends its address.", Clauses: []Clause{core("6.2"), core("6.2.2")},
			Run: func(r *Run) {
				requestURI(r, "none", nil, func(_ *Client, claims map[string]any) string { return unsigned(claims) })
			},
		},
	}
}

// publishKeys serves the public part of the keys, and returns the document's
// name and address.
func (r *Run) publishKeys(name string, keys *jose.JSONWebKeySet) (address string) {
	b, err := json.Marshal(public(keys))
	if err != nil {
		panic(err) // they are our own
	}
	return r.Publish(name, "application/json", b)
}

// keyClient registers a client whose keys are at an address.
func (r *Run) keyClient(name string, changes Metadata) *Client {
	r.needsAuth(AuthKey)
	keys := r.NewKeys()
	m := Metadata{"token_endpoint_auth_method": AuthKey, "jwks_uri": r.publishKeys(name, keys)}
	for member, v := range changes {
		m[member] = v
	}
	c := r.Register(m)
	c.Keys = keys
	r.Use(c)
	return c
}

func registrationJWKSURI(r *Run) {
	name := "jwks-" + random()
	r.keyClient(name, nil)
	r.SignIn()
	r.Check(r.Fetched(name) > 0, registration("2"), "the OP has fetched the jwks_uri")
}

func assertionForIssuer(r *Run) {
	r.needsAuth(AuthKey)
	c := r.Register(Metadata{"token_endpoint_auth_method": AuthKey})
	r.Use(c)
	f := r.Accept(r.Visit(r.Request()))
	form := CodeRequest(f.Code, f.Request.Get("redirect_uri"))
	form.Set("client_assertion", r.Assertion(c, map[string]any{"aud": r.Issuer}))
	res := r.TryToken(c, form)
	if res.Status != http.StatusOK {
		r.Warn(rfc("7523", "3 (3)"), "an assertion whose audience is the issuer is refused (%s); it is the one audience that nobody else can be sent to use", r.errorText(res))
		return
	}
	t := r.tokens(res, core("3.1.3.3"))
	r.IDToken(c, t.ID, Want{Nonce: f.Request.Get("nonce"), AccessToken: t.Access})
}

const (
	// rotationPoll is how often the OP's keys are looked at while they rotate.
	rotationPoll = 500 * time.Millisecond
	// rotationPatience is how long the OP may take to publish a new key.
	rotationPatience = time.Minute
)

// signingKeys are the ids of the OP's keys that sign.
func (r *Run) signingKeys() map[string]bool {
	ids := map[string]bool{}
	for _, k := range r.fetchKeys().keys {
		if k.Use != "enc" {
			ids[k.KeyID] = true
		}
	}
	return ids
}

func serverRotateKeys(r *Run) {
	if r.suite.o.RotateKeys == nil {
		r.Skip("nobody can tell the OP to rotate its keys: give the command that does, with --rotate-keys")
	}
	before := r.signingKeys()
	first := r.SignIn()
	if err := r.suite.o.RotateKeys(r.ctx); err != nil {
		r.Fatal("the configuration", "the command that rotates the OP's keys: %v", err)
	}
	var after map[string]bool
	fresh := ""
	for end := time.Now().Add(rotationPatience); fresh == "" && time.Now().Before(end); {
		after = r.signingKeys()
		for id := range after {
			if !before[id] {
				fresh = id
			}
		}
		if fresh == "" {
			r.Sleep(rotationPoll)
		}
	}
	if fresh == "" {
		r.Fatal(core("10.1.1"), "a new key for signatures is in the JWK Set within %s", rotationPatience)
	}
	r.Pass(core("10.1.1"), "the new key %q is in the JWK Set", fresh)
	if old := r.header(first.RawIDToken()).KeyID; after[old] {
		r.Pass(core("10.1.1"), "the key %q of the first ID token is there for who still has to check with it", old)
	} else {
		r.Warn(core("10.1.1"), "the key %q that signed the first ID token is gone at once; it should stay for a while", old)
	}
	r.keys = nil
	second := r.SignIn(With("prompt", "login"))
	r.samePerson(first, second)
	r.Log("the second ID token is signed with %q", r.header(second.RawIDToken()).KeyID)
}

// clientRotatesKeys takes the old key away and refreshes with a new one, of
// which the OP knows nothing but its id. It may refuse for as long as it does not
// fetch the same keys again, so that strangers cannot make it.
func clientRotatesKeys(r *Run) {
	name := "jwks-" + random()
	grants := append(anyList(r.RegistrationMetadata(nil)["grant_types"]), "refresh_token")
	c := r.keyClient(name, Metadata{"grant_types": grants})
	f := r.SignIn(r.offline()...)
	if f.Tokens.Refresh == "" {
		r.Skip("the OP gave no refresh token, and need not (Core 11)")
	}
	fetched := r.Fetched(name)
	c.Keys = r.NewKeys()
	r.publishKeys(name, c.Keys)
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {f.Tokens.Refresh}}
	res := r.TryToken(c, form)
	if res.Status != http.StatusOK {
		r.TokenError(res, rfc("6749", "5.2"), "invalid_client")
		r.Log("the OP does not look for the new key yet")
		r.Sleep(r.suite.o.KeyRefetch)
		res = r.TryToken(c, form)
	}
	next := r.tokens(res, core("10.1.1"))
	r.Check(r.Fetched(name) > fetched, core("10.1.1"), "the OP has fetched the jwks_uri again for the key id that it did not know")
	if next.ID != "" {
		r.refreshed(f, next)
	}
}

// requestURI publishes a request object and sends its address, with nothing
// beside it but what OAuth 2.0 needs. It does not say when it ends: nothing asks
// it to (Core 6.1).
func requestURI(r *Run, alg string, changes Metadata, sign func(*Client, map[string]any) string) {
	if !r.Metadata.Flag("request_uri_parameter_supported", true) {
		r.Skip("request_uri_parameter_supported is false")
	}
	if offered := r.Metadata.List(requestAlgs); !slices.Contains(offered, alg) && (offered != nil || alg == "none") {
		r.Skip("the OP does not list %s in %s", alg, requestAlgs)
	}
	name := "request-" + random() + ".jwt"
	m := Metadata{"request_object_signing_alg": alg, "request_uris": []string{r.HostURL(name)}}
	for member, v := range changes {
		m[member] = v
	}
	c := r.Register(m)
	r.Use(c)
	request := r.Request()
	claims := map[string]any{"iss": c.ID, "aud": r.Issuer}
	for parameter := range request {
		claims[parameter] = request.Get(parameter)
	}
	address := r.Publish(name, "application/oauth-authz-req+jwt", []byte(sign(c, claims)))
	a := r.Visit(url.Values{"client_id": {c.ID}, "response_type": {request.Get("response_type")}, "scope": {request.Get("scope")}, "request_uri": {address}})
	a.Request = request
	r.Redeem(a)
	r.Check(r.Fetched(name) > 0, core("6.2.3"), "the OP has fetched the request_uri")
}
