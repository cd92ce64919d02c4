package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// TestCookieAloneSignsIn: a person's pages are opened by the session's cookie and by
// nothing else that a request can carry: no password in a header, no access token,
// and not the very session in a header, a query, a form or another cookie.
func TestCookieAloneSignsIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, tokens.Options{})
		w.client()
		ada := w.member("ada")
		access, _ := w.tokensFor(ada)
		secret := ada.cookie(sessionCookie)
		ada.get(profilePath).want(200)
		for name, carry := range map[string]func(r *http.Request){
			"nothing":        func(*http.Request) {},
			"password":       func(r *http.Request) { r.SetBasicAuth("ada@example.org", password) },
			"access token":   func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+access) },
			"session":        func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+secret) },
			"password of it": func(r *http.Request) { r.SetBasicAuth(secret, "") },
			"headers": func(r *http.Request) {
				for _, h := range []string{"Authentication-Token", "X-Identity-Auth", "X-Session-ID", "X-Auth-Token", "X-User-ID", "Remote-User", "X-Remote-User"} {
					r.Header.Set(h, secret)
				}
			},
			"query": func(r *http.Request) {
				r.URL.RawQuery = url.Values{"auth_token": {secret}, "token": {secret}, "iauth": {secret}, sessionCookie: {secret}}.Encode()
			},
			"other cookies": func(r *http.Request) {
				for _, c := range []string{"session", "remember_token", browserCookie} {
					r.AddCookie(&http.Cookie{Name: c, Value: secret})
				}
			},
		} {
			for _, path := range []string{profilePath, securityPath, "/account/me"} {
				r := w.browser().request(http.MethodGet, path, nil)
				carry(r)
				r.Header.Set("Accept", jsonMediaType)
				if a := w.browser().do(r); a.status != http.StatusUnauthorized && !(name == "query" && a.status == http.StatusBadRequest) {
					t.Errorf("%s opens %s: %d %s", name, path, a.status, a.body)
				}
			}
			r := w.browser().request(http.MethodPost, profilePath, strings.NewReader(url.Values{"name": {"Mallory"}, sessionCookie: {secret}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			carry(r)
			w.browser().do(r)
		}
		if page := ada.get(profilePath).want(200).body; strings.Contains(page, "Mallory") {
			t.Error("the profile was changed without the cookie")
		}
	})
}
