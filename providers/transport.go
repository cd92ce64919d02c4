package providers

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

const (
	// maxBody bounds what a provider can make us hold: 1 MiB is far more than
	// any document of theirs that we read.
	maxBody = 1 << 20
	// maxHeader bounds response headers.
	maxHeader = 64 << 10
	// maxRedirects of a GET.
	maxRedirects = 3
	// userAgent is required by some APIs, and tells their operators whom to
	// ask.
	userAgent = "idbroker"

	dialTimeout   = 3 * time.Second
	tlsTimeout    = 5 * time.Second
	headerTimeout = 8 * time.Second
)

var (
	errTooLarge         = fmt.Errorf("the answer is larger than %d bytes", maxBody)
	errPlainHTTP        = errors.New("plain http is refused")
	errForbiddenAddress = errors.New("the address is private; private_network opens private networks to an app")
	errRedirect         = errors.New("a redirect that is not followed")
)

// reach says which addresses an app may be at.
type reach int

const (
	reachPublic  reach = iota
	reachPrivate       // and private networks
	reachAll           // and loopback, and plain http
)

// clients makes the clients of apps; apps of one reach share connections.
type clients struct {
	all    bool
	limits limits
	byWay  map[reach]*client
}

func newClients(all bool, l limits) *clients {
	return &clients{all: all, limits: l.withDefaults(), byWay: map[reach]*client{}}
}

// of returns the client of an app.
func (cs *clients) of(app App) *client {
	way := reachPublic
	switch {
	case cs.all:
		way = reachAll
	case app.PrivateNetwork:
		way = reachPrivate
	}
	if cs.byWay[way] == nil {
		cs.byWay[way] = newClient(way, cs.limits)
	}
	return cs.byWay[way]
}

func newClient(way reach, l limits) *client {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: way.control}
	return &client{limits: l, http: &http.Client{
		Transport: &transport{way: way, next: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: tlsTimeout, ResponseHeaderTimeout: min(headerTimeout, l.call),
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
			MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: maxHeader,
		}},
		CheckRedirect: checkRedirect,
	}}
}

// checkRedirect follows a GET within its host and scheme. A POST is not
// followed: it carries a code and our secret.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case first.Method != http.MethodGet:
		return http.ErrUseLastResponse
	case len(via) > maxRedirects, req.URL.Host != first.URL.Host, req.URL.Scheme != first.URL.Scheme:
		return errRedirect
	}
	return nil
}

// control refuses addresses after the name has been resolved, so that neither a
// discovery document nor a DNS answer leads us inside.
func (way reach) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return errForbiddenAddress
	}
	ip := ap.Addr().Unmap()
	switch {
	case way == reachAll:
		return nil
	case ip.IsLoopback(), ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip.IsUnspecified(),
		slices.ContainsFunc(closed, func(p netip.Prefix) bool { return p.Contains(ip) }):
		return errForbiddenAddress
	case (ip.IsPrivate() || carrierNAT.Contains(ip)) && way != reachPrivate:
		return errForbiddenAddress
	}
	return nil
}

// closed are further networks that lead inside or nowhere: "this network" (RFC
// 1122), reserved and broadcast (RFC 1112), and NAT64 (RFC 6052), behind which
// any IPv4 address can be.
var closed = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96")}

// carrierNAT is the shared address space of RFC 6598.
var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// transport reads the whole answer within bounds, and refuses JSON whose
// meaning depends on the reader: every caller, x/oauth2 and go-oidc included,
// sees checked bytes.
type transport struct {
	way  reach
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && t.way != reachAll {
		return nil, errPlainHTTP
	}
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", userAgent)
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "application/json")
	}
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	_ = resp.Body.Close()
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxBody:
		return nil, errTooLarge
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if (answer{Header: resp.Header}).isJSON() && resp.StatusCode < 300 && len(body) > 0 {
		if err := checkJSON(body); err != nil {
			return nil, err
		}
	}
	return resp, nil
}
