package demo

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"idbroker/broker"
)

var discard = slog.New(slog.DiscardHandler)

const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636, appendix B

// good is an authorization request that the provider accepts.
func (s *site) good(id ProviderApp) url.Values {
	return url.Values{
		"client_id": {id.ClientID}, "redirect_uri": {s.issuer.brokerURL + "/oauth/authorized/" + id.ID + "/"},
		"response_type": {"code"}, "scope": {"openid profile email"}, "state": {"the state"}, "nonce": {"the nonce"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	}
}

func TestAuthorizeRefuses(t *testing.T) {
	s, b := newSite(t), newBrowser(t)
	app := s.Providers()[0]
	back := s.good(app).Get("redirect_uri")
	for _, tt := range []struct {
		name, key, value string
		want             string // the error sent back; "page": nobody is sent anywhere
	}{
		{"good", "", "", ""},
		{"unknown client", "client_id", "somebody", "page"},
		{"client of the other provider", "client_id", s.Providers()[1].ClientID, "page"},
		{"no redirect URI", "redirect_uri", "", "page"},
		{"redirect URI with more path", "redirect_uri", back + "x", "page"},
		{"redirect URI with a query", "redirect_uri", back + "?x=y", "page"},
		{"redirect URI without the slash", "redirect_uri", strings.TrimSuffix(back, "/"), "page"},
		{"redirect URI elsewhere", "redirect_uri", "https://evil.example/", "page"},
		{"redirect URI in upper case", "redirect_uri", strings.ToUpper(back), "page"},
		{"implicit", "response_type", "id_token", "unsupported_response_type"},
		{"hybrid", "response_type", "code id_token", "unsupported_response_type"},
		{"no openid", "scope", "profile email", "invalid_scope"},
		{"no state", "state", "", "invalid_request"},
		{"no nonce", "nonce", "", "invalid_request"},
		{"no challenge", "code_challenge", "", "invalid_request"},
		{"short challenge", "code_challenge", "abc", "invalid_request"},
		{"plain", "code_challenge_method", "plain", "invalid_request"},
		{"method omitted, which means plain", "code_challenge_method", "", "invalid_request"},
		{"nobody to ask", "prompt", "none", "login_required"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := s.good(app)
			if tt.key != "" {
				q.Set(tt.key, tt.value)
			}
			post := url.Values{"person": {"ada"}}
			for k, v := range q {
				post[k] = v
			}
			for method, a := range map[string]answer{
				"GET": b.get(app.Issuer + "/authorize?" + q.Encode()), "POST": b.post(app.Issuer+"/authorize", post),
			} {
				switch tt.want {
				case "page":
					if a.StatusCode != http.StatusBadRequest || a.Header.Get("Location") != "" {
						t.Errorf("%s: %d to %q", method, a.StatusCode, a.Header.Get("Location"))
					}
				case "":
					if method == "GET" && (a.StatusCode != http.StatusOK || !strings.Contains(a.body, "Grace Hopper")) {
						t.Errorf("%s: %d %s", method, a.StatusCode, a.body)
					}
					if method == "POST" && a.to(t).Query().Get("code") == "" {
						t.Errorf("%s: %s", method, a.to(t))
					}
				default:
					got := a.to(t)
					if !strings.HasPrefix(got.String(), back+"?") || got.Query().Get("error") != tt.want || got.Query().Has("code") {
						t.Errorf("%s: %s", method, got)
					}
					if got.Query().Get("iss") != app.Issuer || got.Query().Get("state") != q.Get("state") {
						t.Errorf("%s: iss or state is missing: %s", method, got)
					}
				}
			}
		})
	}
}

func TestAuthorizePage(t *testing.T) {
	s, b := newSite(t), newBrowser(t)
	app := s.Providers()[0]
	q := s.good(app)
	q.Set("state", `"><script>alert(1)</script>`)
	a := b.get(app.Issuer + "/authorize?" + q.Encode())
	if strings.Contains(a.body, "<script") {
		t.Error("state is not escaped")
	}
	form := b.get(app.Issuer + "/authorize?" + s.good(app).Encode()).fields()
	form.Set("person", "deny")
	if to := b.post(app.Issuer+"/authorize", form).to(t); to.Query().Get("error") != "access_denied" || to.Query().Has("code") {
		t.Errorf("deny: %s", to)
	}
	form.Set("person", "mallory")
	if a := b.post(app.Issuer+"/authorize", form); a.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("unknown person: %d", a.StatusCode)
	}
	if csp := a.Header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "form-action 'self' "+s.issuer.brokerURL+" "+s.app.URL) {
		t.Errorf("the form may not lead back: %q", csp)
	}
}

