package tokens

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
)

// TestParseLogout is the table of OpenID Connect RP-Initiated Logout 1.0.
func TestParseLogout(t *testing.T) {
	w := newWorld(t)
	hint := w.tokens("app").str("id_token")
	parts := strings.Split(hint, ".")
	none := "eyJhbGciOiJub25lIn0." + parts[1] + "."
	const bye = "https://app.example/bye"
	for _, tt := range []struct {
		name     string
		form     url.Values
		client   string
		hinted   bool
		redirect string
		err      *broker.Error
	}{
		{"nothing", nil, "", false, "", nil},
		{"state only", url.Values{"state": {"s"}}, "", false, "", nil},
		{"hint", url.Values{"id_token_hint": {hint}}, "app", true, "", nil},
		{"hint and redirect", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}}, "app", true, bye, nil},
		{"with state", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}, "state": {"a b"}}, "app", true, bye + "?state=a+b", nil},
		{"with query and state", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye + "?x=1"}, "state": {"s"}}, "app", true, bye + "?x=1&state=s", nil},
		{"hint and client", url.Values{"id_token_hint": {hint}, "client_id": {"app"}, "post_logout_redirect_uri": {bye}}, "app", true, bye, nil},
		{"client and redirect", url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {bye}}, "app", false, bye, nil},
		{"redirect only", url.Values{"post_logout_redirect_uri": {bye}}, "", false, "", nil},
		{"unknown client", url.Values{"client_id": {"nobody"}, "post_logout_redirect_uri": {bye}}, "", false, "", nil},
		{"forged hint", url.Values{"id_token_hint": {none}, "post_logout_redirect_uri": {bye}}, "", false, "", nil},
		{"forged hint and client", url.Values{"id_token_hint": {none}, "client_id": {"app"}, "post_logout_redirect_uri": {bye}}, "app", false, "", nil},
		{"rubbish hint", url.Values{"id_token_hint": {"x"}, "post_logout_redirect_uri": {bye}}, "", false, "", nil},

		{"unregistered", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://evil.example"}}, "app", true, "", errLogoutRedirect},
		{"query added", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye + "?y=1"}}, "app", true, "", errLogoutRedirect},
		{"slash added", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye + "/"}}, "app", true, "", errLogoutRedirect},
		{"the sign-in redirect", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {testCallback}}, "app", true, "", errLogoutRedirect},
		{"unregistered, no hint", url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {"https://evil.example"}}, "app", false, "", errLogoutRedirect},
		{"disabled client", url.Values{"client_id": {"off"}, "post_logout_redirect_uri": {bye}}, "off", false, "", errLogoutRedirect},
		{"hint for another client", url.Values{"id_token_hint": {hint}, "client_id": {"other"}}, "", true, "", errLogoutInvalid},
		{"redirect twice", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye, "https://evil.example"}}, "", false, "", errTwiceInPage},
		{"state that nobody sees", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}, "state": {"a\u202eb"}}, "", false, "", errUnseenInPage},
		{"too long", url.Values{"state": {strings.Repeat("s", maxParams)}}, "", false, "", errLogoutInvalid},
	} {
		l, err := w.s.ParseLogout(t.Context(), tt.form)
		client := ""
		if l.Client != nil {
			client = l.Client.ID
		}
		if (tt.err == nil) != (err == nil) || tt.err != nil && !errors.Is(err, tt.err) || client != tt.client || l.HintValid != tt.hinted || l.RedirectURI != tt.redirect {
			t.Errorf("%s: ParseLogout = client %q, hint %v, redirect %q, %v, want %q, %v, %q, %v",
				tt.name, client, l.HintValid, l.RedirectURI, err, tt.client, tt.hinted, tt.redirect, tt.err)
		}
		if l.HintValid != (l.Subject == w.user.ID && l.SID == w.session.SID) {
			t.Errorf("%s: subject %q, sid %q", tt.name, l.Subject, l.SID)
		}
	}
}

// TestLogoutWithOldHints: expired, and signed by a key that has been retired.
func TestLogoutWithOldHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		hint := w.tokens("es").str("id_token")
		_, err := w.s.RotateKeys(t.Context(), "")
		must(t, err)
		time.Sleep(30 * 24 * time.Hour)
		must(t, w.s.ReloadKeys(t.Context()))
		l, err := w.s.ParseLogout(t.Context(), url.Values{"id_token_hint": {hint}})
		if err != nil || !l.HintValid || l.Subject != w.user.ID {
			t.Errorf("ParseLogout = %+v, %v", l, err)
		}
	})
}

// TestSessionEndedEndsItsGrants, and no others.
func TestSessionEndedEndsItsGrants(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		online := w.tokens("app", "scope", "openid")
		offline := w.tokens("app")
		w.session.SID = "another"
		elsewhere := w.tokens("app", "scope", "openid")
		sid := w.grant(online.str("access_token")).SID

		must(t, w.s.SessionEnded(t.Context(), w.user.ID, ""))
		must(t, w.s.SessionEnded(t.Context(), "", sid))
		must(t, w.s.SessionEnded(t.Context(), "somebody", sid))
		if a := w.userInfo(online.str("access_token")); a.status != http.StatusOK {
			t.Fatalf("ended by the wrong call: %d %s", a.status, a.body)
		}
		must(t, w.s.SessionEnded(t.Context(), w.user.ID, sid))
		wantError(t, "online", w.userInfo(online.str("access_token")), 401, "invalid_token")
		for name, a := range map[string]answer{"offline": offline, "another session": elsewhere} {
			if got := w.userInfo(a.str("access_token")); got.status != http.StatusOK {
				t.Errorf("%s: %d %s", name, got.status, got.body)
			}
		}
		if g := w.grant(online.str("access_token")); g.RevokedReason != reasonLogout {
			t.Errorf("grant %+v", g)
		}
	})
}

func FuzzLogout(f *testing.F) {
	w := newWorld(f)
	f.Add("id_token_hint=" + w.tokens("app").str("id_token") + "&post_logout_redirect_uri=https://app.example/bye&state=s")
	f.Add("client_id=app&post_logout_redirect_uri=https://app.example/bye?x=1")
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		if l, err := w.s.ParseLogout(t.Context(), form); err == nil && l.RedirectURI != "" && !strings.HasPrefix(l.RedirectURI, "https://app.example/bye") {
			t.Errorf("%q leads to %q", query, l.RedirectURI)
		}
	})
}
