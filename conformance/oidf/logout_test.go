package oidf

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// against runs a module against a liar.
func against(t *testing.T, lie, module string) Result {
	t.Helper()
	o := newLiar(t, lie)
	opts := Options{Notice: 300 * time.Millisecond, Config: Config{
		Alias: "a", Server: ServerConfig{DiscoveryURL: o.URL + wellKnown}, Client: ClientConfig{ID: "c"},
		Extension: Extension{ApplicationStart: o.URL + "/open/{client_id}"},
		Browser: []Entry{{Match: o.URL + "/end*", Tasks: []Task{{Task: "yes", Match: o.URL + "/end*", Commands: []Command{
			{Verb: "click", By: "css", Target: "button", Optional: true},
		}}}}},
	}}
	v := Variant{ResponseType: "code", ResponseMode: "default", ClientAuth: AuthBasic, Registration: StaticClient}
	if strings.HasPrefix(module, "oidcc-3rd") {
		v.Registration = DynamicClient
		opts.BaseURL = DefaultBaseURL
	} else {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		opts.Listener, opts.BaseURL = l, "http://"+l.Addr().String()
	}
	o.afterwards = opts.BaseURL + "/test/a/a/post_logout_redirect"
	if strings.HasPrefix(module, "oidcc-front") {
		o.front = opts.BaseURL + "/test/a/a/" + frontchannelName
	}
	if strings.HasPrefix(module, "oidcc-back") {
		o.back = opts.BaseURL + "/test/a/a/" + backchannelName
	}
	s, err := New(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m, ok := Modules()[module]
	if !ok {
		t.Fatalf("there is no module %s", module)
	}
	return s.Module(context.Background(), Plan{}, v, m)
}

// TestHonestLogout: each module passes where nothing is wrong.
func TestHonestLogout(t *testing.T) {
	for _, p := range []Plan{rpLogoutPlan(), sessionPlan(), frontchannelPlan(), backchannelPlan(), initiatePlan()} {
		for _, m := range p.Modules {
			t.Run(m.Module, func(t *testing.T) { checkResult(t, expectation{Outcome: Passed}, against(t, "", m.Module)) })
		}
	}
}

// TestLogoutLies: each module finds what an OP does wrong that it is about.
func TestLogoutLies(t *testing.T) {
	const (
		rp, front, back = "oidcc-rp-initiated-logout", "oidcc-frontchannel-rp-initiated-logout", "oidcc-backchannel-rp-initiated-logout"
		frontMeta       = "oidcc-frontchannel-logout-discovery-endpoint-verification"
		backMeta        = "oidcc-backchannel-logout-discovery-endpoint-verification"
		session         = "oidcc-session-management-rp-initiated-logout"
		sessionMeta     = "oidcc-session-management-discovery-endpoint-verification"
		third           = "oidcc-3rd_party-init-login"
	)
	for _, tt := range []struct {
		lie, module string
		want        Outcome
		reason      string
	}{
		{"end_session_endpoint without host", rp + "-discovery-endpoint-verification", Failed, "end_session_endpoint is an https URL"},
		{"keeps the session", rp, Failed, "signed out at the OP"},
		{"drops state", rp, Failed, "state comes back"},
		{"goes elsewhere", rp, Failed, "comes back to post_logout_redirect_uri"},
		{"makes up state", rp + "-no-state", Failed, "no state where none was sent"},
		{"keeps the session", rp + "-no-post-logout-redirect-uri", Failed, "signed out at the OP"},
		{"says nothing", rp + "-no-post-logout-redirect-uri", Failed, "says something"},
		{"never asks", rp + "-no-params", Failed, "without having been asked"},
		{"asks and forgets", rp + "-no-params", Failed, "says yes is signed out"},
		{"never asks", rp + "-only-state", Failed, "without having been asked"},
		{"asks and forgets", rp + "-only-state", Failed, "says yes is signed out"},
		{"goes on without a hint", rp + "-no-id-token-hint", Failed, "not sent to the application"},
		{"never asks", rp + "-no-id-token-hint", Failed, "without having been asked"},
		{"takes unsigned hints", rp + "-modified-id-token-hint", Failed, "not sent to the application"},
		{"takes anybody's hints", rp + "-bad-id-token-hint", Failed, "not sent to the application"},
		{"goes anywhere", rp + "-bad-post-logout-redirect-uri", Failed, "not sent to the application"},
		{"passes over queries", rp + "-query-added-to-post-logout-redirect-uri", Failed, "not sent to the application"},

		{"sessions as text", frontMeta, Failed, "true or false"},
		{"no frame", front, Failed, "in a frame while the person is signed out"},
		{"policy without frames", front, Failed, "Content-Security-Policy does not let it"},
		{"foreign iss", front, Failed, "iss is the issuer"},
		{"foreign sid", front, Failed, "sid is that of the ID token"},
		{"only iss", front, Failed, "come together"},
		{"ID token without sid", front, Failed, "the ID token has a sid"},
		{"more in the frame", front, Warned, "unexpected parameter more"},
		{"keeps the session", front, Failed, "signed out at the OP"},

		{"no sessions in the back", backMeta, Warned, "cannot tell sessions apart"},
		{"tells nobody", back, Failed, "the OP sends a logout token"},
		{"token for another session", back, Failed, "(1 came for other sessions)"},
		{"token with nonce", back, Failed, "no nonce"},
		{"token as text", back, Failed, "with POST as a form"},
		{"token without its typ", back, Warned, "typ is logout+jwt"},
		{"keeps the session", back, Failed, "signed out at the OP"},

		{"no framing", sessionMeta, Failed, "X-Frame-Options: DENY"},
		{"no ancestors", sessionMeta, Failed, "frame-ancestors 'self'"},
		{"no script", sessionMeta, Failed, "has a script"},
		{"script is missing", sessionMeta, Failed, "/nothing.js is there"},
		{"no session_state", session, Failed, "has a session_state"},
		{"session_state with a space", session, Failed, "without spaces"},
		{"no session_state in errors", session, Warned, "the error has no session_state"},
		{"hidden cookie", session, Warned, "look at the frame with a browser"},
		{"cookie for its own site", session, Warned, "look at the frame with a browser"},
		{"stale cookie", session, Failed, "would answer changed"},
		{"keeps the session", session, Failed, "would answer changed"},

		{"takes http", third + "-nohttps", Failed, "refused with 400"},
		{"another error", third + "-nohttps", Failed, "the error is invalid_client_metadata"},
		{"forgets initiate_login_uri", third, Failed, "as it was sent"},
		{"foreign iss", third, Failed, "iss is the issuer"},
		{"drops the query", third, Failed, "query that was registered"},
		{"opens nothing", third, Failed, "sent to initiate_login_uri"},
		{"more parameters", third, Warned, "unexpected parameter more"},
	} {
		t.Run(tt.lie+"/"+tt.module, func(t *testing.T) {
			if got := against(t, tt.lie, tt.module); got.Outcome != tt.want || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("%s %s: %s", got.Outcome, got.Clause, got.Reason)
			}
		})
	}
}