// code signs a person in and returns the code.
func (s *site) code(t *testing.T, app ProviderApp, person string) string {
	t.Helper()
	b := newBrowser(t)
	form := b.get(app.Issuer + "/authorize?" + s.good(app).Encode()).fields()
	form.Set("person", person)
	to := b.post(app.Issuer+"/authorize", form).to(t)
	if to.Query().Get("code") == "" || to.Query().Get("iss") != app.Issuer || to.Query().Get("state") != "the state" {
		t.Fatalf("redirect: %s", to)
	}
	return to.Query().Get("code")
}

func (s *site) tokenForm(app ProviderApp, code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {s.good(app).Get("redirect_uri")}, "code_verifier": {verifier},
		"client_id": {app.ClientID}, "client_secret": {app.ClientSecret.Reveal()},
	}
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

func TestTokenRefuses(t *testing.T) {
	s, b := newSite(t), newBrowser(t)
	app, other := s.Providers()[0], s.Providers()[1]
	for _, tt := range []struct {
		name, key, value, basic string
		status                  int
		want                    string
	}{
		{"good", "", "", "", 200, ""},
		{"wrong secret", "client_secret", "wrong", "", 401, "invalid_client"},
		{"no secret", "client_secret", "", "", 401, "invalid_client"},
		{"secret of the other provider", "client_secret", other.ClientSecret.Reveal(), "", 401, "invalid_client"},
		{"two ways at once", "", "", basic(app.ClientID, app.ClientSecret.Reveal()), 401, "invalid_client"},
		{"wrong basic", "client_secret", "", basic(app.ClientID, "wrong"), 401, "invalid_client"},
		{"basic that is not encoded", "client_secret", "", "Basic " + base64.StdEncoding.EncodeToString([]byte("%zz:%zz")), 401, "invalid_client"},
		{"basic", "client_secret", "", basic(app.ClientID, app.ClientSecret.Reveal()), 200, ""},
		{"wrong grant type", "grant_type", "password", "", 400, "unsupported_grant_type"},
		{"unknown code", "code", "unknown", "", 400, "invalid_grant"},
		{"no code", "code", "", "", 400, "invalid_grant"},
		{"other redirect URI", "redirect_uri", "http://127.0.0.1/", "", 400, "invalid_grant"},
		{"no verifier", "code_verifier", "", "", 400, "invalid_grant"},
		{"wrong verifier", "code_verifier", strings.Repeat("x", 43), "", 400, "invalid_grant"},
		{"the challenge as verifier", "code_verifier", oauth2.S256ChallengeFromVerifier(verifier), "", 400, "invalid_grant"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			form := s.tokenForm(app, s.code(t, app, "ada"))
			if tt.key != "" {
				form.Set(tt.key, tt.value)
			}
			header := []string{}
			if tt.basic != "" {
				header = append(header, "Authorization", tt.basic)
			}
			a := b.post(app.Issuer+"/token", form, header...)
			var got struct {
				Error       string `json:"error"`
				AccessToken string `json:"access_token"`
			}
			if err := json.Unmarshal([]byte(a.body), &got); err != nil {
				t.Fatal(err)
			}
			if a.StatusCode != tt.status || got.Error != tt.want || (got.AccessToken != "") != (tt.want == "") {
				t.Errorf("%d %s", a.StatusCode, a.body)
			}
			if (a.StatusCode == 401) != (a.Header.Get("WWW-Authenticate") != "") {
				t.Errorf("WWW-Authenticate: %q", a.Header.Get("WWW-Authenticate"))
			}
		})
	}
}

func TestReplayedCodeEndsItsToken(t *testing.T) {
	s, b := newSite(t), newBrowser(t)
	app := s.Providers()[0]
	form := s.tokenForm(app, s.code(t, app, "ada"))
	var first struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(b.post(app.Issuer+"/token", form).body), &first); err != nil || first.AccessToken == "" {
		t.Fatal(err, first)
	}
	userInfo := func() int {
		return b.post(app.Issuer+"/userinfo", nil, "Authorization", "Bearer "+first.AccessToken).StatusCode
	}
	if got := userInfo(); got != 200 {
		t.Fatalf("userinfo: %d", got)
	}
	if a := b.post(app.Issuer+"/token", form); a.StatusCode != 400 || !strings.Contains(a.body, "invalid_grant") {
		t.Errorf("replay: %d %s", a.StatusCode, a.body)
	}
	if got := userInfo(); got != 401 {
		t.Errorf("userinfo after the replay: %d", got)
	}
	// A code of the other provider is worth nothing here.
	other := s.Providers()[1]
	if a := b.post(app.Issuer+"/token", s.tokenForm(app, s.code(t, other, "ada"))); a.StatusCode != 400 {
		t.Errorf("foreign code: %d %s", a.StatusCode, a.body)
	}
	if a := b.get(app.Issuer + "/userinfo"); a.StatusCode != 401 || a.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("userinfo without a token: %d", a.StatusCode)
	}
}

