package tokens

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"idbroker/broker"
)

// metadataField is a parameter of a registration (RFC 7591, section 2; OpenID
// Connect Dynamic Client Registration 1.0, section 2) that we honour.
type metadataField struct {
	name  string
	read  func(c *broker.Client, raw json.RawMessage) bool // false: of another type
	write func(c *broker.Client) any                       // nil: left out
	// localized: it may be there in several languages, as name#tag
	localized bool
}

// metadataFields is everything that a registration can say. What is not here and
// not in refusedFields is ignored, as RFC 7591, section 2, has it, and the answer
// shows that by leaving it out. Whoever teaches the broker to honour another
// parameter adds it here, and takes it out of refusedFields.
var metadataFields = []metadataField{
	listField("redirect_uris", func(c *broker.Client) *[]string { return &c.RedirectURIs }),
	listField("post_logout_redirect_uris", func(c *broker.Client) *[]string { return &c.PostLogoutRedirectURIs }),
	listField("grant_types", func(c *broker.Client) *[]string { return &c.GrantTypes }),
	{name: "response_types", read: readResponseTypes, write: responseTypesField.write},
	listField("contacts", func(c *broker.Client) *[]string { return &c.Contacts }),
	textField("token_endpoint_auth_method", func(c *broker.Client) *string { return &c.AuthMethod }),
	textField("token_endpoint_auth_signing_alg", func(c *broker.Client) *string { return &c.Metadata.TokenEndpointAuthSigningAlg }),
	{name: "jwks", read: readJWKS, write: writeJWKS},
	textField("jwks_uri", func(c *broker.Client) *string { return &c.Metadata.JWKSURI }),
	flagField("require_pushed_authorization_requests", func(c *broker.Client) *bool { return &c.Metadata.RequirePAR }),
	flagField("require_signed_request_object", func(c *broker.Client) *bool { return &c.Metadata.RequireSignedObject }),
	textField("request_object_signing_alg", func(c *broker.Client) *string { return &c.Metadata.RequestObjectSigningAlg }),
	textField("request_object_encryption_alg", func(c *broker.Client) *string { return &c.Metadata.RequestObjectEncryptionAlg }),
	textField("request_object_encryption_enc", func(c *broker.Client) *string { return &c.Metadata.RequestObjectEncryptionEnc }),
	listField("request_uris", func(c *broker.Client) *[]string { return &c.Metadata.RequestURIs }),
	textField("id_token_signed_response_alg", func(c *broker.Client) *string { return &c.IDTokenAlg }),
	textField("userinfo_signed_response_alg", func(c *broker.Client) *string { return &c.Metadata.UserInfoSignedResponseAlg }),
	textField("id_token_encrypted_response_alg", func(c *broker.Client) *string { return &c.Metadata.IDTokenEncryptedResponseAlg }),
	textField("id_token_encrypted_response_enc", func(c *broker.Client) *string { return &c.Metadata.IDTokenEncryptedResponseEnc }),
	textField("userinfo_encrypted_response_alg", func(c *broker.Client) *string { return &c.Metadata.UserInfoEncryptedAlg }),
	textField("userinfo_encrypted_response_enc", func(c *broker.Client) *string { return &c.Metadata.UserInfoEncryptedEnc }),
	textField("application_type", func(c *broker.Client) *string { return &c.Metadata.ApplicationType }),
	textField("sector_identifier_uri", func(c *broker.Client) *string { return &c.Metadata.SectorIdentifierURI }),
	textField("subject_type", func(c *broker.Client) *string { return &c.Metadata.SubjectType }),
	textField("software_id", func(c *broker.Client) *string { return &c.Metadata.SoftwareID }),
	{name: "software_statement", read: func(*broker.Client, json.RawMessage) bool { return true }, write: func(c *broker.Client) any { return orNothing(c.Metadata.SoftwareStatement) }}, // vouched reads it
	textField("software_version", func(c *broker.Client) *string { return &c.Metadata.SoftwareVersion }),
	inLanguages(textField("client_name", func(c *broker.Client) *string { return &c.Name })),
	inLanguages(textField("client_uri", func(c *broker.Client) *string { return &c.ClientURI })),
	inLanguages(textField("policy_uri", func(c *broker.Client) *string { return &c.PolicyURI })),
	inLanguages(textField("tos_uri", func(c *broker.Client) *string { return &c.TermsURI })),
	inLanguages(textField("logo_uri", func(c *broker.Client) *string { return &c.Metadata.LogoURI })),
	textField("backchannel_logout_uri", func(c *broker.Client) *string { return &c.Metadata.BackchannelLogoutURI }),
	flagField("backchannel_logout_session_required", func(c *broker.Client) *bool { return &c.Metadata.BackchannelLogoutSessionRequired }),
	textField("frontchannel_logout_uri", func(c *broker.Client) *string { return &c.Metadata.FrontchannelLogoutURI }),
	flagField("frontchannel_logout_session_required", func(c *broker.Client) *bool { return &c.Metadata.FrontchannelLogoutSessionRequired }),
	flagField("require_auth_time", func(c *broker.Client) *bool { return &c.Metadata.RequireAuthTime }), // auth_time is in every ID token
	listField("default_acr_values", func(c *broker.Client) *[]string { return &c.Metadata.DefaultACRValues }),
	textField("initiate_login_uri", func(c *broker.Client) *string { return &c.Metadata.InitiateLoginURI }),
	{name: "default_max_age", read: readMaxAge, write: writeMaxAge},
	{name: "scope", read: readScope, write: func(c *broker.Client) any { return orNothing(strings.Join(c.Scopes, " ")) }},
}

