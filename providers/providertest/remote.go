package providertest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// remote is what the fakes of GitHub, ORCID and Globus share: a server with its
// own state and clock, a log of what reached it, scripted troubles, and the
// browser sessions of people who are signed in there.
type remote struct {
	// URL is the site's own address, without a slash at the end.
	URL string

	server *httptest.Server
	client *http.Client

	mu       sync.Mutex
	shift    time.Duration
	log      []Exchange
	troubles []scripted
	visitors map[string]string // session cookie → key of the person
}

// Exchange is one request that reached a fake, as it came over the wire.
type Exchange struct {
	Method, Host, Path string
	Query              url.Values
	Header             http.Header
	Body               string // raw
}

// Form is the body read as a form; nil where it is none.
func (e Exchange) Form() url.Values {
	f, err := url.ParseQuery(e.Body)
	if err != nil {
		return nil
	}
	return f
}

// maxLogged bounds the body of a logged request; the fakes read no more of it either.
const maxLogged = 64 << 10

// start serves h. Without hosts it is plain HTTP on loopback. With hosts it is
// HTTPS under these names, the first of which is the site, and only Client
// finds the way there.
func (r *remote) start(t testing.TB, h http.Handler, hosts ...string) {
	t.Helper()
	r.visitors = map[string]string{}
	r.server = httptest.NewUnstartedServer(r.watch(h))
	if len(hosts) == 0 {
		r.server.Start()
		r.URL = r.server.URL
		r.client = &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	} else {
		cert, pool := certificate(t, hosts)
		r.server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		r.server.StartTLS()
		r.URL = "https://" + hosts[0]
		addr := r.server.Listener.Addr().String()
		r.client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, addr)
			},
		}}
	}
	t.Cleanup(func() {
		r.client.CloseIdleConnections()
		r.server.CloseClientConnections()
		r.server.Close()
	})
}

// Client reaches the fake under whatever names it has.
func (r *remote) Client() *http.Client { return r.client }

// watch logs each request and lets the next scripted trouble happen.
func (r *remote) watch(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(req.Body, maxLogged))
		req.Body = io.NopCloser(bytes.NewReader(body))
		r.mu.Lock()
		r.log = append(r.log, Exchange{
			Method: req.Method, Host: req.Host, Path: req.URL.Path, Query: req.URL.Query(),
			Header: req.Header.Clone(), Body: string(body),
		})
		trouble := r.nextTrouble(req.URL.Path)
		r.mu.Unlock()
		if trouble != nil {
			trouble(w, req, h.ServeHTTP)
			return
		}
		h.ServeHTTP(w, req)
	})
}

// Now is the fake's time.
func (r *remote) Now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Add(r.shift)
}

// Advance moves the fake's clock on.
func (r *remote) Advance(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shift += d
}

// Exchanges returns what reached paths that end in suffix, oldest first.
func (r *remote) Exchanges(suffix string) []Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Exchange
	for _, e := range r.log {
		if strings.HasSuffix(e.Path, suffix) {
			out = append(out, e)
		}
	}
	return out
}

// visitorCookie is the session cookie of a person at a fake.
const visitorCookie = "fake_session"

// visitor is who is signed in there in this browser; "" nobody.
func (r *remote) visitor(req *http.Request) string {
	c, err := req.Cookie(visitorCookie)
	if err != nil {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.visitors[c.Value]
}

// remember signs the person in there in this browser.
func (r *remote) remember(w http.ResponseWriter, key string) {
	id := randomText(16)
	r.mu.Lock()
	r.visitors[id] = key
	r.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: visitorCookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// randomText returns n random bytes in base64url.
func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// writePage answers with an HTML page.
func writePage(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<!doctype html><title>fake</title>"+body)
}

// withQuery adds parameters to the query of a redirect URI, keeping its own.
func withQuery(uri string, pairs ...string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return uri
	}
	q := u.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// sortedCopy is a sorted copy without duplicates and empty words.
func sortedCopy(words []string) []string {
	out := slices.DeleteFunc(slices.Clone(words), func(s string) bool { return s == "" })
	slices.Sort(out)
	return slices.Compact(out)
}

// certificate makes a certificate that is its own authority for hosts.
func certificate(t testing.TB, hosts []string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: hosts, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
