package main

import (
	"encoding/json"
	"slices"
	"testing"

	"idbroker/config"
)

// TestProfileSettings: what the operator asks people for is what discovery tells
// applications.
func TestProfileSettings(t *testing.T) {
	o := newOperator(t).set("BROKER_ACCOUNTS__PROFILE__PHONE=true")
	r := o.serve()
	_, body := get(t, r.base+"/.well-known/openid-configuration")
	r.stop()
	var m struct {
		Scopes []string `json:"scopes_supported"`
		Claims []string `json:"claims_supported"`
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	for what, told := range map[string]bool{
		"phone": slices.Contains(m.Scopes, "phone"), "phone_number": slices.Contains(m.Claims, "phone_number"),
		"no address": !slices.Contains(m.Scopes, "address"), "no address claim": !slices.Contains(m.Claims, "address"),
	} {
		if !told {
			t.Errorf("%s: scopes %v, claims %v", what, m.Scopes, m.Claims)
		}
	}
}

// TestLogosCanBeTurnedOff: nothing fetches them then.
func TestLogosCanBeTurnedOff(t *testing.T) {
	if logos(config.Config{}, "https://id.example.org") != nil {
		t.Error("logos are fetched")
	}
	on := config.Config{Applications: config.Applications{Logos: true}}
	if logos(on, "https://id.example.org") == nil {
		t.Error("no logos are fetched")
	}
	if _, err := logos(on, "https://id.example.org").Get(t.Context(), "https://127.0.0.1:1/logo.png", 0); err == nil {
		t.Error("inside")
	}
}