// refusedFields are parameters that a client builds upon: it would take an answer
// for encrypted, signed or bound that is not. They are refused, not ignored.
var refusedFields = []string{
	"introspection_signed_response_alg", "introspection_encrypted_response_alg", "introspection_encrypted_response_enc",
	"authorization_signed_response_alg", "authorization_encrypted_response_alg", "authorization_encrypted_response_enc",
	"tls_client_certificate_bound_access_tokens", "dpop_bound_access_tokens",
	"tls_client_auth_subject_dn", "tls_client_auth_san_dns", "tls_client_auth_san_uri", "tls_client_auth_san_ip", "tls_client_auth_san_email",
}

func textField(name string, at func(c *broker.Client) *string) metadataField {
	return metadataField{
		name: name,
		read: func(c *broker.Client, raw json.RawMessage) bool {
			return json.Unmarshal(raw, at(c)) == nil && keepable(*at(c))
		},
		write: func(c *broker.Client) any { return orNothing(*at(c)) },
	}
}

func listField(name string, at func(c *broker.Client) *[]string) metadataField {
	return metadataField{
		name: name,
		read: func(c *broker.Client, raw json.RawMessage) bool {
			var values []*string // a null in it is no text
			if json.Unmarshal(raw, &values) != nil || slices.Contains(values, nil) {
				return false
			}
			all := make([]string, len(values))
			for i, v := range values {
				if all[i] = *v; !keepable(*v) {
					return false
				}
			}
			*at(c) = all
			return true
		},
		write: func(c *broker.Client) any {
			if len(*at(c)) == 0 {
				return nil
			}
			return *at(c)
		},
	}
}

func flagField(name string, at func(c *broker.Client) *bool) metadataField {
	return metadataField{
		name: name,
		read: func(c *broker.Client, raw json.RawMessage) bool { return json.Unmarshal(raw, at(c)) == nil },
		write: func(c *broker.Client) any {
			if !*at(c) {
				return nil
			}
			return true
		},
	}
}

var responseTypesField = listField("response_types", func(c *broker.Client) *[]string { return &c.Metadata.ResponseTypes })

// readResponseTypes writes the words of each in our order: theirs says nothing
// (RFC 6749, section 3.1.1).
func readResponseTypes(c *broker.Client, raw json.RawMessage) bool {
	if !responseTypesField.read(c, raw) {
		return false
	}
	for i, t := range c.Metadata.ResponseTypes {
		if known := ResponseType(t); known != "" {
			c.Metadata.ResponseTypes[i] = known
		}
	}
	return true
}

