package tokens

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
)

// push pushes a request and returns what the browser brings.
func (w *world) push(client string, form url.Values) url.Values {
	w.t.Helper()
	a := w.call(w.s.ServePAR, client, form)
	if a.status != http.StatusCreated || a.json["expires_in"] != 90.0 || !strings.HasPrefix(a.str("request_uri"), pushedPrefix) || a.header.Get("Cache-Control") != "no-store" {
		w.t.Fatalf("%d %s", a.status, a.body)
	}
	return url.Values{"client_id": {client}, "request_uri": {a.str("request_uri")}}
}

func (w *world) pushedRow(form url.Values) broker.PushedRequest {
	w.t.Helper()
	p, err := w.db.PushedRequest(w.t.Context(), broker.Secret(strings.TrimPrefix(form.Get("request_uri"), pushedPrefix)).Hash())
	must(w.t, err)
	return p
}

func TestPushedRequest(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, client := range []string{"app", "post", "spa"} {
			form := w.push(client, request(client))
			for range 2 { // a browser may come twice, or fetch ahead
				w.parse(form)
			}
			a := w.parse(form)
			if a.RedirectURI != testCallback || !slices.Contains(a.Scopes, "offline_access") || a.state != "s" {
				t.Errorf("%+v", a)
			}
			resumed, err := w.s.ResumeAuthorization(t.Context(), a.Params)
			must(t, err)
			if got := w.redeem(client, w.respond(resumed, w.approval(resumed)).Get("code")); got.status != http.StatusOK {
				t.Errorf("%s: %d %s", client, got.status, got.body)
			}
			if _, err := w.s.ParseAuthorization(t.Context(), form); !errors.Is(err, errRequestGone) {
				t.Errorf("after the code: %v", err)
			}
		}
	})
}

// TestPushedRequestIsUsedByOneCode: fifty approvals at once, one code.
func TestPushedRequestIsUsedByOneCode(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		form := w.push("app", request("app"))
		var codes atomic.Int32
		var wg sync.WaitGroup
		var all []*Authorization
		for range 50 {
			all = append(all, w.parse(form))
		}
		for _, a := range all {
			wg.Go(func() {
				err := w.s.Respond(context.WithoutCancel(t.Context()), httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), a, w.approval(a))
				if err == nil {
					codes.Add(1)
				} else if !errors.Is(err, errFinished) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if codes.Load() != 1 {
			t.Errorf("%d codes", codes.Load())
		}
		grants, err := w.db.GrantsOf(t.Context(), w.user.ID)
		must(t, err)
		if len(grants) != 1 {
			t.Errorf("%d grants", len(grants))
		}
	})
}

// TestNothingBesideARequestURICounts: what the browser adds changes nothing.
func TestNothingBesideARequestURICounts(t *testing.T) {
	w := newWorld(t)
	sent := url.Values{"redirect_uri": {testCallback}, "response_type": {"code"}, "scope": {"openid"}}
	plain := w.parse(w.push("app", sent))
	form := w.push("app", sent)
	for name, value := range map[string]string{
		"redirect_uri": "https://evil.example/", "scope": "openid api", "state": "x", "nonce": "x", "prompt": "none", "max_age": "0", "acr_values": "x", "login_hint": "x",
		"code_challenge": request("app").Get("code_challenge"), "code_challenge_method": "S256", "response_mode": "fragment", "response_type": "token",
		"id_token_hint": "x", "request": "x", "registration": "{}", "claims": "{}", "pushed_request": "x", "client_secret": "x",
	} {
		form.Set(name, value)
	}
	form.Add("scope", "twice")
	a := w.parse(form)
	if a.RedirectURI != testCallback || !slices.Equal(a.Scopes, []string{"openid"}) || a.state != "" || a.Prompt != nil || a.MaxAge != nil || a.ACRValues != "" ||
		a.LoginHint != "" || a.responseMode != plain.responseMode || a.HintSubject != "" {
		t.Errorf("%+v", a)
	}
	got, _ := url.ParseQuery(a.Params)
	want, _ := url.ParseQuery(plain.Params)
	got.Del(pushedParam)
	want.Del(pushedParam)
	if got.Encode() != want.Encode() {
		t.Errorf("%s, want %s", got.Encode(), want.Encode())
	}
	g := w.redeem("app", w.respond(a, w.approval(a)).Get("code"), "code_verifier", "")
	if g.status != http.StatusOK || w.grant(g.str("access_token")).CodeChallenge != "" {
		t.Errorf("%d %s", g.status, g.body)
	}
}

// TestPushedRequestKeepsNoCredentials, whatever way the client authenticated.
func TestPushedRequestKeepsNoCredentials(t *testing.T) {
	w := newWorld(t)
	w.signingClient("signing")
	for client, form := range map[string]url.Values{
		"post":    w.push("post", with(request("post"), "password", "hidden", "code_verifier", "hidden")),
		"app":     w.push("app", with(request("app"), "unknown", "hidden")),
		"signing": {},
	} {
		if client == "signing" {
			sent := with(request("signing"), "client_assertion_type", assertionType, "client_assertion", sign(t, header{}, assertionOf("signing")))
			form = url.Values{"request_uri": {w.call(w.s.ServePAR, "", sent).str("request_uri")}}
		}
		p := w.pushedRow(form)
		for _, secret := range []string{testSecret.Reveal(), "secret", "assertion", "hidden", "verifier"} {
			if strings.Contains(p.Params, secret) {
				t.Errorf("%s: %q is kept", client, secret)
			}
		}
		if p.ClientID != client || strings.Contains(form.Get("request_uri"), p.URIHash) {
			t.Errorf("%s: %+v", client, p)
		}
	}
}

