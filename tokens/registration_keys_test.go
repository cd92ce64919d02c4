package tokens

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// TestRegisterKeys: an application that registers itself with keys has no secret,
// hears what was registered, and authenticates with the keys.
func TestRegisterKeys(t *testing.T) {
	w := registering(t, RegisterOpen)
	a := w.register(map[string]any{
		"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256", "jwks": json.RawMessage(jwks("p256")),
		"require_pushed_authorization_requests": true, "request_object_signing_alg": "ES256", "request_uris": []string{"https://new.example/r#x"},
		"grant_types": []string{"authorization_code", "refresh_token"},
	})
	if a.status != http.StatusCreated || a.json["client_secret"] != nil || a.json["require_pushed_authorization_requests"] != true || a.str("token_endpoint_auth_signing_alg") != "ES256" ||
		a.str("request_object_signing_alg") != "ES256" || a.json["jwks_uri"] != nil {
		t.Fatalf("%d %s", a.status, a.body)
	}
	told, err := json.Marshal(a.json["jwks"])
	must(t, err)
	if keys, err := ParseClientKeys(told); err != nil || len(keys) != 1 {
		t.Errorf("told %s: %v", told, err)
	}
	id := a.str("client_id")
	c, err := w.db.Client(t.Context(), id)
	must(t, err)
	if len(c.Secrets) > 0 || !c.Metadata.RequirePAR || len(c.Metadata.RequestURIs) != 1 {
		t.Errorf("%+v", c)
	}
	form := with(nil, "client_assertion_type", assertionType, "client_assertion", sign(t, header{}, assertionOf(id)), "grant_type", "refresh_token", "refresh_token", "x")
	wantError(t, "with its key", w.call(w.s.ServeToken, "", form), 400, "invalid_grant")
	form = with(form, "client_assertion", sign(t, header{key: "stranger"}, assertionOf(id)))
	wantError(t, "with another key", w.call(w.s.ServeToken, "", form), 401, "invalid_client")

	// With a secret instead, nothing of the keys stays.
	b := w.json("PUT", "/oauth2/register/"+id, a.str("registration_access_token"), asking(map[string]any{"client_id": id}))
	if b.status != http.StatusOK || b.json["jwks"] != nil || b.str("client_secret") == "" {
		t.Errorf("%d %s", b.status, b.body)
	}
}

// TestRegisterKeysThatAreRefused, and say where.
func TestRegisterKeysThatAreRefused(t *testing.T) {
	w := registering(t, RegisterOpen)
	const method, keys = "token_endpoint_auth_method", "jwks"
	good := json.RawMessage(jwks("p256"))
	private := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: clientKeyring()["p256"], KeyID: "p256"}}}
	for field, changes := range map[string]map[string]any{
		"token_endpoint_auth_method: ":            {method: broker.AuthPrivateKeyJWT},
		"jwks: give":                              {keys: good, "jwks_uri": "https://new.example/jwks"},
		"jwks: a key of":                          {keys: private},
		"jwks: no key":                            {keys: map[string]any{"keys": []any{}}},
		"jwks: it has another type":               {keys: string(good)},
		"jwks_uri: ":                              {"jwks_uri": "http://10.0.0.1/"},
		"token_endpoint_auth_signing_alg: only":   {"token_endpoint_auth_signing_alg": "ES256"},
		"token_endpoint_auth_signing_alg: 'HS256": {method: broker.AuthPrivateKeyJWT, keys: good, "token_endpoint_auth_signing_alg": "HS256"},
		"request_object_signing_alg: 'none":       {keys: good, "request_object_signing_alg": "none"},
		"request_object_signing_alg: request":     {"request_object_signing_alg": "ES256"},
		"request_uris: request":                   {"request_uris": []string{"https://new.example/r"}},
		"request_uris: 'http":                     {keys: good, "request_uris": []string{"http://new.example/r"}},
		"require_signed_request_object: request":  {"require_signed_request_object": true},
	} {
		a := w.register(changes)
		wantError(t, field, a, 400, "invalid_client_metadata")
		if !strings.Contains(a.str("error_description"), field) {
			t.Errorf("%s: %s", field, a.body)
		}
	}
}
