package tokens

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"idbroker/broker"
)

// How long others may keep our documents. A new key is published for
// Options.KeyOverlap before it signs, so the JWKS may be kept for less than that.
const (
	jwksMaxAge      = 10 * time.Minute
	discoveryMaxAge = time.Hour
)

// document is a response that is ready: nothing is computed for a request. Its
// headers stand as http.Header keeps them, and are shared by all answers.
type document struct {
	form                            // plain
	packed              func() form // gzip (RFC 9110, section 8.4.1.3), which nearly every library takes; without a body where it is no shorter
	kept, kind, nosniff []string
}

// form is a document in one coding. Each has an ETag of its own (RFC 9110, section 8.8.3.3).
type form struct {
	body        []byte // nil: there is none
	tag, length []string
}

var (
	gzipCoding   = []string{"gzip"}
	varyByCoding = []string{"Accept-Encoding"}
)

func newDocument(contentType string, body []byte, age time.Duration) document {
	d := document{
		form: newForm(body), kept: []string{"public, max-age=" + strconv.Itoa(int(age/time.Second))},
		kind: []string{contentType}, nosniff: []string{"nosniff"},
	}
	d.packed = sync.OnceValue(func() form { return pack(body) }) // keys change before anybody asks; a packer takes 0.8 MB for a moment
	return d
}

func pack(body []byte) form {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one of its own
	if _, err := z.Write(body); err != nil || z.Close() != nil || b.Len() >= len(body) {
		return form{}
	}
	return newForm(b.Bytes())
}

