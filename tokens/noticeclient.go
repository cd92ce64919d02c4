package tokens

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"idbroker/broker"
)

// Poster posts a form to an application and returns the status of the answer.
// It follows no redirects and refuses addresses that applications have no
// business to be at; broker.Permanent marks what trying again cannot mend.
type Poster interface {
	Post(ctx context.Context, uri string, form url.Values) (status int, err error)
}

// Reach says where applications may be that we write to.
type Reach int

const (
	ReachPublic  Reach = iota // https at public addresses
	ReachPrivate              // and at private networks
	ReachAll                  // and loopback, and plain http: tests, demo
)

// errAddress: the address of an application is not one that we write to.
var errAddress = errors.New("the address is private, and only public ones are reached")

// errPlain: the application's address is not https.
var errPlain = errors.New("plain http is refused")

const (
	// noticeTime bounds one delivery: OpenID Connect Back-Channel Logout 1.0,
	// section 2.8, wants an answer at once, and other entries of the outbox
	// wait meanwhile.
	noticeTime = 5 * time.Second
	// maxNoticeAnswer is how much of an answer is read, in bytes: enough for the
	// error of section 2.8.
	maxNoticeAnswer = 4 << 10
)

// noticeClient is a Poster that goes where reach allows and uses no proxy.
type noticeClient struct {
	reach Reach
	http  http.Client // follows no redirect, keeps no cookie
}

func newNoticeClient(reach Reach) *noticeClient {
	dialer := &net.Dialer{Timeout: noticeTime, ControlContext: reach.control}
	return &noticeClient{reach: reach, http: http.Client{
		Timeout: noticeTime,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: noticeTime, ResponseHeaderTimeout: noticeTime,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
			MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Post implements Poster.
func (c *noticeClient) Post(ctx context.Context, uri string, form url.Values) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, strings.NewReader(form.Encode()))
	switch {
	case err != nil:
		return 0, broker.Permanent(err)
	case r.URL.Scheme != "https" && c.reach != ReachAll:
		return 0, broker.Permanent(errPlain)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "idbroker")
	resp, err := c.http.Do(r)
	if errors.Is(err, errAddress) {
		return 0, broker.Permanent(err)
	}
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxNoticeAnswer)) // the connection serves again
	return resp.StatusCode, nil
}

// control refuses an address after its name has been resolved, so that a DNS
// answer leads us nowhere either.
func (reach Reach) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return errAddress
	}
	ip := ap.Addr().Unmap()
	switch {
	case reach == ReachAll:
		return nil
	case ip.IsLoopback(), ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip.IsUnspecified(),
		slices.ContainsFunc(nowhere, func(p netip.Prefix) bool { return p.Contains(ip) }):
		return errAddress
	case reach != ReachPrivate && (ip.IsPrivate() || carrierNAT.Contains(ip)):
		return errAddress
	}
	return nil
}

// nowhere are further networks that lead inside or nowhere: "this network" (RFC
// 1122), reserved and broadcast (RFC 1112), NAT64 and 6to4 (RFC 6052, RFC
// 3056), behind which any IPv4 address can be.
var nowhere = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"),
}

// carrierNAT is the shared address space of RFC 6598.
var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")
