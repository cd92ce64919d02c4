package tokens

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

// TestErrorsBeforeTheRedirectIsTrustedAreAPage: nothing is sent to an address
// that nobody vouches for.
func TestErrorsBeforeTheRedirectIsTrustedAreAPage(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		name string
		form url.Values
		want *broker.Error
	}{
		{"empty", url.Values{}, errClientMissing},
		{"no client", with(request("app"), "client_id", ""), errClientMissing},
		{"unknown client", with(request("app"), "client_id", "nobody"), errClientUnknown},
		{"client with NUL", with(request("app"), "client_id", "app\x00"), errClientUnknown},
		{"client that is not UTF-8", with(request("app"), "client_id", "\xff"), errClientUnknown},
		{"long client", with(request("app"), "client_id", strings.Repeat("a", 256)), errClientUnknown},
		{"disabled client", request("off"), errClientDisabled},
		{"another redirect", with(request("app"), "redirect_uri", "https://evil.example/cb"), errRedirectUnknown},
		{"longer redirect", with(request("app"), "redirect_uri", testCallback+"/x"), errRedirectUnknown},
		{"redirect with a query", with(request("app"), "redirect_uri", testCallback+"?x=1"), errRedirectUnknown},
		{"no redirect", with(request("app"), "redirect_uri", ""), errRedirectMissing},
		{"two clients", url.Values{"client_id": {"app", "other"}, "redirect_uri": {testCallback}}, errTwiceInPage},
		{"two redirects", url.Values{"client_id": {"app"}, "redirect_uri": {testCallback, "https://evil.example"}}, errTwiceInPage},
		{"too long", with(request("app"), "state", strings.Repeat("a", maxParams)), errRequestInvalid},
	} {
		a, err := w.s.ParseAuthorization(t.Context(), tt.form)
		if a != nil || !errors.Is(err, tt.want) {
			t.Errorf("%s: ParseAuthorization = %v, %v, want %v", tt.name, a, err, tt.want)
		}
	}
}

