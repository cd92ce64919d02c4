package oidf

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"time"
)

// requestModules are about what stands in authorization requests.
func requestModules() []Module {
	return []Module{
		{Name: "oidcc-response-type-missing", Summary: "Leaves response_type out.", Clauses: []Clause{rfc("6749", "3.1.1"), core("3.1.2.6")}, Run: responseTypeMissing},
		accepted("oidcc-ensure-request-with-unknown-parameter-succeeds", core("3.1.2.1"), "a parameter that nobody knows", With("extra", "foobar")),
		{
			Name: "oidcc-ensure-request-without-nonce-succeeds-for-code-flow", Summary: "Signs in without a nonce, which the code flow does not need.", Clauses: []Clause{core("3.1.2.1")},
			Run: func(r *Run) { r.SignIn(Without("nonce")) },
		},
		{
			Name: "oidcc-ensure-request-without-nonce-fails", Summary: "Leaves the nonce out, which an ID token from the authorization endpoint needs.", Clauses: []Clause{core("3.2.2.1"), core("3.3.2.11"), core("3.1.2.6")},
			Run: func(r *Run) {
				a := r.Visit(r.Request(Without("nonce")))
				r.mustAct(a, core("3.1.2.2"), false)
				r.Refused(a, core("3.2.2.1"), "invalid_request")
			},
		},
		{
			Name: "oidcc-ensure-registered-redirect-uri", Summary: "Asks for an answer at a redirect URI that is not registered.", Clauses: []Clause{core("3.1.2.1"), rfc("6749", "3.1.2.4")},
			Run: func(r *Run) {
				r.ErrorPage(r.Visit(r.Request(With("redirect_uri", r.RedirectURI()+"/"+random()))), core("3.1.2.1"))
			},
		},
		{
			Name: "oidcc-ensure-post-request-succeeds", Summary: "Sends the authorization request as a form, from another site, twice.", Clauses: []Clause{core("3.1.2.1")},
			Run: func(r *Run) {
				first := r.Redeem(r.VisitPost(r.Request()))
				second := r.Redeem(r.VisitPost(r.Request()))
				r.samePerson(first, second)
				r.authTimes(first, second, false)
				if len(second.Answer.Acted) > 0 {
					r.Warn(core("3.1.2.3"), "somebody who is signed in is asked again when the request is a form from another site; do their cookies say SameSite=Lax?")
				}
			},
		},
		{
			Name: "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported", Summary: "Sends an address from where the request could be fetched.", Clauses: []Clause{core("6.2"), core("3.1.2.6")},
			Run: requestURIUnsigned,
		},
		{
			Name: "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", Summary: "Sends an unsigned request object.", Clauses: []Clause{core("6.1"), core("3.1.2.6")},
			Run: requestObjectUnsigned,
		},
		{
			Name: "oidcc-ensure-request-object-with-redirect-uri", Summary: "Sends a request object with a good redirect URI beside a bad one: the one inside counts.", Clauses: []Clause{core("6.1")},
			Run: requestObjectRedirectURI,
		},
	}
}

func responseTypeMissing(r *Run) {
	a := r.Visit(r.Request(Without("response_type")))
	if a.Arrival == nil {
		r.ErrorPage(a, rfc("6749", "3.1.1"))
		return
	}
	if a.Arrival.Fragment != nil && a.Arrival.Query.Get("error") == "" && a.Request.Get("response_mode") == "" {
		a.Request.Set("response_mode", "fragment") // whoever does not know the type may take either
	}
	r.Refused(a, rfc("6749", "4.1.2.1"), "unsupported_response_type", "invalid_request")
}

