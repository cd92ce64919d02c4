package web

import (
	"net/http/httptest"
	"strings"
	"testing"

	"idbroker/broker"
)

// TestSecretCookie: what we cannot have made is not looked up, however long.
func TestSecretCookie(t *testing.T) {
	made := broker.NewSecret().Reveal()
	for value, ok := range map[string]bool{
		made: true, "": false, made[1:]: false, made + "a": false, strings.Repeat("=", secretLength): false,
		strings.Repeat(".", secretLength): false, strings.Repeat("a", 10_000): false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", sessionCookie+"="+value)
		if got := (cookies{}).secretCookie(r, sessionCookie); (got != "") != ok {
			t.Errorf("%.60q: taken %v, want %v", value, got != "", ok)
		}
	}
}
