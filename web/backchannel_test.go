package web

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// upstream is the session at the provider that the browser's session came from.
func (b *browser) upstream() broker.Upstream {
	b.w.t.Helper()
	row, err := b.session()
	must(b.w.t, err)
	u, err := b.w.db.Upstream(b.w.t.Context(), row.IDHash)
	must(b.w.t, err)
	return u
}

// tells posts a logout token of the fake, and wants an answer.
func (w *world) tells(status int, token string) {
	w.t.Helper()
	resp := providertest.TellLogout(w.t, w.url+"/oauth/backchannel/demo/", token)
	body, err := io.ReadAll(resp.Body)
	must(w.t, err)
	if resp.StatusCode != status || resp.Header.Get("Cache-Control") != "no-store" {
		w.t.Errorf("%d, want %d: %v %s", resp.StatusCode, status, resp.Header, body)
	}
	if status != http.StatusBadRequest {
		return
	}
	var e struct{ Error, Error_description string }
	if json.Unmarshal(body, &e) != nil || e.Error != "invalid_request" || e.Error_description == "" || resp.Header.Get("Content-Type") != "application/json" {
		w.t.Errorf("%v %s", resp.Header, body)
	}
}

func (w *world) logoutToken(about ...string) string {
	c := map[string]any{}
	for i := 0; i+1 < len(about); i += 2 {
		c[about[i]] = about[i+1]
	}
	return w.op.LogoutToken("broker", c, nil)
}

// in tells which of the browsers somebody is signed in with.
func in(all ...*browser) (s string) {
	for _, b := range all {
		if _, err := b.session(); err == nil {
			s += "1"
		} else {
			s += "0"
		}
	}
	return s
}

// TestProviderSignsOut: the sessions that came from there end, with their tokens
// and a word to their applications, and no other.
func TestProviderSignsOut(t *testing.T) {
	const hearing = "https://app.example/backchannel"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, tokens.Options{})
		w.client(func(c *broker.Client) { c.FirstParty, c.Metadata.BackchannelLogoutURI = true, hearing })
		first := w.member("ada")
		first.post("/account/settings/password/", "password", password).to(securityPath)
		second := w.browser()
		second.walk(second.get("/oauth/login/demo/"), "ada").to("/")
		bob := w.member("bob")
		row, err := first.session()
		must(t, err)
		byPassword := w.browser()
		byPassword.post("/login/", "email", "ada@example.org", "password", password).to("/")
		all := []*browser{first, second, bob, byPassword}
		sid, _ := w.redeem(first.get(authorize()))["sid"].(string)
		w.redeem(second.get(authorize()))
		w.redeem(byPassword.get(authorize()))
		w.notices()

		w.tells(200, w.logoutToken("sub", "eve"))
		w.tells(200, w.logoutToken("sid", "nine"))
		w.tells(200, w.logoutToken("sub", "bob", "sid", first.upstream().SID)) // of somebody else
		if got := in(all...); got != "1111" {
			t.Fatalf("before: %s", got)
		}
		w.tells(200, w.logoutToken("sub", "ada", "sid", first.upstream().SID))
		if got := in(all...); got != "0111" {
			t.Fatalf("a session: %s", got)
		}
		if got := w.notices(); len(got) != 1 || got[0].SID != sid || got[0].URI != hearing {
			t.Errorf("notices %+v", got)
		}
		if grants, err := w.db.GrantsOf(t.Context(), row.UserID); err != nil || len(grants) != 2 {
			t.Errorf("%d grants are left, %v", len(grants), err)
		}
		token := w.logoutToken("sub", "ada")
		w.tells(200, token)
		if got := in(all...); got != "0011" {
			t.Fatalf("a person: %s", got)
		}
		second.get(securityPath).to("/login/")
		byPassword.get(securityPath).want(200).says("Signed out at Demo")
		events, err := w.db.Events(t.Context(), row.UserID, 9)
		must(t, err)
		for _, e := range events {
			if there := e.Name == broker.EventSignedOutThere; there && (e.IP != "" || e.Provider != "demo" || e.Detail["sessions"] != "1") {
				t.Errorf("the address of the provider is told as the person's: %+v", e)
			}
		}

		// Back again, by a new sign-in, which no old token ends.
		second.walk(second.get("/oauth/login/demo/"), "ada").to("/")
		w.tells(400, token)
		if got := in(all...); got != "0111" {
			t.Errorf("after a replay: %s", got)
		}
		if log := w.log.String(); strings.Contains(log, token) || !strings.Contains(log, "signed out at the provider") || !strings.Contains(log, "logout token refused") {
			t.Error("the log holds the token, or says nothing")
		}
	})
}