// TestFramePolicies is about what lets a page have a frame, and a frame be had.
func TestFramePolicies(t *testing.T) {
	address := func(s string) *url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	own, app := address("https://op.example/logout"), address("https://app.example:8443/out?sid=1")
	for policy, may := range map[string]bool{
		"": true, "script-src 'none'": true, "default-src 'none'": false, "default-src 'none'; frame-src https://app.example:8443": true,
		"frame-src *": true, "frame-src https:": true, "frame-src 'self'": false, "frame-src https://app.example": false, "frame-src https://app.example:*": true,
		"frame-src https://*.example:8443": true, "frame-src app.example:8443": true, "frame-src http://app.example:8443": true,
		"child-src https://app.example:8443; default-src 'none'": true, "frame-src 'none'; child-src *": false, "frame-src": false,
		"frame-src https://app.example:8443/out": true, "frame-src https://app.example:8443/other": false, "frame-src *, frame-src 'self'": false,
		"FRAME-SRC HTTPS://APP.EXAMPLE:8443; frame-src 'none'": true,
	} {
		p := &Page{URL: own, Header: http.Header{}}
		if policy != "" {
			p.Header.Set("Content-Security-Policy", policy)
		}
		if got := mayFrame(p, app); got != may {
			t.Errorf("%q: %v", policy, got)
		}
	}
	for _, tt := range []struct {
		policy, options string
		may             bool
	}{
		{"", "", true}, {"", "DENY", false}, {"", "SAMEORIGIN", false}, {"frame-ancestors *", "DENY", true}, {"frame-ancestors 'none'", "", false},
		{"frame-ancestors 'self'", "", false}, {"frame-ancestors https://app.example:8443", "", true}, {"default-src 'none'", "", true},
	} {
		h := http.Header{"Content-Security-Policy": {tt.policy}, "X-Frame-Options": {tt.options}}
		if got := framedBy(h, own, app); (got == "") != tt.may {
			t.Errorf("%+v: %q", tt, got)
		}
	}
	for header, want := range map[string]string{"3; url=https://app.example/bye": "https://app.example/bye", "0;URL='/x'": "https://op.example/x", "5": "", "": ""} {
		p, err := parsePage(own, 200, http.Header{"Refresh": {header}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.refresh(); got == nil && want != "" || got != nil && got.String() != want {
			t.Errorf("%q leads to %v", header, got)
		}
	}
	p, err := parsePage(own, 200, http.Header{}, []byte(`<meta http-equiv="refresh" content="1; url=/bye"><iframe src="https://app.example/out"></iframe><iframe></iframe>`))
	if err != nil {
		t.Fatal(err)
	}
	if to := p.refresh(); to == nil || to.Path != "/bye" || len(p.frames()) != 1 {
		t.Errorf("%v, %v", to, p.frames())
	}
}