// An independent library accepts what both providers say of every person.
func TestRelyingPartyAccepts(t *testing.T) {
	s := newSite(t)
	subjects := map[string]bool{}
	for _, app := range s.Providers() {
		p, err := oidc.NewProvider(context.Background(), app.Issuer)
		if err != nil {
			t.Fatal(err)
		}
		for _, person := range People() {
			c := oauth2.Config{ClientID: app.ClientID, ClientSecret: app.ClientSecret.Reveal(), Endpoint: p.Endpoint(), RedirectURL: s.good(app).Get("redirect_uri")}
			token, err := c.Exchange(context.Background(), s.code(t, app, person.Key), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(err)
			}
			id, err := p.Verifier(&oidc.Config{ClientID: app.ClientID}).Verify(context.Background(), token.Extra("id_token").(string))
			if err != nil {
				t.Fatal(err)
			}
			if err := id.VerifyAccessToken(token.AccessToken); err != nil {
				t.Error(err)
			}
			info, err := p.UserInfo(context.Background(), oauth2.StaticTokenSource(token))
			if err != nil {
				t.Fatal(err)
			}
			if id.Nonce != "the nonce" || id.Subject != info.Subject || info.Email != person.Email || info.EmailVerified != person.EmailVerified {
				t.Errorf("%s at %s: %+v, %+v", person.Key, app.ID, id, info)
			}
			var raw map[string]any
			if err := info.Claims(&raw); err != nil {
				t.Fatal(err)
			}
			if _, has := raw["email"]; has != (person.Email != "") || raw["name"] != person.Name {
				t.Errorf("%s at %s: %v", person.Key, app.ID, raw)
			}
			subjects[id.Subject] = true
		}
	}
	if len(subjects) != 6 {
		t.Errorf("%d subjects, want 6: three people at two providers", len(subjects))
	}
}

func TestCodesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSpendOnce[string](time.Minute)
		soon, late := s.put("soon", time.Now()), s.put("late", time.Now())
		time.Sleep(time.Minute - time.Nanosecond)
		if v, ok, _ := s.spend(soon, time.Now()); !ok || v != "soon" {
			t.Error("a live code is refused")
		}
		if _, ok := s.get(soon, time.Now()); ok {
			t.Error("a spent code is still there")
		}
		time.Sleep(time.Nanosecond)
		if _, ok, _ := s.spend(late, time.Now()); ok {
			t.Error("an expired code is accepted")
		}
		if _, ok := s.get(late, time.Now()); ok {
			t.Error("an expired code is still there")
		}
	})
}

func TestCodesAreBounded(t *testing.T) {
	s, at := newSpendOnce[int](time.Minute), time.Now()
	for i := range maxKept {
		s.put(i, at.Add(-time.Hour))
	}
	live := s.put(1, at)
	if _, ok := s.get(live, at); !ok || len(s.m) != 1 {
		t.Errorf("%d kept after the expired ones went", len(s.m))
	}
	for i := range maxKept + 1 {
		s.put(i, at)
	}
	if len(s.m) > maxKept {
		t.Errorf("%d kept", len(s.m))
	}
}

// Subjects survive a restart: accounts at the broker stay reachable.
func TestSubjectsAreStable(t *testing.T) {
	o := Options{Issuer: "http://127.0.0.1:1", ProviderURL: "http://127.0.0.1:3", RedirectURI: func(string) string { return "" }, Log: discard}
	if a, b := newProvider(o, "harbour", "", broker.ES256), newProvider(o, "harbour", "", broker.ES256); a.subject("ada") != b.subject("ada") || a.subject("ada") == a.subject("alan") {
		t.Error("subjects are not stable or not distinct")
	}
}

func FuzzAuthorize(f *testing.F) {
	o := Options{Issuer: "http://127.0.0.1:1", AppURL: "http://127.0.0.1:2", ProviderURL: "http://127.0.0.1:3", RedirectURI: func(string) string { return "http://127.0.0.1:1/back" }, Log: discard}
	p := newProvider(o, "harbour", "Harbour", broker.ES256)
	h := providerHandler(o, []*provider{p})
	f.Add("client_id=broker-at-harbour&redirect_uri=http://127.0.0.1:1/back&response_type=code&scope=openid&state=s&nonce=n")
	f.Add("redirect_uri=javascript:alert(1)&state=%00%ff")
	f.Fuzz(func(t *testing.T, query string) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:3/harbour/authorize", nil)
		r.URL.RawQuery = query
		h.ServeHTTP(w, r)
		if to := w.Header().Get("Location"); to != "" && !strings.HasPrefix(to, p.redirectURI+"?") {
			t.Errorf("redirects to %q", to)
		}
	})
}