// TestLogoutAtTheSameMoment: a sign-in that is committed while the provider's word
// is, so that neither sees the other, does not outlast the next look.
func TestLogoutAtTheSameMoment(t *testing.T) {
	const hearing = "https://app.example/backchannel"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, tokens.Options{})
		w.client(func(c *broker.Client) { c.FirstParty, c.Metadata.BackchannelLogoutURI = true, hearing })
		ada, bob := w.member("ada"), w.member("bob")
		w.redeem(ada.get(authorize()))
		w.notices()
		there := ada.upstream()
		must(t, db.SpendLogout(t.Context(), broker.UpstreamLogout{
			Provider: "demo", JTI: "jti", Issuer: there.Issuer, Subject: there.Subject, ExpiresAt: time.Now().Add(time.Minute),
		}, time.Now())) // it has seen no session
		look := func(want int) {
			t.Helper()
			n, err := w.server.linker.EndLate(t.Context(), w.server.sessionEnded)
			if must(t, err); n != want {
				t.Errorf("%d sessions ended, want %d", n, want)
			}
		}
		look(1)
		if got := in(ada, bob); got != "01" {
			t.Errorf("in: %s", got)
		}
		if got := w.notices(); len(got) != 1 || got[0].URI != hearing {
			t.Errorf("notices %+v", got)
		}
		ada.walk(ada.get("/oauth/login/demo/"), "ada").to("/")
		look(0)
		if got := in(ada, bob); got != "11" {
			t.Errorf("in after a new sign-in: %s", got)
		}
	})
}

// TestLinkedIdentityOpenedNothing: an identity that was linked, and not used to
// sign in, ends no session.
func TestLinkedIdentityOpenedNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, tokens.Options{})
		w.user("eve")
		b := w.browser()
		b.signIn("eve")
		b.walk(b.post("/oauth/login/demo/"), "ada").to(linkedAccountsPath)
		w.tells(200, w.logoutToken("sub", "ada"))
		if in(b) != "1" {
			t.Error("it ended a session with a password")
		}
		// The same person proves to be there by the password: it is that session now.
		other := w.browser()
		other.walk(other.get("/oauth/login/demo/"), "ada").to("/")
		other.post("/login/", "again", "1", "email", "eve@example.org", "password", password)
		row, err := other.session()
		must(t, err)
		want := "0"
		if row.Provider == "" {
			want = "1"
		}
		w.tells(200, w.logoutToken("sub", "ada"))
		if got := in(other); got != want {
			t.Errorf("session of %q: %s", row.Provider, got)
		}
	})
}

// TestSameSubjectElsewhere: another provider's word about the same text counts for
// its own sessions alone. Both are one server here, which signs for both.
func TestSameSubjectElsewhere(t *testing.T) {
	w := newWorld(t)
	b := w.member("ada")
	resp := providertest.TellLogout(t, w.url+"/oauth/backchannel/other/", w.logoutToken("sub", "ada"))
	if resp.StatusCode != 200 || in(b) != "1" {
		t.Errorf("%d, %s", resp.StatusCode, in(b))
	}
	foreign := providertest.NewOpenID(t, providertest.OpenIDOptions{})
	w.tells(400, foreign.LogoutToken("broker", map[string]any{"sub": "ada"}, nil))
	w.tells(400, foreign.LogoutToken("broker", map[string]any{"sub": "ada"}, func(_, c map[string]any) { c["iss"] = w.op.Issuer }))
	w.tells(400, w.op.LogoutToken("another", map[string]any{"sub": "ada"}, nil))
	for name, raw := range w.op.ForgedLogoutTokens("broker", map[string]any{"sub": "ada"}) {
		if w.tells(400, raw); in(b) != "1" {
			t.Fatalf("%s ended a session", name)
		}
	}
	if w.tells(400, b.upstream().IDToken.Reveal()); in(b) != "1" {
		t.Error("an ID token ended a session")
	}
}

