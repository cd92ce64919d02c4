package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

func TestSettingsNeedASignIn(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for _, path := range []string{"/account/settings/", profilePath, securityPath, linkedAccountsPath, applicationsPath, "/oauth/disconnect/demo/"} {
		b.get(path).to("/login/?next=%2F")
	}
	for _, path := range []string{
		profilePath, applicationsPath, "/account/settings/password/", "/account/settings/sessions/", "/oauth/login/demo/", "/oauth/disconnect/demo/",
	} {
		b.post(path, "name", "x").want(401)
	}
	// And back to what was wanted.
	w.user("ada")
	a := b.get(securityPath)
	a = b.get(a.location).to("/login/?login=")
	b.post("/login/", "login", a.param("login"), "email", "ada@example.org", "password", password).to(securityPath)
}

func TestProfile(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	w.user("bob")
	b := w.browser()
	b.signIn("ada")
	b.post(profilePath, "name", "Ada L.", "locale", "de").to(profilePath)
	b.post(usernamePath, "username", "countess").to(profilePath)
	u, err := w.db.User(t.Context(), ada.ID)
	must(t, err)
	if u.Name != "Ada L." || u.Username != "countess" || u.Locale != "de" || u.Email != ada.Email {
		t.Errorf("user %+v", u)
	}
	if a := b.get(profilePath).want(200); a.header.Get("Content-Language") != "de" || !strings.Contains(a.body, `role="status"`) {
		t.Errorf("language %q", a.header.Get("Content-Language"))
	}
	if a := b.post(profilePath, "name", "Typed <b>", "zone", "Mars/Olympus").want(422); !strings.Contains(a.body, "Typed &lt;b&gt;") {
		t.Error("what was typed is gone")
	}
	b.post(profilePath, "name", "x", "locale", "tlh").want(400)
	if now, err := w.db.User(t.Context(), ada.ID); err != nil || now.Version != u.Version {
		t.Errorf("a refused form changed something: %+v", now)
	}
}

func TestLanguage(t *testing.T) {
	w := newWorld(t)
	w.client()
	b := w.browser()
	lang := func(path string) string { return b.get(path).want(200).header.Get("Content-Language") }
	if got := lang("/login/"); got != "en" {
		t.Errorf("at first %q", got)
	}
	b.post("/account/settings/language/", "lang", "de", "return", "/login/").to("/login/")
	if got := lang("/login/"); got != "de" {
		t.Errorf("chosen: %q", got)
	}
	b.post("/account/settings/language/", "lang", "tlh").want(400)
	// The application's wish comes first, until the person says otherwise.
	page := b.get(authorize("ui_locales", "en")).location
	if got := lang(page); got != "en" {
		t.Errorf("ui_locales: %q", got)
	}
	b.post("/account/settings/language/", "lang", "de", "return", page).to(page)
	if got := lang(page); got != "de" {
		t.Errorf("overruled: %q", got)
	}
	other := w.browser()
	other.post("/account/settings/language/", "lang", "en", "return", page).to(page)
	if got := lang(page); got != "de" {
		t.Errorf("another browser changed it to %q", got)
	}
}

func TestPassword(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b, elsewhere := w.browser(), w.browser()
	b.signIn("ada")
	elsewhere.signIn("ada")
	b.post("/account/settings/password/", "current", "wrong", "password", "a brand new one").want(422)
	b.post("/account/settings/password/", "current", password, "password", "short").want(422)
	elsewhere.get(profilePath).want(200)
	b.post("/account/settings/password/", "current", password, "password", "a brand new one").to(securityPath)
	b.get(securityPath).want(200)
	elsewhere.get(profilePath).to("/login/")

	// The first password needs a recent sign-in.
	m := w.member("bob")
	m.age(time.Hour)
	m.post("/account/settings/password/", "password", "a brand new one").to("/login/?again=1")
	m.age(-time.Hour)
	m.post("/account/settings/password/", "password", "a brand new one").to(securityPath)
	w.browser().post("/login/", "email", "bob@example.org", "password", "a brand new one").to("/")
}

func TestSessionsPage(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	w.user("bob")
	a, b, c, bob := w.browser(), w.browser(), w.browser(), w.browser()
	b.agent = firefox
	for _, each := range []*browser{a, b, c} {
		each.signIn("ada")
	}
	bob.signIn("bob")
	row, err := b.session()
	must(t, err)
	page := a.get(devicesPath).want(200).says("Firefox").says("Linux").says("127.0.0.1")
	if n := strings.Count(page.body, `name="sid"`); n != 2 {
		t.Errorf("%d sessions can be ended:\n%s", n, page.body)
	}
	if strings.Contains(page.body, row.IDHash) || strings.Contains(page.body, b.cookie(sessionCookie)) {
		t.Error("the page shows what opens a session")
	}
	// Somebody else's session is not theirs to end.
	bob.post("/account/settings/sessions/", "sid", row.SID).to(devicesPath)
	b.get(profilePath).want(200)
	a.post("/account/settings/sessions/", "sid", row.SID).to(devicesPath)
	b.get(profilePath).to("/login/")
	a.post("/account/settings/sessions/", "sid", row.SID).to(devicesPath) // twice is fine
	a.post("/account/settings/sessions/").want(400)
	a.post("/account/settings/sessions/", "others", "1").to(devicesPath)
	c.get(profilePath).to("/login/")
	bob.get(profilePath).want(200)
	mine, err := a.session()
	must(t, err)
	a.post("/account/settings/sessions/", "sid", mine.SID).to("/logout/")
	if rows, err := w.db.SessionsOf(t.Context(), ada.ID); err != nil || len(rows) != 0 {
		t.Errorf("sessions %v, %v", rows, err)
	}
}