// TestPushedRequestExpires for browsers that come late, not for people who take
// their time.
func TestPushedRequestExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		form := w.push("app", request("app"))
		time.Sleep(pushedLifetime - time.Millisecond)
		a := w.parse(form)
		time.Sleep(time.Millisecond)
		if _, err := w.s.ParseAuthorization(t.Context(), form); !errors.Is(err, errRequestGone) {
			t.Errorf("late: %v", err)
		}
		time.Sleep(broker.LoginLifetime)
		_, err := w.db.Prune(t.Context(), time.Now())
		must(t, err)
		a, err = w.s.ResumeAuthorization(t.Context(), a.Params)
		must(t, err)
		if w.respond(a, w.approval(a)).Get("code") == "" {
			t.Error("no code")
		}
	})
}

// TestPushedRequestBelongsToItsClient: another one neither uses it nor uses it up.
func TestPushedRequestBelongsToItsClient(t *testing.T) {
	w := newWorld(t)
	form := w.push("app", request("app"))
	before := w.pushedRow(form)
	for _, other := range []string{"other", "spa", "nobody", "APP", " app"} {
		a, err := w.s.ParseAuthorization(t.Context(), with(form, "client_id", other))
		if a != nil || !errors.Is(err, errRequestGone) {
			t.Errorf("%s: %v, %v", other, a, err)
		}
	}
	for name, bad := range map[string]url.Values{
		"no client": with(form, "client_id", ""), "unknown": with(form, "request_uri", pushedPrefix+"x"), "nothing": with(form, "request_uri", pushedPrefix),
		"hash": with(form, "request_uri", pushedPrefix+before.URIHash), "longer": with(form, "request_uri", form.Get("request_uri")+"x"),
		"two": {"client_id": {"app"}, "request_uri": {form.Get("request_uri"), form.Get("request_uri")}}, "two clients": {"client_id": {"app", "other"}, "request_uri": form["request_uri"]},
	} {
		if a, err := w.s.ParseAuthorization(t.Context(), bad); a != nil || err == nil {
			t.Errorf("%s: %v", name, a)
		}
	}
	if w.pushedRow(form) != before {
		t.Error("it changed")
	}
	w.parse(form)
}

// TestClientPushesForItselfAlone.
func TestClientPushesForItselfAlone(t *testing.T) {
	w := newWorld(t)
	wantError(t, "basic", w.call(w.s.ServePAR, "app", request("other")), 400, "invalid_request")
	form := request("app")
	form.Del("client_id")
	if p := w.pushedRow(w.push("app", form)); p.ClientID != "app" {
		t.Errorf("%+v", p)
	}
}

// TestPushesThatAreRefused leave no row.
func TestPushesThatAreRefused(t *testing.T) {
	w := newWorld(t)
	send := func(change func(r *http.Request), form url.Values) answer {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.SetBasicAuth("app", testSecret.Reveal())
		change(r)
		return w.send(w.s.ServePAR, r, form.Encode())
	}
	refused := map[string]struct {
		answer func() answer
		status int
		code   string
	}{
		"nobody":   {func() answer { return w.call(w.s.ServePAR, "", request("app")) }, 401, "invalid_client"},
		"unknown":  {func() answer { return w.call(w.s.ServePAR, "nobody", request("nobody")) }, 401, "invalid_client"},
		"disabled": {func() answer { return w.call(w.s.ServePAR, "off", request("off")) }, 401, "invalid_client"},
		"GET":      {func() answer { return send(func(r *http.Request) { r.Method = http.MethodGet }, request("app")) }, 405, "invalid_request"},
		"PUT":      {func() answer { return send(func(r *http.Request) { r.Method = http.MethodPut }, request("app")) }, 405, "invalid_request"},
		"JSON": {func() answer {
			return send(func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, request("app"))
		}, 400, "invalid_request"},
		"in the URL": {func() answer { return send(func(r *http.Request) { r.URL.RawQuery = "state=x" }, request("app")) }, 400, "invalid_request"},
		"request_uri": {func() answer {
			return w.call(w.s.ServePAR, "app", with(request("app"), "request_uri", pushedPrefix+"x"))
		}, 400, "invalid_request"},
		"redirect": {func() answer {
			return w.call(w.s.ServePAR, "app", with(request("app"), "redirect_uri", "https://evil.example/"))
		}, 400, "invalid_request"},
		"no redirect":   {func() answer { return w.call(w.s.ServePAR, "app", with(request("app"), "redirect_uri", "")) }, 400, "invalid_request"},
		"response type": {func() answer { return w.call(w.s.ServePAR, "app", with(request("app"), "response_type", "x")) }, 400, "unsupported_response_type"},
		"scope":         {func() answer { return w.call(w.s.ServePAR, "app", with(request("app"), "scope", "openid root")) }, 400, "invalid_scope"},
		"no PKCE": {func() answer {
			return w.call(w.s.ServePAR, "strict", with(request("strict"), "code_challenge", "", "code_challenge_method", ""))
		}, 400, "invalid_request"},
		"plain PKCE": {func() answer {
			return w.call(w.s.ServePAR, "app", with(request("app"), "code_challenge_method", "plain"))
		}, 400, "invalid_request"},
		"prompt": {func() answer { return w.call(w.s.ServePAR, "app", with(request("app"), "prompt", "none login")) }, 400, "invalid_request"},
		"long": {func() answer {
			return w.call(w.s.ServePAR, "app", with(request("app"), "state", strings.Repeat("x", maxParams)))
		}, 413, "invalid_request"},
		"twice": {func() answer { f := request("app"); f.Add("state", "x"); return w.call(w.s.ServePAR, "app", f) }, 400, "invalid_request"},
		"NUL":   {func() answer { return w.call(w.s.ServePAR, "app", with(request("app"), "state", "\x00")) }, 400, "invalid_request"},
	}
	for _, s := range w.counted(func() {
		for name, tt := range refused {
			wantError(t, name, tt.answer(), tt.status, tt.code)
		}
	}) {
		if s.Op != "select" {
			t.Errorf("a refusal wrote: %+v", s)
		}
	}
}

