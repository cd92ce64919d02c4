package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
)

func TestPost(t *testing.T) {
	var calls, conns atomic.Int32
	var last string
	c, base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.RemoteAddr != last {
			conns.Add(1)
		}
		last = r.RemoteAddr
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || string(body) != "a=b%26c" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.URL.RawQuery != "x=1" || r.Header.Get("Authorization")+r.Header.Get("Cookie") != "" {
			t.Errorf("%s %s %q %v", r.Method, r.URL, body, r.Header)
		}
		if r.URL.Path == "/307" {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_request"}`)
	})
	for path, want := range map[string]int{"/": 400, "/307": 307} {
		status, err := c.Post(t.Context(), base+path+"?x=1", url.Values{"a": {"b&c"}})
		if err != nil || status != want {
			t.Errorf("%s: %d, %v", path, status, err)
		}
	}
	if calls.Load() != 2 || conns.Load() != 1 {
		t.Errorf("%d requests over %d connections", calls.Load(), conns.Load())
	}
}

// TestPostStaysOutside: no address inside gets a form, whatever name leads there,
// and it is not tried again.
func TestPostStaysOutside(t *testing.T) {
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	plain, private := New(Options{PlainHTTP: true, Timeout: patience}), New(Options{Timeout: patience, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	for _, tt := range []struct {
		c    *Client
		to   string
		want error
	}{
		{plain, "http://127.0.0.1:" + port, ErrAddress},
		{plain, "http://localhost:" + port, ErrAddress},
		{plain, "http://[::ffff:127.0.0.1]:" + port, ErrAddress},
		{plain, "http://169.254.169.254/latest/meta-data", ErrAddress},
		{plain, "http://10.0.0.1:" + port, ErrAddress},
		{private, "https://192.168.0.1:" + port, ErrAddress},
		{private, "https://127.0.0.1:" + port, ErrAddress},
		{private, "http://10.0.0.1:" + port, ErrURL},
		{private, "http://app.example/", ErrURL},
		{private, "https://u:p@app.example/", ErrURL},
		{private, "::", ErrURL},
		{private, "", ErrURL},
	} {
		if status, err := tt.c.Post(t.Context(), tt.to, nil); !errors.Is(err, tt.want) || !broker.IsPermanent(err) || status != 0 {
			t.Errorf("%s: %d, %v", tt.to, status, err)
		}
	}
	if calls.Load() != 0 {
		t.Errorf("%d calls", calls.Load())
	}
}

// TestPostWhereANameMeansSomethingElseTheSecondTime: the address of the
// connection counts. The first one stands for a public one where nobody listens,
// which is no reason to give up.
func TestPostWhereANameMeansSomethingElseTheSecondTime(t *testing.T) {
	var calls, queries atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	c := New(Options{PlainHTTP: true, Networks: []netip.Prefix{stranger}, Resolver: rebinding(t, &queries), Timeout: patience})
	to := "http://rebinding.example:" + port + "/"
	if _, err := c.Post(t.Context(), to, nil); err == nil || errors.Is(err, ErrAddress) || broker.IsPermanent(err) {
		t.Fatalf("the first time: %v", err)
	}
	if _, err := c.Post(t.Context(), to, nil); !errors.Is(err, ErrAddress) || !broker.IsPermanent(err) || queries.Load() < 2 {
		t.Errorf("the second time: %v (%d queries)", err, queries.Load())
	}
	if calls.Load() != 0 {
		t.Error("loopback was reached")
	}
}

// TestPostEnds: an application that never answers, or without end, holds nobody.
func TestPostEnds(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	answers := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/endless" {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
	hasty, slow := serve(t, answers, func(o *Options) { o.Timeout = soon })
	if _, err := hasty.Post(t.Context(), slow+"/slow", nil); !errors.Is(err, context.DeadlineExceeded) || broker.IsPermanent(err) {
		t.Errorf("slow: %v", err)
	}
	c, base := serve(t, answers)
	began := time.Now()
	if status, err := c.Post(t.Context(), base+"/endless", nil); err != nil || status != 200 {
		t.Errorf("endless: %d, %v", status, err)
	}
	if d := time.Since(began); d >= patience {
		t.Errorf("it took %s: only the time-out ended it", d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Post(ctx, base+"/slow", nil); !errors.Is(err, context.Canceled) || broker.IsPermanent(err) {
		t.Errorf("cancelled: %v", err)
	}
}
