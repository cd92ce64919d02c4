package tokens

import (
	"context"
	"reflect"
	"testing"

	"github.com/ory/fosite"
)

// unset are the switches of the engine that are off on purpose.
var unset = map[string]bool{
	"DisableRefreshTokenValidation": true, "SendDebugMessagesToClients": true, "EnforcePKCE": true,
	"EnablePKCEPlainChallengeMethod": true, "UseLegacyErrorFormat": true, "GrantTypeJWTBearerCanSkipClientAuth": true,
	"GrantTypeJWTBearerIDOptional": true, "GrantTypeJWTBearerIssuedDateOptional": true, "IsPushedAuthorizeEnforced": true,
	"HTTPClient": true, "MessageCatalog": true, // newEngine says why
}

// TestEngineIsFullyConfigured: the engine writes defaults into fields that are
// not set while other requests read them.
func TestEngineIsFullyConfigured(t *testing.T) {
	s, err := New(nil, Options{Issuer: "https://broker.example", Secret: [32]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	config := reflect.ValueOf(s.engine.(*fosite.Fosite).Config).Elem()
	for i := range config.NumField() {
		name, field := config.Type().Field(i).Name, config.Field(i)
		empty := field.IsZero() || field.Kind() == reflect.Slice && field.IsNil()
		if empty != unset[name] {
			t.Errorf("%s: empty %v, want %v", name, empty, unset[name])
		}
	}
}

// TestEngineFetchesNoKeys: the broker calls nobody whom nobody configured.
func TestEngineFetchesNoKeys(t *testing.T) {
	s, err := New(nil, Options{Issuer: "https://broker.example", Secret: [32]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	config := s.engine.(*fosite.Fosite).Config
	if _, err := config.GetJWKSFetcherStrategy(context.Background()).Resolve(context.Background(), "http://127.0.0.1:1/", true); err == nil {
		t.Error("the engine's key fetcher reaches out")
	}
}
