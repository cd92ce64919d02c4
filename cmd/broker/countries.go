package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

// maxCountries bounds the file: those of countries have ten megabytes, those of cities,
// which serve too, less than this.
const maxCountries = 256 << 20

// countries knows in which country an address is. Its file can be replaced while it
// is asked. It is read into memory: a mapped file that is written over in place would
// end the process.
type countries struct {
	file    string
	current atomic.Pointer[maxminddb.Reader]
}

// newCountries reads the configured file; nil where none is configured.
func newCountries(file string) (*countries, error) {
	if file == "" {
		return nil, nil
	}
	c := &countries{file: file}
	return c, c.reload()
}

// reload reads the file again. One that cannot be used leaves the one before in service.
func (c *countries) reload() error {
	info, err := os.Stat(c.file)
	switch {
	case err != nil:
		return fmt.Errorf("sessions.countries: %w", err)
	case !info.Mode().IsRegular() || info.Size() > maxCountries:
		return fmt.Errorf("sessions.countries: %s is no file of at most %d MiB; use one of countries, such as GeoLite2-Country.mmdb", c.file, maxCountries>>20)
	}
	b, err := os.ReadFile(c.file)
	if err != nil {
		return fmt.Errorf("sessions.countries: %w", err)
	}
	r, err := maxminddb.OpenBytes(b)
	if err != nil {
		return fmt.Errorf("sessions.countries: %s is not in MaxMind's format (.mmdb): %w", c.file, err)
	}
	if err := knowsCountries(r); err != nil {
		return fmt.Errorf("sessions.countries: %s: %w", c.file, err)
	}
	c.current.Store(r)
	return nil
}

// errNoCountries: the file knows something else of addresses, such as their networks.
var errNoCountries = errors.New(`no address in it has a country (country.iso_code); use a file such as GeoLite2-Country.mmdb`)

// lookedAt is how many networks of a file are asked for a country before it is refused.
const lookedAt = 1000

func knowsCountries(r *maxminddb.Reader) error {
	seen := 0
	for result := range r.Networks() {
		if err := result.Err(); err != nil {
			return err
		}
		var code string
		if err := result.DecodePath(&code, "country", "iso_code"); err == nil && code != "" {
			return nil
		}
		if seen++; seen == lookedAt {
			break
		}
	}
	return errNoCountries
}

// of is the country of an address, by its code of ISO 3166-1; "" not known.
func (c *countries) of(ip string) string {
	if c == nil {
		return ""
	}
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	var code string
	if err := c.current.Load().Lookup(addr.Unmap().WithZone("")).DecodePath(&code, "country", "iso_code"); err != nil || len(code) != 2 {
		return ""
	}
	return code
}

// builtAt is when the file was made; zero where there is none.
func (c *countries) builtAt() time.Time {
	if c == nil {
		return time.Time{}
	}
	return c.current.Load().Metadata.BuildTime()
}
