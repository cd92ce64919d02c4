package providers

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"idbroker/broker"
)

func TestReach(t *testing.T) {
	for _, tt := range []struct {
		address                string
		public, private, inner bool
	}{
		{"93.184.215.14:443", true, true, true},
		{"[2606:2800:21f:cb07::1]:443", true, true, true},
		{"10.1.2.3:443", false, true, true},
		{"172.16.0.1:443", false, true, true},
		{"192.168.1.1:443", false, true, true},
		{"100.64.0.1:443", false, true, true},
		{"[fd00::1]:443", false, true, true},
		{"[::ffff:10.1.2.3]:443", false, true, true},
		{"127.0.0.1:443", false, false, true},
		{"[::1]:443", false, false, true},
		{"[::ffff:127.0.0.1]:443", false, false, true},
		{"169.254.169.254:80", false, false, true}, // metadata services of clouds
		{"[fe80::1]:443", false, false, true},
		{"0.0.0.0:443", false, false, true},
		{"[::]:443", false, false, true},
		{"224.0.0.1:443", false, false, true},
		{"255.255.255.255:443", false, false, true},
		{"0.1.2.3:443", false, false, true},
		{"[64:ff9b::7f00:1]:443", false, false, true},
	} {
		for way, want := range map[reach]bool{reachPublic: tt.public, reachPrivate: tt.private, reachAll: tt.inner} {
			if got := way.control("tcp", tt.address, nil) == nil; got != want {
				t.Errorf("%s with reach %d: %v, want %v", tt.address, way, got, want)
			}
		}
	}
	if err := reachPublic.control("tcp", "nonsense", nil); err == nil {
		t.Error("nonsense is reachable")
	}
}

// A discovery document, or the name of a provider, must not lead us inside.
func TestNoWayInside(t *testing.T) {
	hits := 0
	inside := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits++ }))
	defer inside.Close()
	for _, private := range []bool{false, true} {
		r, err := New(Options{BaseURL: testBase, Apps: []App{{ID: "op", Kind: "oidc", ClientID: "c", Issuer: inside.URL, PrivateNetwork: private}}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Begin(context.Background(), "op", "s", broker.BeginOptions{})
		if !errors.Is(err, errForbiddenAddress) || broker.KindOf(err) != broker.KindUpstream {
			t.Errorf("loopback, private %v: %v", private, err)
		}
	}
	c := newClients(false, limits{}).of(App{})
	if _, err := c.get(context.Background(), strings.Replace(inside.URL, "https", "http", 1), "", ""); !errors.Is(err, errPlainHTTP) {
		t.Errorf("plain http: %v", err)
	}
	if hits > 0 {
		t.Errorf("%d requests arrived", hits)
	}
}

func TestUnknownCertificateIsRefused(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	_, err := newClients(true, limits{}).of(App{}).get(context.Background(), s.URL, "", "")
	if got := classify(err); !errors.Is(got, ErrUpstream) {
		t.Errorf("%v", got)
	}
}

func TestCheckURL(t *testing.T) {
	for _, tt := range []struct {
		url       string
		ok, plain bool
	}{
		{"https://op.example", true, true},
		{"https://op.example:8443/realms/x?y=z", true, true},
		{"http://op.example", false, true},
		{"HTTPS://op.example", true, true},
		{"", false, false}, {"op.example", false, false}, {"/path", false, false}, {"//op.example", false, false},
		{"https://", false, false}, {"https:op.example", false, false}, {"ftp://op.example", false, false},
		{"file:///etc/passwd", false, false}, {"javascript:alert(1)", false, false}, {"gopher://x/", false, false},
		{"https://a:b@op.example", false, false}, {"https://op.example/#x", false, false}, {"https://op.example/#", false, false},
		{"https://op.example/\n", false, false},
	} {
		if got := checkURL(tt.url, false) == nil; got != tt.ok {
			t.Errorf("%q: %v", tt.url, got)
		}
		if got := checkURL(tt.url, true) == nil; got != tt.plain {
			t.Errorf("%q with http: %v", tt.url, got)
		}
	}
}