// TestErrorsBehindATrustedRedirectGoThere, with state and iss.
func TestErrorsBehindATrustedRedirectGoThere(t *testing.T) {
	w := newWorld(t)
	hint := w.tokens("other").str("id_token")
	twice := request("app")
	twice.Add("scope", "openid")
	for _, tt := range []struct {
		name string
		form url.Values
		want string
	}{
		{"scope twice", twice, "invalid_request"},
		{"unknown parameter twice", url.Values{"client_id": {"app"}, "redirect_uri": {testCallback}, "state": {"s"}, "x": {"1", "2"}}, "invalid_request"},
		{"request object", with(request("app"), "request", "x"), "request_not_supported"},
		{"request URI", with(request("app"), "request_uri", "https://app.example/r"), "request_uri_not_supported"},
		{"registration", with(request("app"), "registration", "{}"), "registration_not_supported"},
		{"no response type", with(request("app"), "response_type", ""), "invalid_request"},
		{"token", with(request("app"), "response_type", "token"), "unsupported_response_type"},
		{"hybrid", with(request("app"), "response_type", "code id_token"), "unauthorized_client"},
		{"CODE", with(request("app"), "response_type", "CODE"), "unsupported_response_type"},
		{"form_post", with(request("app"), "response_mode", "form_post"), "invalid_request"},
		{"unknown response mode", with(request("app"), "response_mode", "x"), "invalid_request"},
		{"client for machines", with(request("machine"), "scope", "api"), "unauthorized_client"},
		{"no scope", with(request("app"), "scope", ""), "invalid_scope"},
		{"spaces", with(request("app"), "scope", "  "), "invalid_scope"},
		{"other scope", with(request("app"), "scope", "openid admin"), "invalid_scope"},
		{"OpenID", with(request("app"), "scope", "OpenID"), "invalid_scope"},
		{"scope with a line end", with(request("app"), "scope", "openid\n"), "invalid_scope"},
		{"public without PKCE", with(request("spa"), "code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		{"strict without PKCE", with(request("strict"), "code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		{"method alone", with(request("app"), "code_challenge", ""), "invalid_request"},
		{"plain", with(request("app"), "code_challenge_method", "plain"), "invalid_request"},
		{"method left out is plain", with(request("app"), "code_challenge_method", ""), "invalid_request"},
		{"s256", with(request("app"), "code_challenge_method", "s256"), "invalid_request"},
		{"short challenge", with(request("app"), "code_challenge", "x"), "invalid_request"},
		{"challenge that is no base64url", with(request("app"), "code_challenge", strings.Repeat("=", 43)), "invalid_request"},
		{"none with others", with(request("app"), "prompt", "none login"), "invalid_request"},
		{"unknown prompt", with(request("app"), "prompt", "x"), "invalid_request"},
		{"none with create", with(request("app"), "prompt", "none create"), "invalid_request"},
		{"Login", with(request("app"), "prompt", "Login"), "invalid_request"},
		{"negative max_age", with(request("app"), "max_age", "-1"), "invalid_request"},
		{"max_age that is no number", with(request("app"), "max_age", "1h"), "invalid_request"},
		{"max_age with a sign", with(request("app"), "max_age", "+1"), "invalid_request"},
		{"max_age with a space", with(request("app"), "max_age", " 1"), "invalid_request"},
		{"long nonce", with(request("app"), "nonce", strings.Repeat("n", maxNonce+1)), "invalid_request"},
		{"nonce with NUL", with(request("app"), "nonce", "a\x00"), "invalid_request"},
		{"nonce that is not UTF-8", with(request("app"), "nonce", "\xff"), "invalid_request"},
		{"login_hint with a line end", with(request("app"), "login_hint", "a\nb"), "invalid_request"},
		{"hint that is no token", with(request("app"), "id_token_hint", "x"), "invalid_request"},
		{"hint for another client", with(request("app"), "id_token_hint", hint), "invalid_request"},
	} {
		a, err := w.s.ParseAuthorization(t.Context(), tt.form)
		if a == nil || err == nil {
			t.Errorf("%s: ParseAuthorization = %v, %v, want an error for a redirect", tt.name, a, err)
			continue
		}
		rec := httptest.NewRecorder()
		w.s.Refuse(rec, httptest.NewRequest(http.MethodGet, "/", nil), a, err)
		if q := location(t, rec); q.Get("error") != tt.want || q.Get("iss") != testIssuer || q.Get("state") != "s" || q.Has("code") {
			t.Errorf("%s: redirect with %v, want %s", tt.name, q, tt.want)
		}
		if h := rec.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers %v", tt.name, h)
		}
		if err := w.s.Respond(t.Context(), httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), a, w.approval(a)); err == nil {
			t.Errorf("%s: a refused request was answered with a code", tt.name)
		}
	}
}

func TestAuthorizationTellsWhatWasAsked(t *testing.T) {
	w := newWorld(t)
	hint := w.tokens("app").str("id_token")
	a := w.parse(with(request("app"), "scope", "openid email  openid", "prompt", "login consent", "max_age", "0", "login_hint", "Ädä@example.org",
		"ui_locales", "de en", "acr_values", "a b", "display", "popup", "id_token_hint", hint, "claims", "{}", "unknown", "x", "audience", "y"))
	want := &Authorization{
		Scopes: []string{"openid", "email"}, Prompt: []string{"login", "consent"}, MaxAge: new(time.Duration), LoginHint: "Ädä@example.org",
		UILocales: "de en", ACRValues: "a b", HintSubject: w.user.ID, RedirectURI: testCallback,
	}
	got := *a
	got.Client, got.Params, got.state, got.responseMode, got.responseType, got.modeOK, got.request, got.scopeOf = want.Client, "", "", "", "", false, nil, nil
	if !reflect.DeepEqual(&got, want) || a.Client.ID != "app" {
		t.Errorf("ParseAuthorization = %+v, want %+v", got, want)
	}
}

