package fetch

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// patience is the time-out of those that shall not run into it, on machines that are busy, too;
// soon is that of those that shall.
const (
	patience = time.Minute
	soon     = 300 * time.Millisecond
)

var inside = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// serve starts an HTTPS server and returns a client that may reach it.
func serve(t *testing.T, h http.HandlerFunc, change ...func(*Options)) (*Client, string) {
	t.Helper()
	srv := httptest.NewTLSServer(h)
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	o := Options{Networks: inside, Roots: roots, Timeout: patience}
	for _, f := range change {
		f(&o)
	}
	return New(o), srv.URL
}

func TestGet(t *testing.T) {
	var calls atomic.Int32
	c, base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" || r.URL.Path != "/jwks" {
			t.Errorf("%s %v", r.URL, r.Header)
		}
		fmt.Fprint(w, `{"keys":[]}`)
	})
	for range 3 {
		body, err := c.Get(t.Context(), base+"/jwks", time.Hour)
		if err != nil || string(body) != `{"keys":[]}` {
			t.Fatalf("%q, %v", body, err)
		}
	}
	// As fresh as may be: not within the interval.
	if _, err := c.Get(t.Context(), base+"/jwks", 0); err != nil || calls.Load() != 1 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
}

// TestNothingInsideIsReached: by address, by name, in disguise.
func TestNothingInsideIsReached(t *testing.T) {
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	c := New(Options{PlainHTTP: true, Timeout: patience})
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254",
		"100.100.100.200", "0.0.0.0", "[::]", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1", "255.255.255.255",
	} {
		if _, err := c.Get(t.Context(), "http://"+host+":"+port+"/", 0); !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if calls.Load() != 0 {
		t.Errorf("%d calls", calls.Load())
	}
}

func TestPublicAddresses(t *testing.T) {
	for _, ip := range []string{"1.1.1.1", "8.8.8.8", "172.32.0.1", "192.169.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"} {
		if !public(netip.MustParseAddr(ip)) {
			t.Errorf("%s is public", ip)
		}
	}
}

// stranger stands for a public address: it is opened to clients, and the server listens elsewhere, so that
// a connection there is refused at once.
var stranger = netip.MustParsePrefix("127.0.0.2/32")

// rebinding is a resolver whose first answer is the stranger, and whose others are the server.
func rebinding(t *testing.T, queries *atomic.Int32) *net.Resolver {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	go func() {
		buf := make([]byte, 2048)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) == 0 {
				continue
			}
			m.Response = true
			m.Additionals = nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				ip := stranger.Addr().As4()
				if queries.Add(1) > 1 {
					ip = [4]byte{127, 0, 0, 1}
				}
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: &dnsmessage.AResource{A: ip},
				}}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = pc.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// TestNameThatMeansSomethingElseTheSecondTime: what counts is the address that
// the connection is made to.
func TestNameThatMeansSomethingElseTheSecondTime(t *testing.T) {
	var calls, queries atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	c := New(Options{
		PlainHTTP: true, Networks: []netip.Prefix{stranger}, Resolver: rebinding(t, &queries),
		Timeout: patience, MinInterval: time.Nanosecond,
	})
	url := "http://rebinding.example:" + port + "/"
	if _, err := c.Get(t.Context(), url, 0); err == nil || errors.Is(err, ErrAddress) {
		t.Fatalf("the first time: %v", err)
	}
	if _, err := c.Get(t.Context(), url, 0); !errors.Is(err, ErrAddress) || queries.Load() < 2 {
		t.Errorf("the second time: %v (%d queries)", err, queries.Load())
	}
	if calls.Load() != 0 {
		t.Error("loopback was reached")
	}
}

func TestURLsThatAreNotAskedFor(t *testing.T) {
	c := New(Options{Networks: inside})
	for _, url := range []string{
		"", "http://app.example/", "ftp://app.example/", "file:///etc/passwd", "https:", "https:///x", "https://u:p@app.example/", "//app.example/x",
		"https://app.example/ x", "https://app.example\\@127.0.0.1/", "https://äpp.example/", "gopher://app.example", "https:app.example", "https://" + strings.Repeat("a", maxURL),
	} {
		if _, err := c.Get(t.Context(), url, 0); !errors.Is(err, ErrURL) {
			t.Errorf("%q: %v", url, err)
		}
	}
	if len(c.cache.entries) != 0 {
		t.Error("they are kept")
	}
}

func TestAnswersThatAreRefused(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	answers := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/ok", http.StatusFound)
		case "/elsewhere":
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusTemporaryRedirect)
		case "/missing":
			http.NotFound(w, r)
		case "/huge":
			_, _ = io.CopyN(w, zeros{}, maxBody+1)
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("x", 2*maxHeader))
		case "/slow":
			w.(http.Flusher).Flush()
			<-release
		case "/limit":
			_, _ = io.CopyN(w, zeros{}, maxBody)
		}
	}
	c, base := serve(t, answers)
	for path, want := range map[string]error{
		"/redirect": ErrRedirect, "/elsewhere": ErrRedirect, "/missing": ErrStatus, "/huge": ErrSize, "/limit": nil,
	} {
		if _, err := c.Get(t.Context(), base+path, 0); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	hasty, slow := serve(t, answers, func(o *Options) { o.Timeout = soon })
	if _, err := hasty.Get(t.Context(), slow+"/slow", 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an answer without end: %v", err)
	}
	if _, err := c.Get(t.Context(), base+"/header", 0); err == nil {
		t.Error("a header without bounds")
	}
	if _, err := New(Options{Networks: inside}).Get(t.Context(), base+"/limit", 0); err == nil {
		t.Error("a certificate that nobody vouches for")
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestOneRequestForMany: sixty-four that want a URL at once share one request,
// also where the one who made it goes away.
func TestOneRequestForMany(t *testing.T) {
	var calls atomic.Int32
	release := make(chan struct{})
	c, base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		<-release
		fmt.Fprint(w, "x")
	})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() { _, err := c.Get(ctx, base, 0); first <- err }()
	for calls.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			if body, err := c.Get(t.Context(), base, 0); err != nil || string(body) != "x" {
				t.Errorf("%q, %v", body, err)
			}
		})
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the first: %v", err)
	}
	close(release)
	wg.Wait()
	if calls.Load() != 1 {
		t.Errorf("%d calls", calls.Load())
	}
}

// TestFlightsAreBounded: slow servers cannot hold everything.
func TestFlightsAreBounded(t *testing.T) {
	c, base := serve(t, func(http.ResponseWriter, *http.Request) {})
	for range maxFlights {
		c.flights <- struct{}{}
	}
	if _, err := c.Get(t.Context(), base, 0); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
}
