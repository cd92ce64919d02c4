package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"idbroker/config"
)

// maxCountries bounds the file: those of countries have ten megabytes, those of cities,
// which serve too, less than this.
const maxCountries = 256 << 20

// countriesFix is what to do about a file that cannot be used.
const countriesFix = "name one of countries, such as GeoLite2-Country.mmdb, that the broker may read, or remove the setting"

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
	const path = "sessions.countries"
	info, err := os.Stat(c.file)
	switch {
	case err != nil:
		return config.Unreadable(path, c.file, err, countriesFix)
	case !info.Mode().IsRegular() || info.Size() > maxCountries:
		return config.Unfit(path, c.file, fmt.Sprintf("is no file of at most %d MiB", maxCountries>>20), countriesFix)
	}
	b, err := os.ReadFile(c.file)
	if err != nil {
		return config.Unreadable(path, c.file, err, countriesFix)
	}
	r, err := maxminddb.OpenBytes(b)
	if err != nil {
		return config.Unfit(path, c.file, "is not in MaxMind's format (.mmdb): "+err.Error(), countriesFix)
	}
	if err := knowsCountries(r); err != nil {
		return config.Unfit(path, c.file, "is of no use: "+err.Error(), countriesFix)
	}
	c.current.Store(r)
	return nil
}

// errNoCountries: the file knows something else of addresses, such as their networks.
var errNoCountries = errors.New("no address in it has a country (country.iso_code)")

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
