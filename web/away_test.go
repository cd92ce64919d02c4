package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"idbroker/limits"
	"idbroker/volatile/volatiletest"
)

// TestRedisAway: while Redis is away people read when to try again, and what programs
// ask goes on; when it is back, empty, they sign in again, and what was ended in between
// stays ended.
func TestRedisAway(t *testing.T) {
	s := volatiletest.Start(t)
	t.Setenv(homeVariable, s.URL)
	w := newWorld(t)
	w.server.o.Limits = limits.New(w.db, limits.Options{Key: [32]byte{1}})
	w.user("ada")
	w.client()
	b, elsewhere := w.browser(), w.browser()
	b.signIn("ada")
	elsewhere.signIn("ada")
	token := w.redeem(b.get(authorize()))
	userinfo := func() int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/oauth2/userinfo", nil)
		must(t, err)
		r.Header.Set("Authorization", "Bearer "+token["access_token"].(string))
		res, err := http.DefaultClient.Do(r)
		must(t, err)
		must(t, res.Body.Close())
		return res.StatusCode
	}
	if got := userinfo(); got != 200 {
		t.Fatalf("userinfo: %d", got)
	}
	s.Kill()
	for what, a := range map[string]answer{
		"page":         b.get(devicesPath),
		"sign-in page": b.get("/login/"),
		"authorize":    b.get(authorize()),
		"password":     w.browser().post("/login/", "email", "ada@example.org", "password", password),
	} {
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "Try again in a minute") {
			t.Errorf("%s: %d, Retry-After %q", what, a.status, a.header.Get("Retry-After"))
		}
	}
	w.browser().get("/login/").want(200) // nobody is known yet
	for path, want := range map[string]int{"/.well-known/openid-configuration": 200, "/oauth2/jwks.json": 200} {
		if got := w.browser().get(path).status; got != want {
			t.Errorf("%s: %d", path, got)
		}
	}
	if got := userinfo(); got != 200 {
		t.Errorf("userinfo: %d", got)
	}
	res, err := http.PostForm(w.url+"/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {"app"}, "refresh_token": {"ibr.none.1.x"}})
	must(t, err)
	must(t, res.Body.Close())
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("token: %d", res.StatusCode)
	}
	s.Revive()
	b.get(profilePath).to("/login/")
	b.signIn("ada")
	b.in()
	b.post("/account/settings/sessions/", "others", "1").to(devicesPath)
	elsewhere.out()
	b.in()
	must(t, s.Client().FlushAll(t.Context()).Err())
	b.out()
}
