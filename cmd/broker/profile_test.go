package main

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"idbroker/broker"
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

// TestUsersShowTellsWhatPeopleEntered, and a list does not.
func TestUsersShowTellsWhatPeopleEntered(t *testing.T) {
	u := broker.User{ID: "u", Phone: "+41227676111", Address: broker.Address{Street: "1 Esplanade", Locality: "Meyrin"}}
	v := viewUser(u)
	if text, err := json.Marshal(v); err != nil || strings.Contains(string(text), "phone") || strings.Contains(string(text), "address") {
		t.Errorf("a list tells %s, %v", text, err)
	}
	o := newOperator(t)
	o.run("users", "create", "ada@example.org")
	o.sql(`UPDATE users SET phone = '+41227676111', address = '{"street_address":"1 Esplanade","locality":"Meyrin"}'`)
	var shown userView
	o.read(&shown, "users", "show", "ada@example.org")
	if shown.Phone != u.Phone || shown.Address != u.Address {
		t.Errorf("%+v", shown)
	}
	if text := o.run("users", "show", "ada@example.org"); !strings.Contains(text, "+41227676111") || !strings.Contains(text, "1 Esplanade, Meyrin") {
		t.Errorf("%s", text)
	}
}

// sql changes the database behind the broker's back.
func (o *operator) sql(statement string) {
	o.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(o.dir, "broker.db"))
	if err != nil {
		o.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(o.t.Context(), statement); err != nil {
		o.t.Fatal(err)
	}
}
