package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

func need(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// writeCountries writes a file of countries as MaxMind's have them, by network.
func writeCountries(t testing.TB, file string, of map[string]string) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test-Country", IncludeReservedNetworks: true})
	need(t, err)
	for network, code := range of {
		_, n, err := net.ParseCIDR(network)
		need(t, err)
		country := mmdbtype.Map{"iso_code": mmdbtype.String(code), "names": mmdbtype.Map{"en": mmdbtype.String("Somewhere")}}
		record := mmdbtype.Map{"country": country, "continent": mmdbtype.Map{"code": mmdbtype.String("EU")}}
		if code == "" {
			record = mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64496)}
		}
		need(t, tree.Insert(n, record))
	}
	f, err := os.Create(file)
	need(t, err)
	_, err = tree.WriteTo(f)
	need(t, err)
	need(t, f.Close())
}

// TestCountries: a file is asked, one that is replaced is asked from then on, and one
// that cannot be used leaves the one before.
func TestCountries(t *testing.T) {
	file := filepath.Join(t.TempDir(), "countries.mmdb")
	writeCountries(t, file, map[string]string{"192.0.2.0/24": "CH", "2001:db8::/32": "FR"})
	c, err := newCountries(file)
	need(t, err)
	for ip, want := range map[string]string{
		"192.0.2.7": "CH", "::ffff:192.0.2.7": "CH", "2001:db8::1": "FR", "fe80::1%eth0": "", "198.51.100.1": "", "": "", "no address": "",
	} {
		if got := c.of(ip); got != want {
			t.Errorf("%q is in %q, want %q", ip, got, want)
		}
	}
	if c.builtAt().IsZero() {
		t.Error("it was never built")
	}
	writeCountries(t, file, map[string]string{"192.0.2.0/24": "DE"})
	need(t, c.reload())
	if got := c.of("192.0.2.7"); got != "DE" {
		t.Errorf("after the reload: %q", got)
	}
	need(t, os.WriteFile(file, []byte("half a file"), 0o600))
	if err := c.reload(); err == nil || !strings.Contains(err.Error(), "sessions.countries") {
		t.Errorf("a broken file: %v", err)
	}
	if got := c.of("192.0.2.7"); got != "DE" {
		t.Errorf("after a broken file: %q", got)
	}
	var none *countries
	if got := none.of("192.0.2.7"); got != "" || !none.builtAt().IsZero() {
		t.Errorf("without a file: %q", got)
	}
}

// TestCountriesAreRefused: what is no such file is said before anything is served.
func TestCountriesAreRefused(t *testing.T) {
	dir := t.TempDir()
	networks := filepath.Join(dir, "asn.mmdb")
	writeCountries(t, networks, map[string]string{"192.0.2.0/24": ""})
	text := filepath.Join(dir, "text.mmdb")
	need(t, os.WriteFile(text, []byte("no such format"), 0o600))
	for file, want := range map[string]string{
		filepath.Join(dir, "none"): "no such file", dir: "is no file", text: "is not in MaxMind's format", networks: "no address in it has a country",
	} {
		if _, err := newCountries(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", filepath.Base(file), err, want)
		}
	}
}

// TestHangUpSwapsTheCountries: the file is read again while the broker serves.
func TestHangUpSwapsTheCountries(t *testing.T) {
	file := filepath.Join(t.TempDir(), "countries.mmdb")
	writeCountries(t, file, map[string]string{"192.0.2.0/24": "CH"})
	r := newOperator(t).set("BROKER_SESSIONS__COUNTRIES=" + file).serve()
	writeCountries(t, file, map[string]string{"192.0.2.0/24": "DE"})
	r.signal(syscall.SIGHUP)
	r.await("the reload", func() bool { return strings.Contains(r.err.String(), `"countries reloaded"`) })
	need(t, os.WriteFile(file, []byte("garbage"), 0o600))
	r.signal(syscall.SIGHUP)
	r.await("the refusal", func() bool { return strings.Contains(r.err.String(), "countries not reloaded") })
	r.stop()
}
