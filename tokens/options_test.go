package tokens

import (
	"strings"
	"testing"
	"time"
)

func TestOptions(t *testing.T) {
	secret := [32]byte{1}
	for _, tt := range []struct {
		name string
		o    Options
		want string // part of the error; "" none
	}{
		{"defaults", Options{Issuer: "https://broker.example", Secret: secret}, ""},
		{"loopback", Options{Issuer: "http://127.0.0.1:8080", Secret: secret}, ""},
		{"with a path", Options{Issuer: "https://broker.example/id", Secret: secret}, ""},
		{"no issuer", Options{Secret: secret}, "issuer"},
		{"no secret", Options{Issuer: "https://broker.example"}, "secret is missing"},
		{"query", Options{Issuer: "https://broker.example?x", Secret: secret}, "without query"},
		{"fragment", Options{Issuer: "https://broker.example#x", Secret: secret}, "without query"},
		{"scheme", Options{Issuer: "ftp://broker.example", Secret: secret}, "http or https"},
		{"no host", Options{Issuer: "https:///x", Secret: secret}, "http or https"},
		{"credentials", Options{Issuer: "https://a:b@broker.example", Secret: secret}, "http or https"},
		{"code too long", Options{Issuer: "https://broker.example", Secret: secret, CodeLifetime: 11 * time.Minute}, "code lifetime is 11m0s"},
		{"negative", Options{Issuer: "https://broker.example", Secret: secret, AccessLifetime: -1}, "access token lifetime"},
		{"two at once", Options{Issuer: "x", Secret: secret, KeyOverlap: time.Millisecond}, "key overlap"},
	} {
		_, err := New(nil, tt.o)
		if got := ""; err != nil {
			got = err.Error()
			if tt.want == "" || !strings.Contains(got, tt.want) {
				t.Errorf("%s: New: %v, want %q", tt.name, err, tt.want)
			}
		} else if tt.want != "" {
			t.Errorf("%s: New: no error, want %q", tt.name, tt.want)
		}
	}
	if _, err := New(nil, Options{Issuer: "x"}); err == nil || !strings.Contains(err.Error(), "issuer") || !strings.Contains(err.Error(), "secret") {
		t.Errorf("New tells %v, not every problem", err)
	}
}

func TestRefreshGraceCanBeTurnedOff(t *testing.T) {
	for grace, want := range map[time.Duration]time.Duration{0: refreshGrace, -1: 0, time.Second: time.Second} {
		o, err := Options{Issuer: "https://broker.example", Secret: [32]byte{1}, RefreshGrace: grace}.complete()
		if err != nil || o.RefreshGrace != want {
			t.Errorf("grace %s becomes %s, %v, want %s", grace, o.RefreshGrace, err, want)
		}
	}
}
