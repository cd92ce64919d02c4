package tokens

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestUserInfoTellsWhatWasGranted(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for scope, want := range map[string][]string{
			"openid":               {"sub"},
			"openid email":         {"sub", "email", "email_verified"},
			"openid profile":       {"sub", "name", "preferred_username", "locale", "updated_at"},
			"openid profile email": {"sub", "name", "preferred_username", "locale", "updated_at", "email", "email_verified"},
		} {
			a := w.userInfo(w.tokens("app", "scope", scope).str("access_token"))
			got := map[string]bool{}
			for name := range a.json {
				got[name] = true
			}
			for _, name := range want {
				if !got[name] {
					t.Errorf("%s: no %s in %s", scope, name, a.body)
				}
			}
			if len(got) != len(want) || a.str("sub") != string(w.user.ID) || a.status != http.StatusOK || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %s", scope, a.status, a.body)
			}
		}
	})
}

// TestUserInfoTakesTheTokenWhereRFC6750Allows.
func TestUserInfoTakesTheTokenWhereRFC6750Allows(t *testing.T) {
	w := newWorld(t)
	token := w.tokens("app").str("access_token")
	for _, tt := range []struct {
		name, method, target, header, body string
		status                             int
		code                               string
	}{
		{"header", "GET", "/", "Bearer " + token, "", 200, ""},
		{"header in lower case", "GET", "/", "bearer " + token, "", 200, ""},
		{"header, POST", "POST", "/", "Bearer " + token, "", 200, ""},
		{"body", "POST", "/", "", "access_token=" + token, 200, ""},
		{"unknown query", "GET", "/?schema=openid", "Bearer " + token, "", 200, ""},
		{"none", "GET", "/", "", "", 401, ""},
		{"basic", "GET", "/", basic("app", testSecret.Reveal()), "", 401, ""},
		{"body of a GET", "GET", "/", "", "access_token=" + token, 401, ""},
		{"query", "GET", "/?access_token=" + token, "", "", 400, "invalid_request"},
		{"header and body", "POST", "/", "Bearer " + token, "access_token=" + token, 400, "invalid_request"},
		{"body twice", "POST", "/", "", "access_token=" + token + "&access_token=" + token, 400, "invalid_request"},
		{"empty", "GET", "/", "Bearer ", "", 401, "invalid_token"},
		{"rubbish", "GET", "/", "Bearer x", "", 401, "invalid_token"},
		{"cut", "GET", "/", "Bearer " + token[:len(token)-1], "", 401, "invalid_token"},
		{"DELETE", "DELETE", "/", "Bearer " + token, "", 405, "invalid_request"},
	} {
		r := httptest.NewRequest(tt.method, tt.target, nil)
		if tt.header != "" {
			r.Header.Set("Authorization", tt.header)
		}
		a := w.send(w.s.ServeUserInfo, r, tt.body)
		if a.status != tt.status || a.str("error") != tt.code {
			t.Errorf("%s: %d %s, want %d %s", tt.name, a.status, a.body, tt.status, tt.code)
		}
		challenge := a.header.Get("WWW-Authenticate")
		if (tt.status == 401 || tt.status == 400) != strings.HasPrefix(challenge, `Bearer realm="`) || strings.Contains(challenge, `error="`) != (challenge != "" && tt.code != "") {
			t.Errorf("%s: WWW-Authenticate %q", tt.name, challenge)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+w.tokens("app", "scope", "api").str("access_token"))
	a := w.send(w.s.ServeUserInfo, r, "")
	wantError(t, "without openid", a, 403, "insufficient_scope")
	if !strings.Contains(a.header.Get("WWW-Authenticate"), `scope="openid"`) {
		t.Errorf("WWW-Authenticate %q", a.header.Get("WWW-Authenticate"))
	}
}

// TestOtherTokensAreNoAccessTokens: an ID token, a refresh token and a code open
// nothing.
func TestOtherTokensAreNoAccessTokens(t *testing.T) {
	w := newWorld(t)
	a := w.tokens("app")
	for _, token := range []string{a.str("id_token"), a.str("refresh_token"), w.code(request("app"))} {
		wantError(t, token[:5], w.userInfo(token), 401, "invalid_token")
	}
}

func TestAccessTokenEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		token := w.tokens("app").str("access_token")
		time.Sleep(accessLifetime - time.Second)
		if a := w.userInfo(token); a.status != http.StatusOK {
			t.Errorf("before its end: %d %s", a.status, a.body)
		}
		time.Sleep(time.Second)
		wantError(t, "after its end", w.userInfo(token), 401, "invalid_token")
	})
}

// TestDisabledAccountTellsNothing.
func TestDisabledAccountTellsNothing(t *testing.T) {
	w := newWorld(t)
	token := w.tokens("app").str("access_token")
	user, err := w.db.User(t.Context(), w.user.ID)
	must(t, err)
	user.DisabledAt = time.Now()
	must(t, w.db.UpdateUser(t.Context(), user))
	wantError(t, "disabled", w.userInfo(token), 401, "invalid_token")
}

func TestClaimsForIsWhatUserInfoTells(t *testing.T) {
	w := newWorld(t)
	got := w.s.ClaimsFor(w.user, []string{"openid", "profile", "email", "offline_access"})
	want := []Claim{
		{Scope: "openid", Name: "claim.sub", Value: string(w.user.ID)}, {Scope: "profile", Name: "claim.name", Value: "Ada Lovelace"},
		{Scope: "profile", Name: "claim.preferred_username", Value: "ada"}, {Scope: "profile", Name: "claim.locale", Value: "en"},
		{Scope: "email", Name: "claim.email", Value: "ada@example.org"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("ClaimsFor = %v, want %v", got, want)
	}
	w.user.Name = ""
	if got := w.s.ClaimsFor(w.user, []string{"profile", "api"}); len(got) != 2 || got[0].Name != "claim.preferred_username" {
		t.Errorf("without a name: %v", got)
	}
}
