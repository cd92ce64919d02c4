package web

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// TestClientIP is the attack on X-Forwarded-For: a client writes what it likes
// at the left, and only what our own proxies appended may count.
func TestClientIP(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		hops  int
		want  string
	}{
		{"no proxy, no header", nil, 0, "192.0.2.9"},
		{"no proxy, forged", []string{"203.0.113.1"}, 0, "192.0.2.9"},
		{"one proxy", []string{"203.0.113.7"}, 1, "203.0.113.7"},
		{"one proxy, forged before it", []string{"10.0.0.1, 203.0.113.7"}, 1, "203.0.113.7"},
		{"one proxy, forged in a line of its own", []string{"10.0.0.1", "203.0.113.7"}, 1, "203.0.113.7"},
		{"two proxies", []string{"203.0.113.7, 198.51.100.2"}, 2, "203.0.113.7"},
		{"two proxies, forged", []string{"1.1.1.1, 203.0.113.7, 198.51.100.2"}, 2, "203.0.113.7"},
		{"two proxies, one passed by", []string{"203.0.113.7"}, 2, "192.0.2.9"},
		{"one proxy, no header", nil, 1, "192.0.2.9"},
		{"with a port", []string{"203.0.113.7:4711"}, 1, "203.0.113.7"},
		{"IPv6", []string{"2001:db8::1"}, 1, "2001:db8::1"},
		{"IPv6 with a port", []string{"[2001:db8::1]:443"}, 1, "2001:db8::1"},
		{"IPv6 with a zone", []string{"fe80::1%eth0"}, 1, "fe80::1"},
		{"IPv4 in IPv6", []string{"::ffff:203.0.113.7"}, 1, "203.0.113.7"},
		{"garbage", []string{"unknown"}, 1, "192.0.2.9"},
		{"markup", []string{"<script>alert(1)</script>"}, 1, "192.0.2.9"},
		{"huge, forged", []string{strings.Repeat("1.1.1.1,", 1000) + "203.0.113.7"}, 1, "203.0.113.7"},
		{"huge, forged in a line of its own", []string{strings.Repeat("x", 5000), "203.0.113.7"}, 1, "203.0.113.7"},
		{"huge, forged before two proxies", []string{strings.Repeat("1.1.1.1,", 1000) + "203.0.113.7, 198.51.100.2"}, 2, "203.0.113.7"},
		{"huge and one entry", []string{strings.Repeat("1", 5000)}, 1, "192.0.2.9"},
		{"cut in an address", []string{"1203.0.113.7" + strings.Repeat(" ", 1024-11)}, 1, "192.0.2.9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = "192.0.2.9:1234"
			for _, l := range tt.lines {
				r.Header.Add("X-Forwarded-For", l)
			}
			if got := clientIP(r, tt.hops); got != tt.want {
				t.Errorf("clientIP = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestForwardedHTTP(t *testing.T) {
	for _, tt := range []struct {
		header string
		hops   int
		want   bool
	}{
		{"http", 0, false}, // forged: no proxy is trusted
		{"http", 1, true},
		{"HTTP", 1, true},
		{"https", 1, false},
		{"http, https", 1, false},
		{"https, http", 1, true},
		{"http, https", 2, true},
		{"", 1, false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if tt.header != "" {
			r.Header.Set("X-Forwarded-Proto", tt.header)
		}
		if got := forwardedHTTP(r, tt.hops); got != tt.want {
			t.Errorf("%q behind %d: %v, want %v", tt.header, tt.hops, got, tt.want)
		}
	}
}

// FuzzForwarded: whatever strangers and proxies write, an address comes out, or
// nothing.
func FuzzForwarded(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "192.0.2.1, 198.51.100.7:80", `"[2001:db8::1]:443", ::ffff:192.0.2.1`, "fe80::1%eth0", ",,,", "unknown", "[", `"`} {
		f.Add(s, s, 2)
	}
	f.Fuzz(func(t *testing.T, header, peer string, hops int) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["X-Forwarded-For"], r.RemoteAddr = []string{header}, peer
		forwardedHTTP(r, hops)
		got := clientIP(r, hops)
		if ip, err := netip.ParseAddr(got); got != "" && (err != nil || ip.Zone() != "" || ip.String() != got) {
			t.Errorf("%q", got)
		}
	})
}
