package tokens

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"

	"idbroker/broker"
	"idbroker/fetch"
)

// TestStrangersCannotMakeUsFetch: whoever knows a client's id may send what they
// like; its server is asked once for its keys, and once more for a key that is
// not among them.
func TestStrangersCannotMakeUsFetch(t *testing.T) {
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		fmt.Fprint(w, jwks("p256"))
	}))
	defer srv.Close()
	w := newWorld(t, func(o *Options) {
		o.Fetcher = fetch.New(fetch.Options{PlainHTTP: true, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	})
	w.signingClient("signing", func(c *broker.Client) { c.Metadata.JWKS, c.Metadata.JWKSURI = "", srv.URL })
	for i := range 20 {
		wantError(t, "stranger", w.assert(sign(t, header{key: "stranger", kid: fmt.Sprint(i)}, assertionOf("signing"))), 401, "invalid_client")
	}
	if n := calls.Load(); n > 2 {
		t.Errorf("%d fetches", n)
	}
	if a := w.assert(sign(t, header{}, assertionOf("signing"))); a.status != http.StatusOK {
		t.Errorf("the client itself: %d %s", a.status, a.body)
	}
	for _, url := range []string{"http://10.0.0.1/", "http://169.254.169.254/latest/meta-data", "https://[fd00::1]/"} {
		w.signingClient(url, func(c *broker.Client) { c.Metadata.JWKS, c.Metadata.JWKSURI = "", url })
		wantError(t, url, w.assert(sign(t, header{}, assertionOf(url))), 401, "invalid_client")
	}
}