// TestDefaultACRValues stand where the request says nothing of how people sign in.
func TestDefaultACRValues(t *testing.T) {
	w := newWorld(t)
	c, err := w.db.Client(t.Context(), "app")
	must(t, err)
	c.Metadata.DefaultACRValues = []string{"urn:example:gold", "1"}
	must(t, w.db.UpdateClient(t.Context(), c))
	for _, tt := range []struct{ acr, claims, want string }{
		{"", "", "urn:example:gold 1"},
		{"2", "", "2"},
		{"", `{"id_token": {"acr": null}}`, "urn:example:gold 1"},
		{"", `{"id_token": {"acr": {"values": ["3"]}}}`, ""},
		{"", `{"id_token": {"acr": {"value": "3"}}}`, ""},
		{"2", `{"id_token": {"acr": {"value": "3"}}}`, "2"},
		{"", `{"userinfo": {"acr": {"value": "3"}}}`, "urn:example:gold 1"},
	} {
		if a := w.parse(with(request("app"), "acr_values", tt.acr, "claims", tt.claims)); a.ACRValues != tt.want {
			t.Errorf("%+v: %q", tt, a.ACRValues)
		}
	}
}

// TestParamsRoundTrip: Login.Request is enough to go on after the sign-in.
func TestParamsRoundTrip(t *testing.T) {
	w := newWorld(t)
	for _, form := range []url.Values{
		request("app"), with(request("app"), "state", ""), with(request("spa"), "prompt", "none", "max_age", "17", "response_mode", "fragment"),
		with(request("app"), "state", "ü&=+ ~€", "nonce", strings.Repeat("n", 384), "ui_locales", "de"),
	} {
		first := w.parse(form)
		again, err := url.ParseQuery(first.Params)
		must(t, err)
		second := w.parse(again)
		first.request, second.request = nil, nil
		if !reflect.DeepEqual(first, second) {
			t.Errorf("%v:\n%+v becomes\n%+v", form, first, second)
		}
	}
}

func TestStateOfAnyLengthComesBack(t *testing.T) {
	w := newWorld(t)
	for _, state := range []string{"", "x", strings.Repeat("s", 1000), `"\ü&=`} {
		a := w.parse(with(request("app"), "state", state))
		q := w.respond(a, w.approval(a))
		if q.Get("state") != state || q.Has("state") != (state != "") {
			t.Errorf("state %q comes back as %q", state, q["state"])
		}
		if q.Get("iss") != testIssuer || !strings.HasPrefix(q.Get("code"), "ibc.") || len(q) > 4 {
			t.Errorf("redirect with %v", q)
		}
	}
}

func TestFragmentAnswersAndErrors(t *testing.T) {
	w := newWorld(t)
	a := w.parse(with(request("app"), "response_mode", "fragment"))
	rec := httptest.NewRecorder()
	must(t, w.s.Respond(t.Context(), rec, httptest.NewRequest(http.MethodGet, "/", nil), a, w.approval(a)))
	if got := rec.Header().Get("Location"); !strings.HasPrefix(got, testCallback+"#code=ibc.") {
		t.Errorf("Location %q", got)
	}
	rec = httptest.NewRecorder()
	w.s.Refuse(rec, httptest.NewRequest(http.MethodGet, "/", nil), a, ErrAccessDenied)
	if got := rec.Header().Get("Location"); !strings.HasPrefix(got, testCallback+"#error=access_denied&") {
		t.Errorf("Location %q", got)
	}
}

// TestRefusedFragmentRequestsAnswerInTheFragment, however early the error.
func TestRefusedFragmentRequestsAnswerInTheFragment(t *testing.T) {
	w := newWorld(t)
	for _, pair := range [][2]string{{"scope", "admin"}, {"response_type", "x"}, {"max_age", "x"}, {"request", "x"}} {
		a, err := w.s.ParseAuthorization(t.Context(), with(request("app"), "response_mode", "fragment", pair[0], pair[1]))
		if a == nil || err == nil {
			t.Fatalf("%v: %v, %v", pair, a, err)
		}
		rec := httptest.NewRecorder()
		w.s.Refuse(rec, httptest.NewRequest(http.MethodGet, "/", nil), a, err)
		if got := rec.Header().Get("Location"); !strings.HasPrefix(got, testCallback+"#error=") {
			t.Errorf("%v: Location %q", pair, got)
		}
	}
}

