package broker

import (
	"strings"
	"testing"
)

func TestLoginProblems(t *testing.T) {
	for _, tt := range []struct {
		uri  string
		acr  []string
		want string // "" it is fine
	}{
		{"", nil, ""},
		{"https://app.example/login?tenant=1", []string{"urn:mace:incommon:iap:silver", "1"}, ""},
		{"http://app.example/login", nil, "initiate_login_uri"},
		{"http://127.0.0.1/login", nil, "initiate_login_uri"},
		{"javascript:alert(1)", nil, "initiate_login_uri"},
		{"//app.example/login", nil, "initiate_login_uri"},
		{"https:///login", nil, "initiate_login_uri"},
		{"https://broker@app.example/", nil, "initiate_login_uri"},
		{"https://app.example/#", nil, "initiate_login_uri"},
		{"https://app.example/\\@evil.example/", nil, "initiate_login_uri"},
		{"https://app.example/" + strings.Repeat("x", MaxURI), nil, "initiate_login_uri"},
		{"https://app.example/?iss=https://evil.example", nil, "has the parameter %s"},
		{"", []string{""}, "default_acr_values"},
		{"", []string{"a b"}, "default_acr_values"},
		{"", []string{"a\n"}, "default_acr_values"},
		{"", []string{strings.Repeat("x", maxACRValue+1)}, "default_acr_values"},
		{"", make([]string, maxACRValues+1), "at most"},
	} {
		c := Client{Metadata: ClientMetadata{InitiateLoginURI: tt.uri, DefaultACRValues: tt.acr}}
		var said []string
		c.loginProblems(func(field, format string, args ...any) { said = append(said, field+": "+format) })
		if got := strings.Join(said, "; "); (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%q %q: %q", tt.uri, tt.acr, got)
		}
	}
}