// TestRequestsAboutSignOut: what is not the one form of the specification ends
// nothing, and costs the provider nothing.
func TestRequestsAboutSignOut(t *testing.T) {
	w := newWorld(t)
	b := w.member("ada")
	good := w.logoutToken("sub", "ada")
	asked := len(w.op.Requests(providertest.JWKS))
	const path, kind = "/oauth/backchannel/demo/", "application/x-www-form-urlencoded"
	form := func(all ...string) string { return url.Values{"logout_token": all}.Encode() }
	for _, tt := range []struct {
		name, method, path, kind, body string
		header                         string
		status                         int
	}{
		{"two tokens", "POST", path, kind, form(good, good), "", 400},
		{"no token", "POST", path, kind, "", "", 400},
		{"an empty token", "POST", path, kind, form(""), "", 400},
		{"in the query", "POST", path + "?" + form(good), kind, "", "", 400},
		{"as JSON", "POST", path, "application/json", `{"logout_token":"` + good + `"}`, "", 400},
		{"huge", "POST", path, kind, form(strings.Repeat("x", 1<<20)), "", 400},
		{"long", "POST", path, kind, form(strings.Repeat("x", 17<<10)), "", 400},
		{"garbage", "POST", path, kind, "%zz", "", 400},
		{"text with a NUL", "POST", path, kind, form("a\x00b"), "", 400},
		{"unknown provider", "POST", "/oauth/backchannel/none/", kind, form(good), "", 400},
		{"GET", "GET", path + "?" + form(good), "", "", "", 405},
		{"a page of another site", "POST", path, kind, form(good), "cross-site", 403},
	} {
		r := b.request(tt.method, tt.path, strings.NewReader(tt.body))
		r.Header.Set("Content-Type", tt.kind)
		if tt.header != "" {
			r.Header.Set("Sec-Fetch-Site", tt.header)
		}
		if a := b.do(r); a.status != tt.status || in(b) != "1" {
			t.Errorf("%s: %d, %s", tt.name, a.status, in(b))
		}
	}
	if now := len(w.op.Requests(providertest.JWKS)); now != asked {
		t.Errorf("%d lookups of keys", now-asked)
	}
	if w.tells(200, good); in(b) != "0" {
		t.Error("none of it was the token's fault")
	}
}

// TestLogoutMeetsALoginUnderWay: what the provider proved before it said that the
// person is out does not become a session any more.
func TestLogoutMeetsALoginUnderWay(t *testing.T) {
	for _, told := range []string{"", "ada", "bob"} {
		storetest.Each(t, func(t *testing.T, db *store.DB) {
			w := worldOn(t, db, tokens.Options{})
			b, other := w.browser(), w.browser()
			login := b.walk(b.get("/oauth/login/demo/"), "ada").to("/oauth/signup/demo/").param("login")
			b.post("/signup/", "login", login, "name", "ada", "email", "ada@example.org").to("/sent/")
			u, err := url.Parse(w.mailedLink("sign-up"))
			must(t, err)
			other.post("/verify-email/", "token", u.Query().Get("token")) // on another device
			if told != "" {
				w.tells(200, w.logoutToken("sub", told))
			}
			b.follow(b.get("/sent/?login=" + login))
			want := "1"
			if told == "ada" {
				want = "0"
			}
			if got := in(b); got != want {
				t.Errorf("told of %q: %s, want %s", told, got, want)
			}
		})
	}
}
