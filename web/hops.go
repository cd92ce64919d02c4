package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// maxForwarded bounds how much of an X-Forwarded header is looked at, in bytes from
// the right, where our own proxies write. A chain of ten IPv6 proxies stays under it.
const maxForwarded = 1024

// clientIP is the address of whoever sent the request to the outermost of
// hops trusted proxies. Each proxy appends the address that it sees, so with
// N proxies of ours the Nth entry from the right was written by the outermost
// one; everything left of it was written by a stranger. With fewer entries
// the request did not come through all of them, and the peer of the
// connection is the only address that cannot be made up.
func clientIP(r *http.Request, hops int) string {
	if v, ok := forwarded(r, "X-Forwarded-For", hops); ok {
		if ip := parseIP(v); ip != "" {
			return ip
		}
	}
	return parseIP(r.RemoteAddr)
}

// forwardedHTTP tells whether the outermost trusted proxy received the
// request without TLS. It is false where no proxy is trusted, or where it
// does not say.
func forwardedHTTP(r *http.Request, hops int) bool {
	v, ok := forwarded(r, "X-Forwarded-Proto", hops)
	return ok && strings.EqualFold(v, "http")
}

// forwarded is the hops-th entry from the right of a list header, all lines
// of it taken together. Whatever a stranger writes at the left, however long, does
// not keep ours from being read: they would have the address of our proxy, which
// limits may not count.
func forwarded(r *http.Request, header string, hops int) (string, bool) {
	if hops < 1 {
		return "", false
	}
	all := strings.Join(r.Header.Values(header), ",")
	if all == "" {
		return "", false
	}
	cut := len(all) > maxForwarded
	if cut {
		all = all[len(all)-maxForwarded:]
	}
	entries := strings.Split(all, ",")
	if len(entries) < hops || cut && len(entries) == hops { // too few, or the one is not whole
		return "", false
	}
	return strings.TrimSpace(entries[len(entries)-hops]), true
}

// parseIP reads an address with or without a port, and without a zone; "" where it is
// none.
func parseIP(s string) string {
	s = strings.Trim(s, `"`)
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	ip, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return ""
	}
	return ip.Unmap().WithZone("").String()
}