func newForm(body []byte) form {
	sum := sha256.Sum256(body)
	return form{body, []string{`"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}, []string{strconv.Itoa(len(body))}}
}

// serve answers GET and HEAD, and If-None-Match with 304 (RFC 9110, section 13.1.2).
func (d *document) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if d.body == nil { // no keys yet: the broker is starting
		h.Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	f, packed := d.form, d.packed()
	gzipped := packed.body != nil && acceptsGzip(r.Header.Get("Accept-Encoding"))
	if packed.body != nil {
		h["Vary"] = varyByCoding
	}
	if gzipped {
		f = packed
	}
	h["Cache-Control"], h["Etag"] = d.kept, f.tag
	if none := r.Header.Get("If-None-Match"); matchesETag(none, d.tag[0]) || packed.body != nil && matchesETag(none, packed.tag[0]) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if gzipped {
		h["Content-Encoding"] = gzipCoding
	}
	h["Content-Type"], h["X-Content-Type-Options"], h["Content-Length"] = d.kind, d.nosniff, f.length
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(f.body)
	}
}

// acceptsGzip reads Accept-Encoding (RFC 9110, section 12.5.3). Who gives gzip a
// weight gets the plain form, which everybody can read.
func acceptsGzip(header string) bool {
	for header != "" {
		var coding string
		coding, header, _ = strings.Cut(header, ",")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			return true
		}
	}
	return false
}

func matchesETag(header, etag string) bool {
	if header == "" {
		return false
	}
	for _, candidate := range strings.Split(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == etag {
			return true
		}
	}
	return false
}

// ServeJWKS serves the public keys (RFC 7517).
func (s *Service) ServeJWKS(w http.ResponseWriter, r *http.Request) {
	s.freshKeys(r.Context())
	s.keys.Load().jwks.serve(w, r)
}

// ServeDiscovery serves the metadata: OpenID Connect Discovery 1.0 and RFC 8414
// have one document.
func (s *Service) ServeDiscovery(w http.ResponseWriter, r *http.Request) {
	s.keys.Load().discovery.serve(w, r)
}

// metadata is the document of RFC 8414, section 2, and OpenID Connect Discovery
// 1.0, section 3.
type metadata struct {
	Issuer                   string   `json:"issuer"`
	AuthorizationEndpoint    string   `json:"authorization_endpoint"`
	TokenEndpoint            string   `json:"token_endpoint"`
	UserInfoEndpoint         string   `json:"userinfo_endpoint"`
	JWKSURI                  string   `json:"jwks_uri"`
	IntrospectionEndpoint    string   `json:"introspection_endpoint"`
	RevocationEndpoint       string   `json:"revocation_endpoint"`
	EndSessionEndpoint       string   `json:"end_session_endpoint"`
	RegistrationEndpoint     string   `json:"registration_endpoint,omitempty"`
	ScopesSupported          []string `json:"scopes_supported"`
	ResponseTypesSupported   []string `json:"response_types_supported"`
	ResponseModesSupported   []string `json:"response_modes_supported"`
	GrantTypesSupported      []string `json:"grant_types_supported"`
	ACRValuesSupported       []string `json:"acr_values_supported"`
	SubjectTypesSupported    []string `json:"subject_types_supported"`
	IDTokenSigningAlgs       []string `json:"id_token_signing_alg_values_supported"`
	UserInfoSigningAlgs      []string `json:"userinfo_signing_alg_values_supported"`
	TokenAuthMethods         []string `json:"token_endpoint_auth_methods_supported"`
	IntrospectionAuthMethods []string `json:"introspection_endpoint_auth_methods_supported"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported"`
	CodeChallengeMethods     []string `json:"code_challenge_methods_supported"`
	PromptValuesSupported    []string `json:"prompt_values_supported"`
	DisplayValuesSupported   []string `json:"display_values_supported"`
	ClaimTypesSupported      []string `json:"claim_types_supported"`
	ClaimsSupported          []string `json:"claims_supported"`
	ClaimsParameterSupported bool     `json:"claims_parameter_supported"`
	IssParameterSupported    bool     `json:"authorization_response_iss_parameter_supported"`
	UILocalesSupported       []string `json:"ui_locales_supported,omitempty"`
	ServiceDocumentation     string   `json:"service_documentation,omitempty"`
	PolicyURI                string   `json:"op_policy_uri,omitempty"`
	TermsURI                 string   `json:"op_tos_uri,omitempty"`
	clientMetadata
	logoutMetadata
}

// newDiscovery writes the metadata from what is really there: the handlers that
// are registered, the methods that are checked, the keys that can sign.
func (s *Service) newDiscovery() (document, error) {
	var modes []string
	for _, m := range s.modes() {
		modes = append(modes, string(m))
	}
	p := s.o.Paths
	body, err := json.Marshal(metadata{
		Issuer:                s.o.Issuer,
		AuthorizationEndpoint: s.url(p.Authorize), TokenEndpoint: s.url(p.Token), UserInfoEndpoint: s.url(p.UserInfo), JWKSURI: s.url(p.JWKS),
		IntrospectionEndpoint: s.url(p.Introspect), RevocationEndpoint: s.url(p.Revoke), EndSessionEndpoint: s.url(p.Logout),
		RegistrationEndpoint:     s.registrationEndpoint(),
		ScopesSupported:          s.o.offeredScopes(),
		ResponseTypesSupported:   responseTypes,
		ResponseModesSupported:   modes,
		GrantTypesSupported:      append(slices.Clone(s.grants), broker.GrantImplicit),
		ACRValuesSupported:       s.acrs(),
		SubjectTypesSupported:    subjectTypes,
		IDTokenSigningAlgs:       allAlgorithms, // a key is made where one is missing
		UserInfoSigningAlgs:      append(slices.Clone(allAlgorithms), "none"),
		TokenAuthMethods:         authMethods,
		clientMetadata:           s.clientMetadata(),
		IntrospectionAuthMethods: slices.DeleteFunc(slices.Clone(authMethods), func(m string) bool { return m == broker.AuthNone }),
		RevocationAuthMethods:    authMethods,
		CodeChallengeMethods:     []string{challengeS256},
		PromptValuesSupported:    s.prompts(),
		DisplayValuesSupported:   []string{"page"}, // others are accepted and get the same page
		ClaimTypesSupported:      []string{"normal"},
		ClaimsSupported:          s.claimsSupported(),
		ClaimsParameterSupported: true,
		IssParameterSupported:    true,
		UILocalesSupported:       s.o.UILocales,
		ServiceDocumentation:     s.o.Documentation, PolicyURI: s.o.PolicyURI, TermsURI: s.o.TermsURI,
		logoutMetadata: s.logoutMetadata(),
	})
	if err != nil {
		return document{}, fmt.Errorf("write discovery: %w", err)
	}
	return newDocument("application/json", body, discoveryMaxAge), nil
}