// unsigned is a request object with alg none (RFC 7519, section 6).
func unsigned(claims map[string]any) string {
	b, err := json.Marshal(claims)
	if err != nil {
		panic(err) // it is made of strings
	}
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"none"}`)) + "." + part(b) + "."
}

// objectClaims are a request's parameters as claims of a request object.
func objectClaims(r *Run, request url.Values) map[string]any {
	now := time.Now()
	claims := map[string]any{"iss": request.Get("client_id"), "aud": r.Issuer, "iat": now.Unix(), "exp": now.Add(maxAge).Unix(), "jti": random()}
	for name := range request {
		claims[name] = request.Get(name)
	}
	return claims
}

const requestAlgs = "request_object_signing_alg_values_supported"

func requestURIUnsigned(r *Run) {
	request := r.Request(With("request_uri", r.suite.o.BaseURL+"/test/a/"+r.Config.Alias+"/requesturi.jwt#"+random()))
	supported := r.Metadata.Flag("request_uri_parameter_supported", true)
	if supported && r.Metadata.Offers(requestAlgs, "none") {
		r.Skip("the OP fetches unsigned requests; the module oidcc-request-uri-unsigned of the dynamic plan has one for it")
	}
	a := r.Visit(request)
	if a.Arrival == nil {
		r.ErrorPage(a, core("6.2"))
		return
	}
	errors := []string{"request_uri_not_supported"}
	if supported {
		errors = append(errors, "invalid_request_uri", "invalid_request_object", "invalid_request")
	}
	r.Refused(a, core("3.1.2.6"), errors...)
}

func requestObjectUnsigned(r *Run) {
	request := r.Request()
	inside := random()
	claims := objectClaims(r, request)
	claims["state"], claims["nonce"] = inside, inside
	request.Set("request", unsigned(claims))
	supported, none := r.Metadata.Flag("request_parameter_supported", false), r.Metadata.Offers(requestAlgs, "none")
	a := r.Visit(request)
	if supported && (none || r.Metadata[requestAlgs] == nil) {
		a.Request.Set("state", inside)
		a.Request.Set("nonce", inside)
		r.Redeem(a)
		return
	}
	if a.Arrival == nil {
		r.ErrorPage(a, core("6.1"))
		return
	}
	for _, params := range []url.Values{a.Arrival.Query, a.Arrival.Fragment, a.Arrival.Form} {
		if params.Get("state") == inside { // it was read before it was refused
			a.Request.Set("state", inside)
		}
	}
	errors := []string{"request_not_supported"}
	if supported {
		errors = append(errors, "invalid_request_object", "invalid_request")
	}
	r.Refused(a, core("3.1.2.6"), errors...)
}

func requestObjectRedirectURI(r *Run) {
	if !r.Metadata.Flag("request_parameter_supported", false) {
		r.Skip("request_parameter_supported is not true")
	}
	var sign func(map[string]any) string
	switch c := r.signingClient(); {
	case r.Metadata.Offers(requestAlgs, "none"):
		sign = unsigned
	case c != nil:
		r.Use(c)
		sign = func(claims map[string]any) string { return r.Sign(c, claims) }
	default:
		r.Skip("the OP does not list none in %s, and the client has no keys to sign with", requestAlgs)
	}
	request := r.Request()
	request.Set("request", sign(objectClaims(r, request)))
	bad := url.Values{}
	for name := range request {
		bad.Set(name, request.Get(name))
	}
	bad.Set("redirect_uri", r.RedirectURI()+"/"+random())
	a := r.Visit(bad)
	a.Request = request
	r.Redeem(a)
}

// signingClient is a client with keys for request objects; nil: there is none.
func (r *Run) signingClient() *Client {
	if r.Variant.Registration == DynamicClient && r.Metadata.Offers(requestAlgs, "RS256") {
		keys := r.NewKeys()
		c := r.Register(Metadata{"jwks": public(keys), "request_object_signing_alg": "RS256"})
		c.Keys = keys
		return c
	}
	if r.Variant.Registration == StaticClient && r.Client().Keys != nil {
		return r.Client()
	}
	return nil
}

// claimsOf is the payload of a token that was checked.
func claimsOf(raw string) string {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return ""
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	return string(b)
}