// readJWKS keeps the document as it is, without spaces; broker.Client.Problems
// looks into it.
func readJWKS(c *broker.Client, raw json.RawMessage) bool {
	var b bytes.Buffer
	if raw[0] != '{' || json.Compact(&b, raw) != nil {
		return false
	}
	c.Metadata.JWKS = b.String()
	return true
}

func writeJWKS(c *broker.Client) any {
	if c.Metadata.JWKS == "" {
		return nil
	}
	return json.RawMessage(c.Metadata.JWKS)
}

func readMaxAge(c *broker.Client, raw json.RawMessage) bool {
	var age int
	if json.Unmarshal(raw, &age) != nil || age < 0 {
		return false
	}
	c.Metadata.DefaultMaxAge = &age
	return true
}

func writeMaxAge(c *broker.Client) any {
	if c.Metadata.DefaultMaxAge == nil {
		return nil
	}
	return *c.Metadata.DefaultMaxAge
}

// inLanguages lets a field be there in several languages.
func inLanguages(f metadataField) metadataField {
	f.localized = true
	return f
}

// orNothing is s for a JSON object; nil where it is empty.
func orNothing(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func readScope(c *broker.Client, raw json.RawMessage) bool {
	var s string
	if json.Unmarshal(raw, &s) != nil || len(s) > broker.MaxURI || strings.ContainsFunc(s, unseen) || !keepable(s) {
		return false
	}
	c.Scopes = strings.Fields(s)
	return true
}

// keepable tells whether a member's value is text: a NUL and half of a surrogate pair
// can be escaped in JSON, and the decoder puts U+FFFD in place of such a half.
func keepable(s string) bool { return plainText(s) && !strings.ContainsRune(s, utf8.RuneError) }

// notOfType is said of a member that cannot be read.
const notOfType = "it has another type, is too long, or has characters that cannot be kept"

// readMetadata reads a registration into c, which holds the defaults. It returns
// the problems of form; those of content are broker.Client.Problems.
func readMetadata(c *broker.Client, object map[string]json.RawMessage) (problems []broker.Problem) {
	bad := func(field, text string) { problems = append(problems, broker.Problem{Field: field, Text: text}) }
	for _, f := range refusedFields {
		if raw, ok := object[f]; ok && string(raw) != "null" && string(raw) != "false" {
			bad(f, "it is not supported")
		}
	}
	for _, f := range metadataFields {
		if raw, ok := object[f.name]; ok && string(raw) != "null" && !f.read(c, raw) {
			bad(f.name, notOfType)
		}
	}
	c.Metadata.Localized = nil
	tags := map[string]bool{}
	for key, raw := range object {
		name, tag, ok := strings.Cut(key, "#")
		if !ok || tag == "" || string(raw) == "null" || !slices.ContainsFunc(metadataFields, func(f metadataField) bool { return f.localized && f.name == name }) {
			continue
		}
		var value string
		if json.Unmarshal(raw, &value) != nil || !keepable(value) {
			bad(name, notOfType)
			continue
		}
		if id := name + "#" + strings.ToLower(tag); tags[id] {
			bad(name, "a language is there twice")
		} else {
			tags[id] = true
		}
		if c.Metadata.Localized == nil {
			c.Metadata.Localized = map[string]map[string]string{}
		}
		if c.Metadata.Localized[name] == nil {
			c.Metadata.Localized[name] = map[string]string{}
		}
		c.Metadata.Localized[name][tag] = value
	}
	return problems
}

// writeMetadata is what is registered of a client, by the names of the
// specifications.
func writeMetadata(c broker.Client) map[string]any {
	answer := map[string]any{}
	for _, f := range metadataFields {
		if v := f.write(&c); v != nil {
			answer[f.name] = v
		}
	}
	for name, values := range c.Metadata.Localized {
		for tag, v := range values {
			answer[name+"#"+tag] = v
		}
	}
	return answer
}
