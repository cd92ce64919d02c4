package web

import (
	"strings"
	"testing"
)

// TestUntoldProxyIsHeardOf: a proxy in front that the operator did not tell us of
// would switch the limits for networks off without a word.
func TestUntoldProxyIsHeardOf(t *testing.T) {
	const word = "server.trusted_hops"
	for _, header := range []string{"X-Forwarded-For", "Forwarded"} {
		w := newWorld(t)
		b := w.browser()
		b.get("/login/").want(200)
		if strings.Contains(w.log.String(), word) {
			t.Error("there is no proxy")
		}
		for range 3 {
			r := b.request("GET", "/login/", nil)
			r.Header.Set(header, "for=192.0.2.1")
			b.do(r).want(200)
		}
		if n := strings.Count(w.log.String(), "set "+word); n != 1 {
			t.Errorf("%s: warned %d times", header, n)
		}
	}
	w := newWorld(t, func(o *Options) { o.TrustedHops = 1 })
	b := w.browser()
	b.ip = "192.0.2.1"
	b.get("/login/").want(200)
	if strings.Contains(w.log.String(), word) {
		t.Error("it was told of")
	}
}
