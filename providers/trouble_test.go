package providers

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

// What HTTP can do to us at each endpoint, and what the person is told.
func TestTroubleAtEveryEndpoint(t *testing.T) {
	down, slow, broken := ErrUnavailable, ErrUnavailable.Why(whySlow), ErrUpstream.Why(whyBroken)
	for _, tt := range []struct {
		name    string
		failure providertest.Failure
		want    *broker.Error
	}{
		{"500", providertest.Failure{Status: 500, Body: "{}"}, down},
		{"502", providertest.Failure{Status: 502, Body: "{}"}, down},
		{"503 with a page", providertest.Failure{Status: 503, HTML: true}, down},
		{"429", providertest.Failure{Status: 429, Body: "{}"}, down},
		{"slow", providertest.Failure{Delay: 5 * time.Second}, slow},
		{"reset in the body", providertest.Failure{Reset: true}, down},
		{"2 MiB", providertest.Failure{Huge: true}, broken},
		{"a page", providertest.Failure{HTML: true}, broken},
		{"JSON that says it is text", providertest.Failure{Body: `{"a":1}`, ContentType: "text/plain"}, broken},
		{"a form", providertest.Failure{Body: `access_token=a&id_token=b`, ContentType: "application/x-www-form-urlencoded"}, broken},
		{"truncated JSON", providertest.Failure{Truncate: true}, broken},
		{"empty", providertest.Failure{Body: " "}, broken},
		{"null", providertest.Failure{Body: "null"}, broken},
		{"deep JSON", providertest.Failure{Body: strings.Repeat("[", 10000)}, broken},
		{"two documents", providertest.Failure{Body: "{}{}"}, broken},
		{"418", providertest.Failure{Status: 418, Body: "{}"}, broken},
	} {
		for _, endpoint := range []string{providertest.Discovery, providertest.JWKS, providertest.Token, providertest.UserInfo} {
			t.Run(endpoint+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
				h.fake.Fail(endpoint, tt.failure, tt.failure) // and at the retry of a GET
				p, err := h.signIn("user-1")
				wantError(t, "sign-in", err, tt.want)
				var told *broker.Error
				if errors.As(err, &told) && told.Words() != tt.want.Words() {
					t.Errorf("the person is told %q, want %q", told.Words(), tt.want.Words())
				}
				if p.Subject != "" {
					t.Errorf("a profile came out: %+v", p)
				}
				if n := h.fake.Count(providertest.Token); n > 1 {
					t.Errorf("the code was sent %d times", n)
				}
			})
		}
	}
}

func TestGETIsRetriedOnce(t *testing.T) {
	for _, endpoint := range []string{providertest.Discovery, providertest.JWKS, providertest.UserInfo} {
		for name, f := range map[string]providertest.Failure{
			"503": {Status: 503, Body: "{}"}, "503 with a short Retry-After": {Status: 503, Body: "{}", Header: map[string]string{"Retry-After": "0"}}, "reset": {Reset: true},
		} {
			h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
			h.fake.Fail(endpoint, f)
			if _, err := h.signIn("user-1"); err != nil {
				t.Errorf("%s %s: %v", endpoint, name, err)
			}
		}
		h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
		h.fake.Fail(endpoint, providertest.Failure{Status: 503, Body: "{}", Header: map[string]string{"Retry-After": "120"}})
		_, err := h.signIn("user-1")
		wantError(t, endpoint+" that asks for two minutes", err, ErrUnavailable)
	}
}

