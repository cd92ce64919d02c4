package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"idbroker/broker"
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
	w.client(func(c *broker.Client) { c.FirstParty = true })
	b, elsewhere := w.browser(), w.browser()
	b.signIn("ada")
	elsewhere.signIn("ada")
	ask := func(form url.Values) (status int, access string) {
		form.Set("client_id", "app")
		res, err := http.PostForm(w.url+"/oauth2/token", form)
		must(t, err)
		defer res.Body.Close() //nolint:errcheck // it was read
		var answer struct {
			Access string `json:"access_token"`
		}
		must(t, json.NewDecoder(res.Body).Decode(&answer))
		return res.StatusCode, answer.Access
	}
	redeem := func(code string) (int, string) {
		return ask(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callbackURL}, "code_verifier": {verifier}})
	}
	_, access := redeem(b.get(authorize()).to(callbackURL).param("code"))
	waiting := b.get(authorize()).to(callbackURL).param("code")
	userinfo := func() int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/oauth2/userinfo", nil)
		must(t, err)
		r.Header.Set("Authorization", "Bearer "+access)
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
	if status, token := redeem(waiting); status != 200 || token == "" {
		t.Errorf("a code that was given out before: %d", status)
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
