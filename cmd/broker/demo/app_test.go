package demo

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

// depart begins a sign-in and returns the authorization request.
func (b *browser) depart(s *site, query string) url.Values {
	b.t.Helper()
	to := b.get(s.app.URL + "/sign-in" + query).to(b.t)
	if !strings.HasPrefix(to.String(), s.issuer.brokerURL+"/authorize?") {
		b.t.Fatalf("sign-in leads to %s", to)
	}
	return to.Query()
}

// answerTo lets somebody sign in at the broker and returns the redirect back.
func (b *browser) answerTo(s *site, q url.Values, person string) *url.URL {
	b.t.Helper()
	form := b.get(s.issuer.brokerURL + "/authorize?" + q.Encode()).fields()
	form.Set("person", person)
	return b.post(s.issuer.brokerURL+"/authorize", form).to(b.t)
}

func (b *browser) cookie(s *site) string {
	u, _ := url.Parse(s.app.URL)
	for _, c := range b.Jar.Cookies(u) {
		if c.Name == appCookie {
			return c.Value
		}
	}
	return ""
}

// signIn goes all the way.
func (b *browser) signIn(s *site) {
	b.t.Helper()
	if a := b.get(b.answerTo(s, b.depart(s, ""), "ada").String()); a.StatusCode != http.StatusSeeOther || a.to(b.t).String() != s.app.URL+"/" {
		b.t.Fatalf("callback: %d %s", a.StatusCode, a.body)
	}
}

func TestSignIn(t *testing.T) {
	s, b := newSite(t), newBrowser(t)
	if a := b.get(s.app.URL + "/"); !strings.Contains(a.body, "Sign in with the broker") {
		t.Errorf("start: %s", a.body)
	}
	q := b.depart(s, "?prompt=login")
	if q.Get("state") == "" || q.Get("nonce") == "" || q.Get("code_challenge_method") != "S256" || q.Get("prompt") != "login" {
		t.Errorf("request: %v", q)
	}
	if !strings.Contains(q.Get("scope"), "offline_access") {
		t.Errorf("scope: %q", q.Get("scope"))
	}
	if q := b.depart(s, "?prompt=evil"); q.Has("prompt") {
		t.Errorf("foreign prompt: %v", q)
	}
	before := b.cookie(s)
	b.signIn(s)
	if after := b.cookie(s); before == "" || after == "" || before == after {
		t.Errorf("the session's id is %q before and %q after", before, after)
	}
	body := b.get(s.app.URL + "/").body
	for _, want := range []string{"Hello, Ada Lovelace", `data-claim="nonce"`, s.issuer.subject("ada"), "ada@example.org"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q: %s", want, body)
		}
	}
	if strings.Contains(newBrowser(t).get(s.app.URL+"/").body, "Ada") {
		t.Error("another browser is signed in, too")
	}
}

func TestCallbackRefuses(t *testing.T) {
	s := newSite(t)
	for _, tt := range []struct {
		name   string
		change func(b *browser, back *url.URL, q url.Values) *browser
		want   string
	}{
		{"no state", func(b *browser, back *url.URL, q url.Values) *browser { q.Del("state"); return b }, "belongs to no sign-in"},
		{"unknown state", func(b *browser, back *url.URL, q url.Values) *browser { q.Set("state", "x"); return b }, "belongs to no sign-in"},
		{"another browser", func(b *browser, back *url.URL, q url.Values) *browser { return newBrowser(b.t) }, "belongs to no sign-in"},
		{"a browser with another sign-in", func(b *browser, back *url.URL, q url.Values) *browser {
			other := newBrowser(b.t)
			other.depart(s, "")
			return other
		}, "belongs to no sign-in"},
		{"wrong iss", func(b *browser, back *url.URL, q url.Values) *browser { q.Set("iss", "http://evil.example"); return b }, "does not come from the broker"},
		{"no iss", func(b *browser, back *url.URL, q url.Values) *browser { q.Del("iss"); return b }, "does not come from the broker"},
		{"wrong code", func(b *browser, back *url.URL, q url.Values) *browser { q.Set("code", "x"); return b }, "cannot be trusted"},
		{"replayed", func(b *browser, back *url.URL, q url.Values) *browser { b.get(back.String()); return b }, "belongs to no sign-in"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBrowser(t)
			back := b.answerTo(s, b.depart(s, ""), "ada")
			q := back.Query()
			b = tt.change(b, back, q)
			held := b.cookie(s)
			back.RawQuery = q.Encode()
			a := b.get(back.String())
			if a.StatusCode < 400 || !strings.Contains(a.body, tt.want) {
				t.Errorf("%d %s", a.StatusCode, a.body)
			}
			if b.cookie(s) != held {
				t.Error("a refused answer changed the session")
			}
		})
	}
}

// A code of another sign-in carries another nonce and another challenge.
func TestInjectedCode(t *testing.T) {
	s, b, attacker := newSite(t), newBrowser(t), newBrowser(t)
	stolen := attacker.answerTo(s, attacker.depart(s, ""), "alan").Query().Get("code")
	back := b.answerTo(s, b.depart(s, ""), "ada")
	q := back.Query()
	q.Set("code", stolen)
	back.RawQuery = q.Encode()
	if a := b.get(back.String()); a.StatusCode != http.StatusBadGateway || !strings.Contains(a.body, "code verifier") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	// Even a broker that forgets PKCE is caught by the nonce.
	req := b.depart(s, "")
	req.Set("nonce", "another")
	if a := b.get(b.answerTo(s, req, "ada").String()); !strings.Contains(a.body, "another nonce") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestErrorsAreShown(t *testing.T) {
	s, b := newSite(t), newBrowser(t)
	if a := b.get(b.answerTo(s, b.depart(s, ""), "deny").String()); a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, "access_denied") || !strings.Contains(a.body, "Nothing was given") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := b.get(b.get(s.issuer.brokerURL + "/authorize?" + b.depart(s, "?prompt=none").Encode()).to(t).String()); !strings.Contains(a.body, "login_required") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestBrokerStartsLater(t *testing.T) {
	s, b := newSite(t), newBrowser(t)
	s.down = true
	if a := b.get(s.app.URL + "/sign-in"); a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, "does not answer yet") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	s.down = false
	b.signIn(s)
}