func TestLinkedAccounts(t *testing.T) {
	w := newWorld(t)
	b := w.member("ada")
	u, err := w.db.UserByEmail(t.Context(), "ada@example.org")
	must(t, err)
	page := b.get(linkedAccountsPath).want(200).says("Demo").says("ada")
	if strings.Contains(page.body, `href="/oauth/disconnect/demo/`) {
		t.Error("the only way in can be removed")
	}
	b.get("/oauth/disconnect/demo/").want(409)
	identities, err := w.db.IdentitiesOf(t.Context(), u.ID)
	must(t, err)
	b.post("/oauth/disconnect/demo/", "identity", identities[0].ID).want(409)

	// A second one, after which each can go.
	w.mails()
	b.walk(b.post("/oauth/login/other/"), "bob").to(linkedAccountsPath)
	if m := w.mails(); len(m) != 1 || m[0].Template != "linked" {
		t.Errorf("mails %v", m)
	}
	b.get(linkedAccountsPath).want(200).says("Other")
	b.walk(b.post("/oauth/login/other/"), "bob").to(linkedAccountsPath) // the same again
	b.get("/oauth/disconnect/demo/").want(200)
	b.post("/oauth/disconnect/demo/", "identity", "nonsense").want(404)
	b.post("/oauth/disconnect/demo/", "identity", identities[0].ID).to(linkedAccountsPath)
	b.get(linkedAccountsPath).want(200).says("Demo")
	if left, err := w.db.IdentitiesOf(t.Context(), u.ID); err != nil || len(left) != 1 || left[0].Provider != "other" {
		t.Errorf("identities %v, %v", left, err)
	}
	b.get("/oauth/disconnect/demo/").want(404)
	b.get("/oauth/disconnect/nothing/").want(404)
	// What was unlinked is a stranger's.
	other := w.browser()
	other.walk(other.get("/oauth/login/demo/"), "ada").to("/oauth/signup/demo/")
	other.walk(other.get("/oauth/login/other/"), "bob").to("/")
}

// TestStaleSession: who signed in long ago neither links nor unlinks before they
// have shown to be there, as the same person.
func TestStaleSession(t *testing.T) {
	w := newWorld(t)
	w.user("eve")
	b := w.member("ada")
	b.walk(b.post("/oauth/login/other/"), "bob").to(linkedAccountsPath)
	u, err := w.db.UserByEmail(t.Context(), "ada@example.org")
	must(t, err)
	identities, err := w.db.IdentitiesOf(t.Context(), u.ID)
	must(t, err)
	b.age(time.Hour)

	b.post("/oauth/disconnect/demo/", "identity", identities[0].ID).want(401)
	a := b.get("/oauth/disconnect/demo/?identity=" + identities[0].ID).to("/login/?again=1")
	a = b.get(a.location).to("/login/?login=")
	login := a.param("login")
	page := b.get(a.location).want(200)
	if !strings.Contains(page.body, "/oauth/login/demo/") || strings.Contains(page.body, `/oauth/login/gone/`) {
		t.Errorf("ways to prove it:\n%s", page.body)
	}
	// Somebody else's password, somebody else's identity: refused, and still
	// the same person.
	b.post("/login/", "login", login, "email", "eve@example.org", "password", password).want(422)
	w.op.AddPerson(personOf("eve"))
	stranger := w.browser()
	stranger.walk(stranger.get("/oauth/login/demo/"), "eve").to("/oauth/signup/demo/")
	b.walk(b.get("/oauth/login/demo/?login="+login), "eve").want(403)
	row, err := b.session()
	must(t, err)
	if row.UserID != u.ID || time.Since(row.AuthTime) < time.Minute {
		t.Errorf("session %+v", row)
	}
	// Themselves: fresh, same sid, and back.
	b.walk(b.get("/oauth/login/demo/?login="+login), "ada").to("/oauth/disconnect/demo/?identity=")
	now, err := b.session()
	must(t, err)
	if now.SID != row.SID || now.IDHash == row.IDHash || time.Since(now.AuthTime) > time.Minute {
		t.Errorf("session %+v", now)
	}
	b.age(time.Hour)
	b.post("/oauth/login/demo/").to("/login/?again=1&next=" + linkedAccountsPath)
	b.age(-time.Hour)
	b.post("/oauth/disconnect/demo/", "identity", identities[0].ID).to(linkedAccountsPath)
}