func TestNonceOfAnyLengthComesBack(t *testing.T) {
	w := newWorld(t)
	for _, nonce := range []string{"x", strings.Repeat("n", 384), "ü ☃"} {
		if got := claimsOf(t, w, w.tokens("app", "nonce", nonce).str("id_token")); got.Nonce != nonce {
			t.Errorf("nonce %q comes back as %q", nonce, got.Nonce)
		}
	}
}

func TestPKCEIsOptionalForConfidentialClients(t *testing.T) {
	w := newWorld(t)
	w.parse(with(request("app"), "code_challenge", "", "code_challenge_method", ""))
}

func TestRefuseHidesOurErrors(t *testing.T) {
	w := newWorld(t)
	a := w.parse(request("app"))
	for _, tt := range []struct {
		err  error
		want string
	}{
		{ErrAccessDenied, "access_denied"}, {ErrLoginRequired, "login_required"}, {ErrConsentRequired, "consent_required"},
		{ErrInteractionRequired, "interaction_required"}, {fmt.Errorf("wrapped: %w", ErrAccessDenied), "access_denied"},
		{errors.New("secret detail"), "server_error"}, {&broker.Error{Kind: broker.KindUnavailable, Message: "x"}, "temporarily_unavailable"},
	} {
		rec := httptest.NewRecorder()
		w.s.Refuse(rec, httptest.NewRequest(http.MethodGet, "/", nil), a, tt.err)
		q := location(t, rec)
		if q.Get("error") != tt.want || strings.Contains(q.Get("error_description"), "secret") {
			t.Errorf("%v: %v", tt.err, q)
		}
	}
}

func TestParseAge(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "00": 0, "300": 5 * time.Minute, "9223372036854775807": maxAge, "99999999999999999999999": maxAge,
	} {
		if got, ok := parseAge(text); !ok || got != want {
			t.Errorf("parseAge(%q) = %s, %v, want %s", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "-0", "+0", "1.5", "0x1", "1e3", "٣", "1 "} {
		if got, ok := parseAge(text); ok {
			t.Errorf("parseAge(%q) = %s", text, got)
		}
	}
}

// FuzzAuthorization: whatever is accepted is what the specifications allow.
func FuzzAuthorization(f *testing.F) {
	w := newWorld(f)
	f.Add(request("app").Encode())
	f.Add(with(request("spa"), "prompt", "none", "max_age", "0").Encode())
	f.Add("client_id=app&client_id=x")
	f.Add("client_id=app&redirect_uri=https://app.example/cb&scope=%ff%00&state=%0d%0a")
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		a, err := w.s.ParseAuthorization(t.Context(), form)
		if a == nil {
			if err == nil {
				t.Fatal("neither an authorization nor an error")
			}
			return
		}
		if a.RedirectURI != testCallback {
			t.Fatalf("trusted %q", a.RedirectURI)
		}
		if err != nil {
			rec := httptest.NewRecorder()
			w.s.Refuse(rec, httptest.NewRequest(http.MethodGet, "/", nil), a, err)
			if !strings.HasPrefix(rec.Header().Get("Location"), testCallback) || strings.Contains(rec.Header().Get("Location"), "server_error") {
				t.Fatalf("refused with %q: %v", rec.Header().Get("Location"), err)
			}
			return
		}
		for _, scope := range a.Scopes {
			if !strings.Contains(" openid profile email offline_access api ", " "+scope+" ") {
				t.Fatalf("scope %q", scope)
			}
		}
		again, err := url.ParseQuery(a.Params)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := w.s.ParseAuthorization(t.Context(), again); err != nil || b.Params != a.Params {
			t.Fatalf("%q does not round-trip: %v", query, err)
		}
	})
}