// TestPushIsRequired of clients that are registered so, or of all.
func TestPushIsRequired(t *testing.T) {
	w := newWorld(t)
	w.signingClient("pushing", func(c *broker.Client) {
		c.AuthMethod, c.Metadata.RequirePAR = broker.AuthBasic, true
		c.Secrets = []broker.ClientSecret{{Hash: testSecret.Hash()}}
	})
	refused := func(form url.Values) {
		t.Helper()
		a, err := w.s.ParseAuthorization(t.Context(), form)
		if a == nil || err == nil {
			t.Fatalf("%v, %v", a, err)
		}
		if code, _, _ := protocolError(err); code != "invalid_request" {
			t.Error(err)
		}
	}
	refused(request("pushing"))
	refused(with(request("pushing"), pushedParam, "x")) // what it says of itself does not count
	w.parse(request("app"))
	a := w.parse(w.push("pushing", request("pushing")))
	if _, err := w.s.ResumeAuthorization(t.Context(), a.Params); err != nil {
		t.Error(err)
	}
	w.s.o.RequirePAR = true
	refused(request("app"))
	w.parse(w.push("app", request("app")))
}

// TestPushedFlowCounts the statements: one more than without, in one unit of work.
func TestPushedFlowCounts(t *testing.T) {
	w := newWorld(t)
	var form url.Values
	if got := strings.Join(ops(w.counted(func() { form = w.push("app", request("app")) })), " "); got != "select insert" && got != "select select insert" {
		t.Errorf("push: %s", got)
	}
	var a *Authorization
	if got := strings.Join(ops(w.counted(func() { a = w.parse(form) })), " "); got != "select select" {
		t.Errorf("authorize: %s", got)
	}
	if got := strings.Join(ops(w.counted(func() { w.respond(a, w.approval(a)) })), " "); got != "begin update insert commit" {
		t.Errorf("approve: %s", got)
	}
}

// FuzzPushedForm: whatever a client pushes, it is refused or kept; what is kept
// is what the browser gets, and holds no credentials.
func FuzzPushedForm(f *testing.F) {
	f.Add(request("app").Encode())
	f.Add("client_id=app&response_type=code&scope=openid&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&client_secret=x&request_uri=")
	f.Add("response_type=code&scope=%00&max_age=1e5")
	f.Add("client_id=app&client_id=other")
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, body string) {
		w.t = t
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.SetBasicAuth("app", testSecret.Reveal())
		a := w.send(w.s.ServePAR, r, body)
		if a.status != http.StatusCreated {
			if a.status < 400 || a.status >= 500 || a.str("error") == "" {
				t.Fatalf("%q: %d %s", body, a.status, a.body)
			}
			return
		}
		sent, err := url.ParseQuery(body)
		must(t, err)
		for name, values := range sent { // what readForm refuses
			if len(values) > 1 && name != "resource" || !plainText(name+strings.Join(values, "")) {
				t.Fatalf("%q is accepted for its %q", body, name)
			}
		}
		got, err := w.s.ParseAuthorization(t.Context(), url.Values{"client_id": {"app"}, "request_uri": {a.str("request_uri")}})
		if err != nil || got.Client.ID != "app" || got.RedirectURI != testCallback {
			t.Fatalf("%q: %+v, %v", body, got, err)
		}
		kept, err := url.ParseQuery(got.Params)
		if err != nil || kept.Has("client_secret") || kept.Has("client_assertion") || kept.Has("request_uri") {
			t.Fatalf("%q: kept %q", body, got.Params)
		}
	})
}