// The demo provider neither refreshes nor revokes: the test adds what a broker
// does, and an answer about somebody else.
func TestTokensButtons(t *testing.T) {
	s, b := newSite(t), newBrowser(t)
	for _, path := range []string{"/refresh", "/userinfo", "/revoke"} {
		if a := b.post(s.app.URL+path, nil); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s for a stranger: %d", path, a.StatusCode)
		}
	}
	revoked, refreshed := "", 0
	meta := map[string]any{}
	if err := json.Unmarshal([]byte(b.get(s.issuer.brokerURL+"/.well-known/openid-configuration").body), &meta); err != nil {
		t.Fatal(err)
	}
	meta["revocation_endpoint"], meta["end_session_endpoint"] = s.issuer.brokerURL+"/revoke", s.issuer.brokerURL+"/logout?x=y"
	s.more.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, 200, meta) })
	s.more.HandleFunc("POST /revoke", func(w http.ResponseWriter, r *http.Request) {
		if id, secret, _ := r.BasicAuth(); id != ClientID || secret != s.ClientSecret().Reveal() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		revoked = r.FormValue("token") + " " + r.FormValue("token_type_hint")
	})
	s.more.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if r.PostForm.Get("grant_type") != "refresh_token" {
			answer := recorded(s.issuer.postToken, r)
			answer["refresh_token"] = "refresh 0"
			writeJSON(w, 200, answer)
			return
		}
		refreshed++
		person := People()[0]
		if refreshed > 1 {
			person = People()[2]
		}
		g := grant{person: person, scope: "openid profile", authTime: time.Now()}
		access := s.issuer.tokens.put(g, time.Now())
		id, _ := s.issuer.idToken(g, access, time.Now())
		writeJSON(w, 200, map[string]any{"access_token": access.Reveal(), "token_type": "Bearer", "refresh_token": "refresh 1", "id_token": id})
	})
	b.signIn(s)
	follow := func(path string) string {
		t.Helper()
		a := b.post(s.app.URL+path, nil)
		if a.StatusCode == http.StatusSeeOther {
			a = b.get(a.to(t).String())
		}
		return a.body
	}
	if body := follow("/refresh"); refreshed != 1 || !strings.Contains(body, "refresh token was rotated") {
		t.Errorf("refresh: %s", body)
	}
	if body := follow("/refresh"); !strings.Contains(body, "about somebody else") {
		t.Errorf("a refresh that changes the person is taken: %s", body)
	}
	if body := follow("/userinfo"); !strings.Contains(body, "asked again") || !strings.Contains(body, "Hello, Ada") {
		t.Errorf("userinfo: %s", body)
	}
	if body := follow("/revoke"); !strings.Contains(body, "were revoked") || revoked != "refresh 1 refresh_token" {
		t.Errorf("revoke: %q %s", revoked, body)
	}
	clear(s.issuer.tokens.m)
	if body := follow("/userinfo"); !strings.Contains(body, "no longer tells") {
		t.Errorf("userinfo after revoking: %s", body)
	}
	out := b.post(s.app.URL+"/sign-out", nil).to(t)
	q := out.Query()
	if !strings.HasPrefix(out.String(), s.issuer.brokerURL+"/logout?") || q.Get("x") != "y" || q.Get("id_token_hint") == "" ||
		q.Get("post_logout_redirect_uri") != s.app.URL+"/signed-out" || q.Get("state") == "" {
		t.Errorf("sign-out leads to %s", out)
	}
	if body := b.get(s.app.URL + "/").body; strings.Contains(body, "Ada") {
		t.Errorf("still signed in: %s", body)
	}
	if to := b.post(s.app.URL+"/sign-out", nil).to(t); to.String() != s.app.URL+"/" {
		t.Errorf("sign-out of nobody leads to %s", to)
	}
}

func TestVisitsAreBounded(t *testing.T) {
	v := visits{m: map[string]*visit{}}
	at := time.Now()
	for i := range maxVisits {
		v.m[broker.NewID()] = &visit{seen: at.Add(time.Duration(i) * time.Second)}
	}
	v.m["over"] = &visit{seen: at.Add(-visitLifetime)}
	v.makeRoom(at)
	if len(v.m) != maxVisits-1 || v.m["over"] != nil {
		t.Errorf("%d visits", len(v.m))
	}
	one := &visit{departures: map[string]departure{}}
	for i := range maxDepartures + 5 {
		one.depart(string(rune('a'+i)), departure{at: at.Add(time.Duration(i))})
	}
	if _, ok := one.arrive("a", at); ok || len(one.departures) != maxDepartures {
		t.Errorf("%d departures", len(one.departures))
	}
	if _, ok := one.arrive("k", at); !ok {
		t.Error("a departure does not arrive")
	}
	if _, ok := one.arrive("k", at); ok {
		t.Error("a departure arrives twice")
	}
	if _, ok := one.arrive("z", at.Add(departureLifetime+time.Second)); ok {
		t.Error("an expired departure arrives")
	}
}

// recorded runs a handler and decodes its JSON.
func recorded(h http.HandlerFunc, r *http.Request) map[string]any {
	w := httptest.NewRecorder()
	h(w, r)
	v := map[string]any{}
	_ = json.Unmarshal(w.Body.Bytes(), &v)
	return v
}
