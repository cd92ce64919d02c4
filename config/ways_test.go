package config

import (
	"strings"
	"testing"
)

// TestWaysIn: a broker that nobody can sign in to does not start.
func TestWaysIn(t *testing.T) {
	const provider = "providers: [{id: orcid, kind: orcid, client_id: x, client_secret: y}]\n"
	named, numbered := "server: {base_url: \"http://localhost:8080\"}\n", "server: {base_url: \"http://127.0.0.1:8080\"}\n"
	for _, tt := range []struct {
		name, file, path string // path of the problem; "" none
		warns            string
	}{
		{"default", "", "", ""},
		{"nothing", named + "accounts: {passwords: false, passkeys: never}\n", "accounts.passwords", ""},
		{"codes that only link", named + "accounts: {passwords: false, passkeys: never, email_codes: link}\n", "accounts.passwords", ""},
		{"codes", named + "accounts: {passwords: false, passkeys: never, email_codes: sign_in}\n", "", ""},
		{"passkeys at a name", named + "accounts: {passwords: false}\n", "", "no way back"},
		{"passkeys at an address", numbered + "accounts: {passwords: false}\n", "accounts.passkeys", ""},
		{"passkeys at the address of the listener", "accounts: {passwords: false}\n", "accounts.passkeys", ""},
		{"a provider", numbered + provider + "accounts: {passwords: false, passkeys: never}\n", "", ""},
		{"a provider that is hidden", numbered + strings.Replace(provider, "client_id", "hidden: true, client_id", 1) + "accounts: {passwords: false, passkeys: never}\n", "accounts.passwords", ""},
		{"a provider that only links", numbered + strings.Replace(provider, "client_id", "link_only: true, client_id", 1) + "accounts: {passwords: false, passkeys: never}\n", "accounts.passwords", ""},
		{"usernames alone", "accounts: {identifiers: [username]}\n", "", "everybody needs one"},
	} {
		c, err := Parse("broker.yaml", []byte(tt.file), nil)
		switch {
		case tt.path == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.path != "" && (err == nil || !strings.Contains(err.Error(), tt.path) || !strings.Contains(err.Error(), "accounts.email_codes: sign_in")):
			t.Errorf("%s: %v", tt.name, err)
		case tt.warns != "" && !strings.Contains(strings.Join(c.Warnings(), "\n"), tt.warns):
			t.Errorf("%s: warnings %q", tt.name, c.Warnings())
		}
	}
}