func TestEventsOfTheAccount(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.post("/logout/")
	b.signIn("ada")
	events, err := w.db.Events(t.Context(), ada.ID, 10)
	must(t, err)
	var names []string
	for _, e := range events {
		names = append(names, e.Name)
		if e.Name == broker.EventSignedIn && (e.SID == "" || e.RequestID == "" || e.IP != "127.0.0.1") {
			t.Errorf("event %+v", e)
		}
	}
	if got := strings.Join(names, " "); got != "session.started session.ended session.started user.created" {
		t.Errorf("events %s", got)
	}
	b.get(securityPath).want(200)
}

// TestBadText is the attack of bytes that are no text, in every field of every
// form and in every query: an answer, and never one of our failing.
func TestBadText(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.client()
	member, visitor := w.browser(), w.browser()
	member.signIn("ada")
	login := visitor.get(authorize()).param("login")
	fields := map[string][]string{
		"/login/": {"login", "email", "password", "next"}, "/signup/": {"login", "email", "name", "username", "password"}, "/sent/": {"login"},
		"/verify-email/": {"token"}, "/lost-password/": {"login", "email"}, "/reset-password/": {"token", "password"}, "/link/": {"login", "decision"},
		"/consent/": {"login", "decision"}, "/claim/": {"token", "email", "name", "username", "password"}, "/logout/": {"request"},
		"/oauth/login/demo/": {"x"}, "/oauth/signup/demo/": {"login", "email"}, "/oauth/disconnect/demo/": {"identity"},
		dataPath + "export/": {"x"}, broker.ReopenPath: {"token"}, emailPath: {"email"}, broker.EmailPath: {"token"}, broker.EmailBackPath: {"token"},
		profilePath: {"name", "username", "locale", "phone", "street_address", "country"}, "/account/settings/password/": {"current", "password"},
		"/account/settings/sessions/": {"sid", "others"}, applicationsPath: {"client"}, "/account/settings/language/": {"lang", "return"},
		"/oauth2/authorize": {"client_id", "state", "redirect_uri"}, "/oauth2/logout": {"id_token_hint", "state"},
		"/oauth2/token": {"grant_type", "code", "client_id"}, "/oauth2/revoke": {"token"}, "/oauth2/introspect": {"token"},
	}
	for path, names := range fields {
		for _, name := range names {
			for _, bad := range []string{"\xff\xfe", "a\x00b", "\x00", strings.Repeat("\u202e", 100), strings.Repeat("%00", 10), "'\"><script>alert(1)</script>", strings.Repeat("9", 5000)} {
				for who, b := range map[string]*browser{"member": member, "visitor": visitor} {
					pairs := []string{name, bad}
					for _, other := range names {
						if other == "login" && name != "login" && b == visitor {
							pairs = append(pairs, "login", login)
						}
					}
					textual := strings.ToValidUTF8(bad, "") == bad && !strings.Contains(bad, "\x00")
					machine := path == "/oauth2/token" || path == "/oauth2/revoke" || path == "/oauth2/introspect"
					if a := b.post(path, pairs...); a.status >= 500 || !textual && !machine && a.status != 400 || !textual && a.status/100 != 4 && path != "/oauth2/revoke" {
						t.Errorf("%s: POST %s %s=%.20q: %d", who, path, name, bad, a.status)
					} else if strings.Contains(a.body, "<script>alert") {
						t.Errorf("%s: POST %s %s: markup on the page", who, path, name)
					}
					if a := b.get(path + "?" + form(name, bad).Encode()); a.status >= 500 {
						t.Errorf("%s: GET %s %s=%.20q: %d", who, path, name, bad, a.status)
					} else if strings.Contains(a.body, "<script>alert") {
						t.Errorf("%s: GET %s %s: markup on the page", who, path, name)
					}
				}
				if _, err := member.session(); err != nil {
					member.signIn("ada") // ending one's own session was one of the requests
				}
			}
		}
		// A form that is none.
		for _, kind := range []string{"application/json", "multipart/form-data; boundary=x", "text/plain", ""} {
			r := member.request("POST", path, strings.NewReader(`{"email": {}}`))
			r.Header.Set("Content-Type", kind)
			if a := member.do(r); a.status/100 == 5 || a.status/100 == 2 {
				t.Errorf("POST %s as %q: %d", path, kind, a.status)
			}
		}
	}
	if log := w.log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("log:\n%s", log)
	}
	member.get("/oauth/login/%00/").want(400)
	member.get("/oauth/authorized/%ff/").want(400)
	if a := member.do(member.request(http.MethodPut, "/login/", nil)); a.status != 403 && a.status != 405 {
		t.Errorf("PUT: %d", a.status)
	}
}
