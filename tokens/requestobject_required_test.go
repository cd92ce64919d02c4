package tokens

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"idbroker/broker"
)

// TestSignatureIsRequired of a client that is registered so, or of all: whatever
// way the request comes, and also when the person comes back from the sign-in.
func TestSignatureIsRequired(t *testing.T) {
	w := newWorld(t)
	w.signingClient("must", func(c *broker.Client) { c.Metadata.RequireSignedObject = true })
	w.signingClient("may")
	refused := func(what string, a *Authorization, err error) {
		t.Helper()
		code, _, _ := protocolError(err)
		if a == nil || code != "invalid_request" {
			t.Errorf("%s: %v, %v", what, a, err)
		}
	}
	a, err := w.s.ParseAuthorization(t.Context(), request("must"))
	refused("plain", a, err)
	a, err = w.s.ParseAuthorization(t.Context(), with(request("must"), signedParam, "1", pushedParam, "1"))
	refused("a parameter of ours", a, err)
	a, err = w.s.ResumeAuthorization(t.Context(), request("must").Encode())
	refused("resumed", a, err)

	signed := w.parse(object("must", sign(t, header{}, objectOf("must"))))
	again, err := w.s.ResumeAuthorization(t.Context(), signed.Params)
	must(t, err)
	third, err := w.s.ResumeAuthorization(t.Context(), again.Params)
	must(t, err)
	if w.respond(third, w.approval(third)).Get("code") == "" {
		t.Error("no code after the sign-in")
	}

	push := func(form url.Values) answer {
		return w.call(w.s.ServePAR, "", with(form, "client_assertion_type", assertionType, "client_assertion", sign(t, header{}, assertionOf("must"))))
	}
	wantError(t, "pushed", push(request("must")), 400, "invalid_request")
	pushed := push(object("must", sign(t, header{}, objectOf("must"))))
	if pushed.status != http.StatusCreated {
		t.Fatalf("%d %s", pushed.status, pushed.body)
	}
	b := w.parse(with(nil, "client_id", "must", "request_uri", pushed.str("request_uri")))
	c, err := w.s.ResumeAuthorization(t.Context(), b.Params)
	if err != nil || w.respond(c, w.approval(c)).Get("code") == "" {
		t.Errorf("pushed and signed: %v", err)
	}

	w.parse(request("may"))
	w.s.o.RequireSigned = true
	a, err = w.s.ParseAuthorization(t.Context(), request("may"))
	refused("all", a, err)
	w.parse(object("may", sign(t, header{}, objectOf("may"))))
}

// TestTroublesInsideSignedAndPushedRequests are counted once, as what they are.
func TestTroublesInsideSignedAndPushedRequests(t *testing.T) {
	w := newWorld(t)
	w.signingClient("signing")
	elsewhere := sign(t, header{}, objectOf("signing").with("redirect_uri", "https://evil.example/"))
	auth := func() []string {
		return []string{"client_assertion_type", assertionType, "client_assertion", sign(t, header{}, assertionOf("signing"))}
	}
	for name, tt := range map[string]struct {
		do   func()
		want broker.Trouble
	}{
		"bad signature, no redirect URI": {func() {
			_, _ = w.s.ParseAuthorization(t.Context(), object("signing", sign(t, header{key: "stranger"}, objectOf("signing"))))
		}, broker.Trouble{Endpoint: "authorize", Code: "invalid_request_object", Reason: errObject.DescriptionField}},
		"bad signature": {func() {
			a, err := w.s.ParseAuthorization(t.Context(), with(request("signing"), "request", sign(t, header{key: "stranger"}, objectOf("signing"))))
			w.s.Refuse(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), a, err)
		}, broker.Trouble{Endpoint: "authorize", Code: "invalid_request_object", Reason: errObject.DescriptionField}},
		"redirect URI inside": {func() { _, _ = w.s.ParseAuthorization(t.Context(), object("signing", elsewhere)) },
			broker.Trouble{Endpoint: "authorize", Code: "page", Reason: pages[errRedirectUnknown]}},
		"scope inside": {func() {
			a, err := w.s.ParseAuthorization(t.Context(), object("signing", sign(t, header{}, objectOf("signing").with("scope", "openid nonsense"))))
			w.s.Refuse(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), a, err)
		}, broker.Trouble{Endpoint: "authorize", Code: "invalid_scope", Reason: "The client may not ask for one of the scopes."}},
		"pushed, redirect URI": {func() {
			w.call(w.s.ServePAR, "", with(with(request("signing"), auth()...), "redirect_uri", "https://evil.example/"))
		},
			broker.Trouble{Endpoint: "par", Code: "invalid_request", Reason: errPushedRedirect.DescriptionField}},
		"pushed and signed, redirect URI": {func() { w.call(w.s.ServePAR, "", with(object("signing", elsewhere), auth()...)) },
			broker.Trouble{Endpoint: "par", Code: "invalid_request", Reason: errPushedRedirect.DescriptionField}},
		"pushed, bad signature": {func() { w.call(w.s.ServePAR, "", with(object("signing", "a.b.c"), auth()...)) },
			broker.Trouble{Endpoint: "par", Code: "invalid_request_object", Reason: errObject.DescriptionField}},
		"unknown request_uri": {func() {
			_, _ = w.s.ParseAuthorization(t.Context(), with(nil, "client_id", "signing", "request_uri", pushedPrefix+"x"))
		}, broker.Trouble{Endpoint: "authorize", Code: "page", Reason: pages[errRequestGone]}},
		"resumed": {func() {
			_, _ = w.s.ResumeAuthorization(t.Context(), with(request("signing"), "redirect_uri", "https://evil.example/").Encode())
		}, broker.Trouble{Endpoint: "authorize", Code: "page", Reason: pages[errRedirectUnknown]}},
	} {
		tt.do()
		w.s.troubles.mu.Lock()
		kept := w.s.troubles.kept
		w.s.troubles.kept = nil
		w.s.troubles.mu.Unlock()
		tt.want.ClientID = "signing"
		if len(kept) != 1 || kept[tt.want].Times != 1 || time.Since(kept[tt.want].LastAt) > time.Minute {
			t.Errorf("%s: %+v", name, kept)
		}
	}
}
