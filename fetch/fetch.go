package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

const (
	maxBody     = 256 << 10 // a hundred keys of 4096 bits take 80 KiB
	maxHeader   = 16 << 10
	userAgent   = "idbroker"
	idleConn    = 30 * time.Second // for the next notice of the same sign-out
	callTimeout = 5 * time.Second  // somebody waits in a browser meanwhile
	// minInterval is between two requests for one URL. Who sends us assertions
	// with made-up key ids makes us ask twice a minute at most.
	minInterval = 30 * time.Second
	// maxFlights at once, over all URLs: as many as slow servers can hold.
	maxFlights = 32
	// maxKept documents and failures; the oldest make room.
	maxKept = 1000
)

// Reasons for which a document is not there; Error wraps one of them.
var (
	ErrStatus   = errors.New("the answer is not 200")
	ErrRedirect = errors.New("the answer is a redirect, and none is followed")
	ErrSize     = fmt.Errorf("the answer is larger than %d bytes", maxBody)
	ErrBusy     = errors.New("too many requests are under way")
)

// Options configures a Client. The zero value of a field is its default.
type Options struct {
	// Networks are open beside the public Internet: those of applications that
	// run inside. nil: none.
	Networks  []netip.Prefix
	PlainHTTP bool           // http beside https: for tests and for a broker on loopback
	Roots     *x509.CertPool // nil: those of the system
	Resolver  *net.Resolver  // nil: that of the system

	Timeout     time.Duration // of one request, from the name to the last byte; 0: 5 seconds
	MinInterval time.Duration // between requests for one URL; 0: 30 seconds
	Header      http.Header   // sent with each request beside our own; nil: nothing
	Accept      string        // what is asked for; "": keys and request objects
	Kept        int           // documents and failures that are remembered; 0: 1000
}

// acceptDocuments is what is asked for by itself.
const acceptDocuments = "application/json, application/jwk-set+json, application/oauth-authz-req+jwt, application/jwt, */*;q=0.1"

// Client fetches. It is safe for concurrent use.
type Client struct {
	o       Options
	http    *http.Client
	posts   *http.Client // keeps connections for a while: many notices go to one application
	flights chan struct{}
	cache   cache
}

// New returns a Client.
func New(o Options) *Client {
	if o.Timeout == 0 {
		o.Timeout = callTimeout
	}
	if o.MinInterval == 0 {
		o.MinInterval = minInterval
	}
	if o.Accept == "" {
		o.Accept = acceptDocuments
	}
	c := &Client{o: o, flights: make(chan struct{}, maxFlights), cache: cache{entries: map[string]*entry{}, kept: o.Kept}}
	dialer := &net.Dialer{Timeout: o.Timeout, Resolver: o.Resolver, Control: c.control}
	c.http, c.posts = c.client(dialer, false), c.client(dialer, true)
	return c
}

// client keeps to the addresses that control permits.
func (c *Client) client(dialer *net.Dialer, keep bool) *http.Client {
	return &http.Client{
		Timeout: c.o.Timeout,
		// No proxy: it would resolve names where control cannot look.
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: c.o.Timeout, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.o.Roots},
			ForceAttemptHTTP2: true, DisableKeepAlives: !keep, MaxIdleConnsPerHost: 1, IdleConnTimeout: idleConn, MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Get returns the document at a URL, at most maxAge old. 0 is as fresh as may
// be: no URL is asked for again within Options.MinInterval, and what was
// learned then, document or failure, is the answer meanwhile. Several that want
// one URL at once share one request.
func (c *Client) Get(ctx context.Context, url string, maxAge time.Duration) ([]byte, error) {
	if err := CheckURL(url, c.o.PlainHTTP); err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	body, f, mine, err := c.cache.claim(url, maxAge, c.o.MinInterval, time.Now())
	if f == nil {
		return body, err
	}
	if mine {
		// Whoever wanted it first may go; the others still wait.
		go func() {
			body, err := c.call(context.WithoutCancel(ctx), url)
			c.cache.land(f, body, err, time.Now())
		}()
	}
	select {
	case <-f.done:
		return f.body, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// call asks for a document.
func (c *Client) call(ctx context.Context, url string) ([]byte, error) {
	select {
	case c.flights <- struct{}{}:
		defer func() { <-c.flights }()
	default:
		return nil, fmt.Errorf("fetch: %w", ErrBusy)
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	r.URL.Fragment = ""
	for name, values := range c.o.Header {
		r.Header[name] = values
	}
	r.Header.Set("User-Agent", userAgent)
	r.Header.Set("Accept", c.o.Accept)
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return nil, fmt.Errorf("fetch: %w", ErrRedirect)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("fetch: %w: %d", ErrStatus, resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("fetch: %w", err)
	case len(body) > maxBody:
		return nil, fmt.Errorf("fetch: %w", ErrSize)
	}
	return body, nil // never nil
}