// A redirected POST would carry the code and our secret elsewhere.
func TestRedirects(t *testing.T) {
	var elsewhere atomic.Int32
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		elsewhere.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{}`))
	}))
	defer thief.Close()
	for _, endpoint := range []string{providertest.Discovery, providertest.JWKS, providertest.Token, providertest.UserInfo} {
		h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
		h.fake.Fail(endpoint, providertest.Failure{Redirect: thief.URL + "/x"}, providertest.Failure{Redirect: thief.URL + "/x"})
		_, err := h.signIn("user-1")
		wantError(t, endpoint, err, ErrUpstream)
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}

	h := oidcHouse(t, providertest.OpenIDOptions{}, nil) // a GET within the host is followed
	h.fake.Fail(providertest.UserInfo, providertest.Failure{Redirect: h.fake.Endpoint(providertest.UserInfo)})
	if _, err := h.signIn("user-1"); err != nil {
		t.Error(err)
	}
	h.fake.Fail(providertest.Token, providertest.Failure{Redirect: h.fake.Endpoint(providertest.Token)}) // a POST is not
	_, err := h.signIn("user-1")
	wantError(t, "redirected POST within the host", err, ErrUpstream)
}

func TestTokenErrors(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		want   *broker.Error
	}{
		{400, `{"error":"invalid_grant","error_description":"Code not valid"}`, ErrRestart},
		{401, `{"error":"invalid_grant"}`, ErrRestart},
		{200, `{"error":"bad_verification_code","error_description":"expired"}`, ErrRestart},
		{401, `{"error":"unauthorized_client","error_description":"Invalid client or Invalid client credentials"}`, ErrMisconfigured},
		{401, `{"error":"invalid_client"}`, ErrMisconfigured},
		{200, `{"error":"redirect_uri_mismatch"}`, ErrMisconfigured},
		{400, `{"error":"invalid_request","error_description":"Missing parameter: code_verifier"}`, ErrMisconfigured},
		{400, `{"error":"access_denied"}`, ErrDenied},
		{503, `{"error":"temporarily_unavailable"}`, ErrUnavailable},
		{500, `oops`, ErrUnavailable},
		{400, `{"error":"something_new","error_description":"\u001b[31mred\nline"}`, ErrUpstream},
		{400, `{"error":7}`, ErrUpstream},
	} {
		h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
		h.fake.Fail(providertest.Token, providertest.Failure{Status: tt.status, Body: tt.body})
		_, err := h.signIn("user-1")
		wantError(t, tt.body, err, tt.want)
		if err != nil && strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%q reaches the log as it is", err)
		}
		if n := h.fake.Count(providertest.Token); n != 1 {
			t.Errorf("%s: %d token requests", tt.body, n)
		}
	}
}

// Errors never tell what travels in URLs, bodies and headers.
func TestErrorsTellNoSecrets(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{
		TokenAnswer: func(_ providertest.Grant, m map[string]any) {
			m["token_type"] = "access-token-leak" + strings.Repeat("x", 500)
		},
	}, nil)
	_, err := h.signIn("user-1")
	if err == nil || len(err.Error()) > 400 {
		t.Errorf("error of %d bytes", len(err.Error()))
	}
	for _, e := range []error{
		&url.Error{Op: "Get", URL: "https://op.example/api?access_token=SECRET&x#SECRET", Err: context.DeadlineExceeded},
		&url.Error{Op: "Post", URL: "https://u:SECRET@op.example/token?code=SECRET", Err: context.DeadlineExceeded},
		&url.Error{Op: "Get", URL: "%zzSECRET", Err: context.DeadlineExceeded},
	} {
		if got := classify(e); strings.Contains(got.Error(), "SECRET") || got.Kind != broker.KindUnavailable {
			t.Errorf("%v", got)
		}
	}
}

// A broker that starts while its provider is down, and a provider that is
// restarted, must lock nobody out.
func TestProviderIsDown(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	down := providertest.Failure{Status: 500, Body: "{}"}
	h.fake.Fail(providertest.Discovery, down)
	_, _, err := h.begin(broker.BeginOptions{})
	wantError(t, "down at first", err, ErrUnavailable)
	_, _, err = h.begin(broker.BeginOptions{})
	wantError(t, "at once again", err, ErrUnavailable)
	if n := h.fake.Count(providertest.Discovery); n != 1 {
		t.Errorf("asked %d times within the pause", n)
	}
	h.pass(lookupPause)
	if _, err := h.signIn("user-1"); err != nil {
		t.Fatalf("up again: %v", err)
	}
	for range 3 {
		if _, err := h.signIn("user-1"); err != nil {
			t.Fatal(err)
		}
	}
	if d, k := h.fake.Count(providertest.Discovery), h.fake.Count(providertest.JWKS); d != 2 || k != 1 {
		t.Errorf("%d discoveries and %d key sets for four sign-ins", d, k)
	}
	h.pass(metadataFresh)
	for range 10 {
		h.fake.Fail(providertest.Discovery, down)
		h.fake.Fail(providertest.JWKS, down)
	}
	if _, err := h.signIn("user-1"); err != nil {
		t.Errorf("stale metadata and keys did not serve: %v", err)
	}
	h.pass(metadataStale)
	_, err = h.signIn("user-1")
	wantError(t, "stale for a day", err, ErrUnavailable)
	h.fake.Heal()
	h.pass(lookupPause)
	if _, err := h.signIn("user-1"); err != nil {
		t.Errorf("healed: %v", err)
	}
}

func TestKeyRotation(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	signIn := func(what string) {
		t.Helper()
		if _, err := h.signIn("user-1"); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	signIn("first")
	h.pass(lookupPause)
	h.fake.RotateKey(true)
	signIn("new key beside the old")
	h.pass(lookupPause)
	h.fake.RotateKey(false)
	signIn("new key alone")
}

// A key that the provider withdrew is not trusted for longer than an hour.
func TestWithdrawnKeyIsForgotten(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	if _, err := h.signIn("user-1"); err != nil {
		t.Fatal(err)
	}
	stolen := h.fake.StealKey()
	h.fake.RotateKey(false)
	h.pass(metadataFresh)
	h.fake.SignWith(stolen)
	_, err := h.signIn("user-1")
	wantError(t, "withdrawn key", err, ErrUpstream)
}

// Forged tokens must not make us ask for keys each time.
func TestForgedTokensDoNotFlood(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	h.fake.LieAbout(t, "unknown kid")
	for range 5 {
		_, err := h.signIn("user-1")
		wantError(t, "unknown kid", err, ErrUpstream)
	}
	if n := h.fake.Count(providertest.JWKS); n != 1 {
		t.Errorf("%d requests for keys", n)
	}
}

func TestManyAtOnceAskOnce(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := h.signIn("user-1"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if d, k := h.fake.Count(providertest.Discovery), h.fake.Count(providertest.JWKS); d != 1 || k != 1 {
		t.Errorf("%d discoveries, %d key sets", d, k)
	}
}

func TestSomebodyLeaves(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := h.reg.Begin(ctx, "op", "state", broker.BeginOptions{})
	wantError(t, "cancelled", err, ErrUnavailable)
	if _, err := h.signIn("user-1"); err != nil {
		t.Errorf("the next person suffers: %v", err)
	}
}
