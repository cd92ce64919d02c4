package volatile

import (
	"strings"
	"testing"
)

// TestAddress: what a URL says.
func TestAddress(t *testing.T) {
	for raw, want := range map[string]address{
		"redis://localhost":                 {network: "tcp", address: "localhost:6379"},
		"redis://localhost/":                {network: "tcp", address: "localhost:6379"},
		"redis://10.0.0.1:7000/3":           {network: "tcp", address: "10.0.0.1:7000", database: 3},
		"redis://[::1]/2":                   {network: "tcp", address: "[::1]:6379", database: 2},
		"redis://[::1]:7":                   {network: "tcp", address: "[::1]:7"},
		"rediss://broker@redis.example.org": {network: "tcp", address: "redis.example.org:6379", user: "broker"},
		"redis://u:p%40ss@h":                {network: "tcp", address: "h:6379", user: "u", password: "p@ss"},
		"redis://:pass@h":                   {network: "tcp", address: "h:6379", password: "pass"},
		"unix:///run/redis.sock":            {network: "unix", address: "/run/redis.sock"},
		"unix://u:p@/run/redis.sock?db=2":   {network: "unix", address: "/run/redis.sock", user: "u", password: "p", database: 2},
	} {
		got, err := parseAddress(raw)
		secure := strings.HasPrefix(raw, "rediss:")
		if secure != (got.tls != nil) || secure && got.tls.ServerName != "redis.example.org" {
			t.Errorf("%s: TLS %+v", raw, got.tls)
		}
		if got.tls = nil; err != nil || got != want {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
	}
	for _, raw := range []string{
		"", "localhost:6379", "redis:localhost", "http://h", "redis://h/x", "redis://h/1/2", "redis://h/-1", "redis://h:x", "redis://h/99999999999999999999",
		"unix://", "unix://?db=1", "unix:///s?db=x", "unix:///s?pool_size=2", "redis://h?dial_timeout=9", "rediss://h?skip_verify=true", "redis://h/0#x", "redis://h?a;b",
	} {
		if got, err := parseAddress(raw); err == nil {
			t.Errorf("%s is %+v", raw, got)
		}
	}
}
