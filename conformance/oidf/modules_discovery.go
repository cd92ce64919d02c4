package oidf

import (
	"crypto/rsa"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// discoveryModules are about what the OP publishes.
func discoveryModules() []Module {
	return []Module{{
		Name: "oidcc-discovery-endpoint-verification", Summary: "Reads the metadata and the keys, and checks what they say.",
		Clauses: []Clause{discovery("3"), discovery("4.2"), discovery("4.3"), core("10.1"), rfc("7517", "5")},
		Run: func(r *Run) {
			m := r.discoveryDocument()
			r.checkEndpoints(m)
			r.checkLists(m)
			r.checkKeys(m)
		},
	}}
}

// discoveryDocument reads the metadata anew.
func (r *Run) discoveryDocument() Metadata {
	req, err := newRequest(r.ctx, http.MethodGet, r.Config.Server.DiscoveryURL, nil)
	if err != nil {
		r.Fatal(discovery("4"), "%v", err)
	}
	res := r.Send(req)
	r.Check(res.Status == http.StatusOK, discovery("4.2"), "the metadata is answered with 200; it is %d", res.Status)
	r.Check(res.isJSON(), discovery("4.2"), "the metadata is application/json; it is %q", res.Header.Get("Content-Type"))
	m, err := res.Object()
	if err != nil {
		r.Fatal(discovery("4.2"), "the metadata is a JSON object: %v", err)
	}
	return m
}

// checkEndpoints checks the members of the metadata that are addresses.
func (r *Run) checkEndpoints(m Metadata) {
	issuer := m.Text("issuer")
	r.Check(issuer == r.Issuer, discovery("4.3"), "issuer is where the metadata was found, %s; it is %q", r.Issuer, issuer)
	u, err := url.Parse(issuer)
	r.Check(err == nil && u.Scheme == "https" && u.RawQuery == "" && u.Fragment == "", discovery("3"), "issuer is an https URL without query and fragment")
	required := []string{"authorization_endpoint", "jwks_uri"}
	if types := m.List("response_types_supported"); types == nil || slices.ContainsFunc(types, func(t string) bool { return Variant{ResponseType: t}.has("code") }) {
		required = append(required, "token_endpoint")
	}
	for _, name := range required {
		r.Check(m.Text(name) != "", discovery("3"), "%s is there", name)
	}
	for _, name := range []string{"userinfo_endpoint", "registration_endpoint"} {
		switch {
		case m.Text(name) != "":
		case name == "registration_endpoint" && r.Variant.Registration == DynamicClient:
			r.Fail(discovery("3"), "an OP where clients register themselves names its registration_endpoint")
		case name == "registration_endpoint":
			r.Log("there is no registration_endpoint, which is recommended")
		default:
			r.Warn(discovery("3"), "%s is recommended, and not there", name)
		}
	}
	for name := range m {
		if !strings.HasSuffix(name, "_endpoint") && !strings.HasSuffix(name, "_uri") && name != "check_session_iframe" {
			continue
		}
		u, err := url.Parse(m.Text(name))
		r.Check(err == nil && u.Scheme == "https" && u.Host != "" && u.Fragment == "", discovery("3"), "%s is an https URL without fragment", name)
	}
}

// checkLists checks the members of the metadata that are lists and flags.
func (r *Run) checkLists(m Metadata) {
	for _, name := range []string{"response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"} {
		r.Check(len(m.List(name)) > 0, discovery("3"), "%s is a list of strings that is not empty", name)
	}
	for name, v := range m {
		switch list, isList := v.([]any); {
		case isList:
			r.Check(len(list) > 0, discovery("4.2"), "%s is left out rather than empty", name)
			r.Check(len(m.List(name)) == len(list), discovery("3"), "%s is a list of strings", name)
		case strings.HasSuffix(name, "_supported") && !slices.Contains(flags, name):
			_, isFlag := v.(bool)
			r.Check(isFlag && !strings.HasSuffix(name, "_values_supported"), discovery("3"), "%s is a list, or a flag where a specification says so", name)
		case slices.Contains(flags, name):
			_, isFlag := v.(bool)
			r.Check(isFlag, discovery("3"), "%s is true or false", name)
		}
	}
	for _, t := range m.List("subject_types_supported") {
		r.Check(t == "public" || t == "pairwise", core("8"), "the subject type %s is public or pairwise", t)
	}
	r.Check(m.Offers("id_token_signing_alg_values_supported", "RS256"), discovery("3"), "ID tokens may be signed with RS256")
	const assertions = "token_endpoint_auth_signing_alg_values_supported"
	r.refuse(m.Offers(assertions, "none"), discovery("3"), "%s has none, which is no signature", assertions)
	if scopes := m.List("scopes_supported"); scopes != nil {
		r.Check(slices.Contains(scopes, "openid"), discovery("3"), "scopes_supported has openid")
	} else {
		r.Warn(discovery("3"), "scopes_supported is recommended, and not there")
	}
	if m.List("claims_supported") == nil {
		r.Warn(discovery("3"), "claims_supported is recommended, and not there")
	}
	if r.Variant.Registration == DynamicClient {
		for _, t := range []string{typeCode, typeIDToken, typeIDTokenToken} {
			offered := slices.ContainsFunc(m.List("response_types_supported"), func(o string) bool { return sameWords(o, t) })
			r.Check(offered, discovery("3"), "an OP where clients register themselves offers response_type=%s", t)
		}
	}
}

// flags are the members of the metadata that are true or false (OpenID Connect
// Discovery 1.0, section 3).
var flags = []string{"claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported", "require_request_uri_registration"}

// sameWords compares lists of words whose order says nothing.
func sameWords(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// minRSA is the shortest RSA key that signs (RFC 7518, section 3.3), in bytes.
const minRSA = 2048 / 8

// checkKeys checks the keys that the OP signs with.
func (r *Run) checkKeys(m Metadata) {
	keys := r.fetchKeys().keys
	r.Check(len(keys) > 0, core("10.1"), "the JWK Set has keys")
	seen := map[string]bool{}
	kinds := map[string]bool{}
	for _, k := range keys {
		r.Check(k.Valid() && k.IsPublic(), rfc("7517", "4"), "the key %q is a public key", k.KeyID)
		if len(keys) > 1 {
			r.Check(k.KeyID != "", core("10.1"), "every key has a kid where there are several")
		}
		r.refuse(k.KeyID != "" && seen[k.KeyID+k.Use], rfc("7517", "4.5"), "two keys have the kid %q", k.KeyID)
		seen[k.KeyID+k.Use] = true
		if key, ok := k.Key.(*rsa.PublicKey); ok {
			r.Check(key.Size() >= minRSA, rfc("7518", "3.3"), "the RSA key %q has 2048 bits or more", k.KeyID)
		}
		if k.Use != "enc" {
			kinds[kindOf(k)] = true
		}
	}
	for _, alg := range m.List("id_token_signing_alg_values_supported") {
		switch kind := keyKind(alg); {
		case kind == "" || kinds[kind]:
		case alg == "RS256":
			r.Fail(core("10.1"), "there is no key for RS256, which signs where a client does not say otherwise")
		default:
			r.Log("there is no key yet that could sign with %s", alg)
		}
	}
}

// kindOf is the kind of a key as keyKind has it.
func kindOf(k jose.JSONWebKey) string {
	t, err := k.Public().MarshalJSON()
	if err != nil {
		return ""
	}
	o, err := object(t)
	if err != nil {
		return ""
	}
	kind, _ := o["kty"].(string)
	if kind == "RSA" {
		return kind
	}
	crv, _ := o["crv"].(string)
	return kind + " " + crv
}

// keyKind is the kty, and the curve, of keys for an algorithm (RFC 7518, section
// 3.1; RFC 8037, section 3.1); "" where it needs no published key or is not known.
func keyKind(alg string) string {
	switch {
	case strings.HasPrefix(alg, "RS"), strings.HasPrefix(alg, "PS"):
		return "RSA"
	case alg == "EdDSA", alg == "Ed25519":
		return "OKP Ed25519"
	}
	return map[string]string{"ES256": "EC P-256", "ES384": "EC P-384", "ES512": "EC P-521"}[alg]
}
