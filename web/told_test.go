package web

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"idbroker/broker"
)

// notices takes the notices to applications that wait, and leaves what else
// does.
func (w *world) notices() []broker.LogoutNotice {
	w.t.Helper()
	entries, err := w.db.ClaimOutbox(w.t.Context(), 20, time.Now().Add(time.Second), time.Minute)
	must(w.t, err)
	var all []broker.LogoutNotice
	for _, e := range entries {
		if e.Kind == broker.OutboxLogout {
			var n broker.LogoutNotice
			must(w.t, json.Unmarshal(e.Payload, &n))
			all = append(all, n)
		}
		must(w.t, w.db.FinishOutbox(w.t.Context(), e.ID, time.Now()))
	}
	return all
}

// TestWhateverEndsASessionTellsItsApplications: each way ends the tokens, and
// the application hears of the session that ended, once, and of no other.
func TestWhateverEndsASessionTellsItsApplications(t *testing.T) {
	type scene struct {
		w           *world
		here, there *browser // two browsers of one person
		sid         string   // of there
		user        broker.User
	}
	const hearing = "https://app.example/backchannel"
	everywhere := "-"
	for _, tt := range []struct {
		name string
		end  func(s scene)
		sid  string // of the notice; "" that of there, "-" none
	}{
		{"sign-out", func(s scene) { s.there.post("/logout/").to("/logout/") }, ""},
		{"RP-initiated logout", func(s scene) {
			form := url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {"https://app.example/bye"}}
			s.there.get("/oauth2/logout?" + form.Encode()).want(200)
			s.there.post("/logout/", "request", form.Encode()).to("https://app.example/bye")
		}, ""},
		{"one session of the list", func(s scene) { s.here.post("/account/settings/sessions/", "sid", s.sid).to(devicesPath) }, ""},
		{"this session of the list", func(s scene) { s.there.post("/account/settings/sessions/", "sid", s.sid).to("/logout/") }, ""},
		{"all other sessions", func(s scene) { s.here.post("/account/settings/sessions/", "others", "1").to(devicesPath) }, ""},
		{"a new password", func(s scene) {
			s.here.post("/account/settings/password/", "current", password, "password", "another good one").to(securityPath)
		}, ""},
		{"somebody else signs in", func(s scene) {
			s.w.user("bob")
			s.there.signIn("bob")
		}, ""},
		{"the account is disabled", func(s scene) { must(t, s.w.accounts.SetDisabled(t.Context(), s.user.ID, true)) }, everywhere},
		{"access is taken back", func(s scene) { s.here.post(applicationsPath, "client", "app").to(applicationsPath) }, everywhere},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.client(func(c *broker.Client) { c.FirstParty, c.Metadata.BackchannelLogoutURI = true, hearing })
			s := scene{w: w, user: w.user("ada"), here: w.browser(), there: w.browser()}
			s.here.signIn("ada")
			s.there.signIn("ada")
			claims := w.redeem(s.there.get(authorize()))
			s.sid, _ = claims["sid"].(string)
			if got := w.notices(); len(got) != 0 || s.sid == "" {
				t.Fatalf("before: %v, sid %q", got, s.sid)
			}
			tt.end(s)
			want := broker.LogoutNotice{URI: hearing, ClientID: "app", Subject: string(s.user.ID), SID: s.sid}
			if tt.sid == everywhere {
				want.SID = ""
			}
			if got := w.notices(); len(got) != 1 || got[0] != want {
				t.Errorf("notices %+v, want %+v", got, want)
			}
			if grants, err := w.db.GrantsOf(t.Context(), s.user.ID); err != nil || len(grants) != 0 {
				t.Errorf("grants %v, %v", grants, err)
			}
		})
	}
}

// TestNobodyElseCanTell: requests that must end nothing write to nobody.
func TestNobodyElseCanTell(t *testing.T) {
	w := newWorld(t)
	w.client(func(c *broker.Client) {
		c.FirstParty, c.Metadata.BackchannelLogoutURI = true, "https://app.example/backchannel"
	})
	w.user("ada")
	b, eve := w.browser(), w.browser()
	b.signIn("ada")
	sid, _ := w.redeem(b.get(authorize()))["sid"].(string)
	w.user("eve")
	eve.signIn("eve")
	eve.post("/account/settings/sessions/", "sid", sid).to(devicesPath)
	eve.post(applicationsPath, "client", "app").to(applicationsPath)
	eve.post("/account/settings/sessions/", "others", "1").to(devicesPath)
	eve.post("/logout/").to("/logout/")
	b.get("/logout/").want(200)
	b.get("/oauth2/logout?client_id=app").want(200)
	r := b.request("POST", "/logout/", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	b.do(r).want(403)
	if got := w.notices(); len(got) != 0 {
		t.Errorf("told: %+v", got)
	}
}
