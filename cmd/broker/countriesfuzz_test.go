package main

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzCountries: whatever is in a file of countries, it is refused or asked, and the
// broker goes on; what it answers is a code or nothing.
func FuzzCountries(f *testing.F) {
	good := filepath.Join(f.TempDir(), "countries.mmdb")
	writeCountries(f, good, map[string]string{"192.0.2.0/24": "CH", "2001:db8::/32": "FR", "0.0.0.0/1": "", "198.51.100.0/25": "US"})
	b, err := os.ReadFile(good)
	need(f, err)
	f.Add(b, 0, byte(0))
	for i := 0; i < len(b); i += 29 {
		f.Add(b, i, byte(0xff))
		f.Add(b, i, byte(i))
	}
	file := filepath.Join(f.TempDir(), "hostile.mmdb")
	f.Fuzz(func(t *testing.T, b []byte, at int, with byte) {
		if at > 0 && at < len(b) {
			b[at] = with
		}
		need(t, os.WriteFile(file, b, 0o600))
		c, err := newCountries(file)
		if err != nil {
			return
		}
		c.builtAt()
		for _, ip := range []string{"192.0.2.7", "2001:db8::1", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} {
			if code := c.of(ip); code != "" && len(code) != 2 {
				t.Errorf("%s is in %q", ip, code)
			}
		}
	})
}
