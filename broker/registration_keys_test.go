package broker

import (
	"errors"
	"strings"
	"testing"
)

// TestKeyProblems: what an application signs with fits together, or is refused.
func TestKeyProblems(t *testing.T) {
	const at = "https://app.example.org/"
	offer := Offer{ClientAlgs: []string{"ES256"}, Keys: func(jwks string, _ bool, _ []string) error {
		if jwks != "{}" {
			return errors.New("tokens: no keys")
		}
		return nil
	}}
	for _, tt := range []struct {
		c    Client
		want string // the fields, in any order; "" none
	}{
		{Client{}, ""},
		{Client{AuthMethod: AuthPrivateKeyJWT, Metadata: ClientMetadata{JWKS: "{}", TokenEndpointAuthSigningAlg: "ES256", RequirePAR: true}}, ""},
		{Client{AuthMethod: AuthPrivateKeyJWT, Metadata: ClientMetadata{JWKSURI: at + "jwks", RequestObjectSigningAlg: "ES256", RequestURIs: []string{at + "r#x"}}}, ""},
		{Client{AuthMethod: AuthBasic, Metadata: ClientMetadata{JWKSURI: "http://localhost/jwks"}}, ""},
		{Client{AuthMethod: AuthPrivateKeyJWT}, "token_endpoint_auth_method"},
		{Client{Metadata: ClientMetadata{JWKS: "{}", JWKSURI: at}}, "jwks"},
		{Client{Metadata: ClientMetadata{JWKS: "x"}}, "jwks"},
		{Client{Metadata: ClientMetadata{JWKSURI: "http://app.example.org/"}}, "jwks_uri"},
		{Client{Metadata: ClientMetadata{JWKSURI: "file:///etc/passwd"}}, "jwks_uri"},
		{Client{Metadata: ClientMetadata{JWKSURI: "https://a@app.example.org/"}}, "jwks_uri"},
		{Client{AuthMethod: AuthBasic, Metadata: ClientMetadata{TokenEndpointAuthSigningAlg: "ES256"}}, "token_endpoint_auth_signing_alg"},
		{Client{AuthMethod: AuthPrivateKeyJWT, Metadata: ClientMetadata{JWKS: "{}", TokenEndpointAuthSigningAlg: "none"}}, "token_endpoint_auth_signing_alg"},
		{Client{Metadata: ClientMetadata{JWKS: "{}", RequestObjectSigningAlg: "HS256"}}, "request_object_signing_alg"},
		{Client{Metadata: ClientMetadata{RequestObjectSigningAlg: "ES256"}}, "request_object_signing_alg"},
		{Client{Metadata: ClientMetadata{RequestURIs: []string{at}}}, "request_uris"},
		{Client{Metadata: ClientMetadata{JWKS: "{}", RequestURIs: []string{"http://app.example.org/r"}}}, "request_uris"},
		{Client{Metadata: ClientMetadata{JWKS: "{}", RequestURIs: []string{at + strings.Repeat("x", maxRequestURI)}}}, "request_uris"},
		{Client{Metadata: ClientMetadata{JWKS: "{}", RequestURIs: strings.Fields(strings.Repeat(at+" ", maxURIs+1))}}, "request_uris"},
	} {
		var got []string
		tt.c.keyProblems(offer, func(field, _ string, _ ...any) { got = append(got, field) })
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%+v: %v, want %q", tt.c.Metadata, got, tt.want)
		}
	}
}

// TestEncryptionProblems: what is to be encrypted has a key, and algorithms that
// we have.
func TestEncryptionProblems(t *testing.T) {
	offer := Offer{EncryptionAlgs: []string{"ECDH-ES"}, ContentAlgs: []string{"A128GCM"}}
	keys := "{}"
	for _, tt := range []struct {
		m    ClientMetadata
		want string
	}{
		{ClientMetadata{}, ""},
		{ClientMetadata{JWKS: keys, IDTokenEncryptedResponseAlg: "ECDH-ES", UserInfoEncryptedAlg: "ECDH-ES", UserInfoEncryptedEnc: "A128GCM"}, ""},
		{ClientMetadata{JWKSURI: "https://a.example/", RequestObjectEncryptionAlg: "ECDH-ES", RequestObjectEncryptionEnc: "A128GCM"}, ""},
		{ClientMetadata{IDTokenEncryptedResponseAlg: "ECDH-ES"}, "jwks"},
		{ClientMetadata{UserInfoEncryptedAlg: "ECDH-ES"}, "jwks"},
		{ClientMetadata{RequestObjectEncryptionAlg: "ECDH-ES"}, "request_object_encryption_alg"},
		{ClientMetadata{JWKS: keys, IDTokenEncryptedResponseAlg: "RSA1_5"}, "id_token_encrypted_response_alg"},
		{ClientMetadata{JWKS: keys, UserInfoEncryptedAlg: "dir"}, "userinfo_encrypted_response_alg"},
		{ClientMetadata{JWKS: keys, RequestObjectEncryptionAlg: "none"}, "request_object_encryption_alg"},
		{ClientMetadata{JWKS: keys, IDTokenEncryptedResponseEnc: "A128GCM"}, "id_token_encrypted_response_enc"},
		{ClientMetadata{JWKS: keys, IDTokenEncryptedResponseAlg: "ECDH-ES", IDTokenEncryptedResponseEnc: "A192GCM"}, "id_token_encrypted_response_enc"},
	} {
		var got []string
		Client{Metadata: tt.m}.encryptionProblems(offer, func(field, _ string, _ ...any) { got = append(got, field) })
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%+v: %v, want %q", tt.m, got, tt.want)
		}
	}
}
