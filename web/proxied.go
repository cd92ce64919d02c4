package web

import (
	"net"
	"net/http"
)

// hearOfProxy warns, once, of a proxy that nobody told us of: what it says of the
// clients is ignored, so all of them seem to come from it. Where it runs on this host
// they come from loopback, which no limit counts.
func (s *Server) hearOfProxy(r *http.Request) {
	if s.o.TrustedHops > 0 || s.proxied.Load() || r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == "" {
		return
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() && !ip.IsPrivate() {
		return // anybody on the Internet can send a header
	}
	if s.proxied.CompareAndSwap(false, true) {
		s.log.WarnContext(r.Context(), "a proxy that server.trusted_hops does not count: limits for networks and the log take it for the client; set server.trusted_hops to the number of your proxies", "proxy", host)
	}
}
