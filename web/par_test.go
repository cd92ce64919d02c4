package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"idbroker/broker"
)

// TestPushedRequestThroughThePages: the way of a person whose application pushed
// its request: sign-in, consent, one code; and the same request is over then.
func TestPushedRequestThroughThePages(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.client(func(c *broker.Client) { c.Metadata.RequirePAR = true })
	query := strings.TrimPrefix(authorize(), "/oauth2/authorize?")
	r, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/oauth2/par", strings.NewReader(query))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://app.example") // a client in a browser
	a := w.browser().do(r).want(201)
	var pushed struct {
		URI string `json:"request_uri"`
	}
	must(t, json.Unmarshal([]byte(a.body), &pushed))
	path := "/oauth2/authorize?" + url.Values{"client_id": {"app"}, "request_uri": {pushed.URI}, "prompt": {"none"}}.Encode()

	b := w.browser()
	if a := b.get(authorize()).to(callbackURL); a.param("error") != "invalid_request" {
		t.Errorf("a request that was not pushed: %s", a.location)
	}
	login := b.get(path).to("/login/?login=").param("login")
	login = b.post("/login/", "login", login, "email", "ada@example.org", "password", password).to("/consent/").param("login")
	if claims := w.redeem(b.post("/consent/", "login", login, "decision", "allow")); claims["nonce"] != "the-nonce" {
		t.Errorf("claims %v", claims)
	}
	b.get(path).want(410).says("no longer valid")
	w.browser().get(strings.Replace(path, "client_id=app", "client_id=other", 1)).want(410)
}
