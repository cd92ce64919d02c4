package tokens

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestTroubles: what a client's registration caused is kept, what it sent is
// not, and nothing is written by the request itself.
func TestTroubles(t *testing.T) {
	w := newWorld(t)
	statements := w.counted(func() {
		for range 3 {
			wantError(t, "code", w.redeem("app", "no-such-code"), 400, "invalid_grant")
		}
		r := httptest.NewRequest("POST", "/", nil)
		r.SetBasicAuth("app", "a-wrong-secret")
		wantError(t, "secret", w.send(w.s.ServeToken, r, "grant_type=authorization_code&code=x"), 401, "invalid_client")
		_, _ = w.s.ParseAuthorization(t.Context(), with(request("app"), "redirect_uri", "https://evil.example/secret"))
		a, err := w.s.ParseAuthorization(t.Context(), with(request("app"), "scope", "openid nonsense-scope"))
		w.s.Refuse(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), a, err)
		w.s.Refuse(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), a, ErrLoginRequired) // everyday
		_, _ = w.s.ParseAuthorization(t.Context(), with(request("nobody")))
	})
	for _, s := range statements {
		if s.Op == "insert" || s.Op == "update" {
			t.Errorf("a refused request wrote: %+v", s)
		}
	}
	must(t, w.s.FlushTroubles(t.Context()))
	must(t, w.s.FlushTroubles(t.Context())) // once
	got, err := w.db.Troubles(t.Context(), "app", 99)
	must(t, err)
	times := map[string]int{}
	for _, one := range got {
		times[one.Endpoint+" "+one.Code] = one.Times
		if text := fmt.Sprint(one); strings.Contains(text, "evil") || strings.Contains(text, "nonsense") || strings.Contains(text, "wrong-secret") || one.Reason == "" || one.LastAt.IsZero() {
			t.Errorf("%+v", one)
		}
	}
	if fmt.Sprint(times) != "map[authorize invalid_scope:1 authorize page:1 token invalid_client:1 token invalid_grant:3]" {
		t.Errorf("%v", times)
	}
}

// TestTroublesAreBounded: strangers cannot fill the memory with clients that
// they make up.
func TestTroublesAreBounded(t *testing.T) {
	var all troubles
	for i := range 10 * maxTroubles {
		all.note(fmt.Sprint("client", i), "token", "invalid_client", strings.Repeat("x", 999), time.Now())
	}
	all.note("", "token", "x", "y", time.Now())
	all.note("a\x00", "token", "x", "y", time.Now())
	all.note("client1", "token", "invalid_client", strings.Repeat("x", 999), time.Now())
	if len(all.kept) != maxTroubles {
		t.Errorf("%d are kept", len(all.kept))
	}
	for kind, one := range all.kept {
		if len(kind.Reason) > maxReason || kind.ClientID == "client1" && one.Times != 2 {
			t.Errorf("%+v", one)
		}
	}
}
