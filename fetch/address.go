package fetch

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
)

// Reasons for which nothing is fetched; Error wraps one of them.
var (
	ErrAddress = errors.New("the address is not on the public Internet, and the configuration does not open its network")
	ErrURL     = errors.New("the URL is not https with a host, or carries credentials")
)

// maxURL bounds a URL: the specifications give request_uri 512 characters
// (OpenID Connect Core 1.0, section 6.2), and browsers give others about 2000.
const maxURL = 2048

// CheckURL tells what is wrong with a URL before anybody is asked. plain
// permits http.
func CheckURL(raw string, plain bool) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil, len(raw) > maxURL, strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }):
		return fmt.Errorf("%w: it is no URL of at most %d printable ASCII characters", ErrURL, maxURL)
	case u.Scheme != "https" && !(plain && u.Scheme == "http"), u.Hostname() == "", u.Opaque != "", u.User != nil:
		return ErrURL
	}
	return nil
}

// global is the unicast space of IPv6 that is routed (RFC 4291, section 2.4).
// What leads to IPv4 in disguise is outside of it, or in closed.
var global = netip.MustParsePrefix("2000::/3")

// closed are the networks that are no part of the public Internet (RFC 6890 and
// the IANA special-purpose registries).
var closed = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
)

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// public tells whether an address is one of the public Internet.
func public(ip netip.Addr) bool {
	if !ip.Is4() && !global.Contains(ip) {
		return false
	}
	return !within(closed, ip)
}

func within(list []netip.Prefix, ip netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// control is called for each address that a connection is about to be made to,
// after names were resolved: what a name meant a moment ago does not count.
func (c *Client) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return ErrAddress
	}
	ip := ap.Addr().WithZone("").Unmap()
	if !public(ip) && !within(c.o.Networks, ip) {
		return ErrAddress
	}
	return nil
}
