package web

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"idbroker/broker"
)

func TestSessionLife(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	b := w.browser()
	b.get("/").want(200)
	b.get("/login/").want(200)
	if b.cookie(sessionCookie) != "" {
		t.Error("a visitor who needs no session got one")
	}
	b.signIn("ada")
	row, err := b.session()
	must(t, err)
	if row.UserID != ada.ID || row.SID == "" || row.AuthTime.IsZero() || row.IP != "127.0.0.1" || len(row.AMR) != 1 || row.AMR[0] != "pwd" || row.ACR != broker.ACRSingle {
		t.Errorf("row %+v", row)
	}
	if value := b.cookie(sessionCookie); len(value) != secretLength || strings.Contains(row.IDHash, value) {
		t.Errorf("cookie %q, row %q", value, row.IDHash)
	}
	b.get(profilePath).want(200).says("ada@example.org")

	b.post("/logout/").to("/logout/")
	if b.cookie(sessionCookie) != "" || b.cookie(browserCookie) != "" {
		t.Error("cookies outlive the sign-out")
	}
	if _, err := w.db.Session(t.Context(), row.IDHash); err == nil {
		t.Error("the row outlives the sign-out")
	}
	b.get("/logout/").want(200)
	b.get(profilePath).to("/login/?next=%2Faccount%2Fsettings%2Fprofile%2F")
}

// TestSessionFixation is the attack with a session whose cookie the attacker
// knows: it must not be the one that the victim is signed in with.
func TestSessionFixation(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	attacker := w.browser()
	attacker.post("/account/settings/language/", "lang", "de")
	// A notice makes the only kind of session that belongs to nobody.
	at := time.Now()
	planted := broker.NewSecret()
	must(t, w.db.CreateSession(t.Context(), broker.Session{IDHash: planted.Hash(), SID: broker.NewID(), CreatedAt: at, LastSeenAt: at, ExpiresAt: at.Add(time.Hour)}))

	victim := w.browser()
	victim.setCookie(sessionCookie, planted.Reveal())
	victim.signIn("ada")
	if victim.cookie(sessionCookie) == planted.Reveal() {
		t.Fatal("the planted session was signed in")
	}
	if row, err := w.db.Session(t.Context(), planted.Hash()); err == nil {
		t.Errorf("the planted session still stands: %+v", row)
	}
	// A value that no row has is not taken over either.
	invented := broker.NewSecret()
	victim = w.browser()
	victim.setCookie(sessionCookie, invented.Reveal())
	victim.signIn("ada")
	if victim.cookie(sessionCookie) == invented.Reveal() {
		t.Fatal("the broker took the attacker's value for a new session")
	}
	// Signing in again gives another id, under the same sid.
	before, err := victim.session()
	must(t, err)
	victim.post("/login/?switch=1", "email", ada.Email, "password", password).to("/")
	after, err := victim.session()
	must(t, err)
	if after.IDHash == before.IDHash || after.SID != before.SID {
		t.Errorf("id %v, sid %v", after.IDHash != before.IDHash, after.SID == before.SID)
	}
	if _, err := w.db.Session(t.Context(), before.IDHash); err == nil {
		t.Error("the id from before still opens the session")
	}
}

func TestSessionEnds(t *testing.T) {
	for name, edit := range map[string]func(*broker.Session){
		"idle":     func(s *broker.Session) { s.LastSeenAt = s.LastSeenAt.Add(-defaultIdle) },
		"absolute": func(s *broker.Session) { s.ExpiresAt = time.Now().Add(-time.Second) },
	} {
		w := newWorld(t)
		w.user("ada")
		b := w.browser()
		b.signIn("ada")
		row, err := b.session()
		must(t, err)
		if d := row.ExpiresAt.Sub(row.CreatedAt); d != defaultAbsolute {
			t.Errorf("lives %s", d)
		}
		edit(&row)
		must(t, w.db.SaveSession(t.Context(), row))
		must(t, w.db.TouchSession(t.Context(), row))
		b.get(profilePath).to("/login/")
		b.get(profilePath).to("/login/")
		// The row stays until its applications have been told, and opens nothing.
		other := w.browser()
		other.signIn("ada")
		if n := strings.Count(other.get(securityPath).want(200).body, `name="sid"`); n != 0 {
			t.Errorf("%s: the page shows %d sessions that could be ended", name, n)
		}
	}
}

func TestDisabledUserIsOutAtOnce(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	u, err := w.db.User(t.Context(), ada.ID)
	must(t, err)
	u.DisabledAt = time.Now() // by another replica, which does not know of this session
	must(t, w.db.UpdateUser(t.Context(), u))
	b.get(profilePath).to("/login/")
	if b.cookie(sessionCookie) != "" {
		t.Error("the cookie is still there")
	}
	b.post("/login/", "email", "ada@example.org", "password", password).want(403)
	if b.cookie(sessionCookie) != "" {
		t.Error("a disabled user was signed in")
	}
}

func TestSessionIsTouchedOnceAMinute(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	row, err := b.session()
	must(t, err)
	for _, tt := range []struct {
		ago     time.Duration
		touched bool
	}{{30 * time.Second, false}, {2 * time.Minute, true}} {
		row.LastSeenAt = time.Now().Add(-tt.ago)
		must(t, w.db.TouchSession(t.Context(), row))
		b.get("/").want(200)
		now, err := b.session()
		must(t, err)
		if got := time.Since(now.LastSeenAt) < 20*time.Second; got != tt.touched {
			t.Errorf("seen %s ago: touched %v, want %v", tt.ago, got, tt.touched)
		}
	}
}

// TestEndedSessionStaysEnded is the attack of a browser that was thrown out: a
// login that it had authenticated before must not become a session again.
func TestEndedSessionStaysEnded(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.client()
	thief := w.browser()
	login := thief.get(authorize()).to("/login/").param("login")
	consent := thief.post("/login/", "login", login, "email", "ada@example.org", "password", password).to("/consent/")
	thief.get(consent.location).want(200)

	owner := w.browser()
	owner.signIn("ada")
	owner.post("/account/settings/sessions/", "others", "1").to(devicesPath)

	thief.get(profilePath).to("/login/")
	a, at := thief.follow(thief.get(consent.location))
	if _, err := thief.session(); err == nil || !strings.HasPrefix(at, "/login/") {
		t.Errorf("the thief is back, at %s:\n%s", at, text(a.body))
	}
	a = thief.post("/consent/", "login", login, "decision", "allow")
	if strings.HasPrefix(a.location, callbackURL) {
		t.Errorf("the thief's application was answered: %s", a.location)
	}
}

// TestEndedSessionLinksNothing is the same attack at the step that asks whether
// to link: neither a look nor a yes revives the session or links anything.
func TestEndedSessionLinksNothing(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	thief := w.browser()
	login := thief.walk(thief.get("/oauth/login/demo/"), "bob").to("/oauth/signup/demo/").param("login")
	step := thief.post("/login/", "login", login, "email", ada.Email, "password", password).to("/link/").location
	owner := w.browser()
	owner.signIn("ada")
	owner.post("/account/settings/sessions/", "others", "1").to(devicesPath)
	thief.get(step).to("/oauth/signup/demo/")
	for _, decision := range []string{"link", "skip"} {
		thief.post("/link/", "login", login, "decision", decision).to("/oauth/signup/demo/")
	}
	if _, err := thief.session(); err == nil {
		t.Error("the thief is back")
	}
	if all, err := w.db.IdentitiesOf(t.Context(), ada.ID); err != nil || len(all) != 0 {
		t.Errorf("identities %v, %v", all, err)
	}
}

// TestResetEndsWaitingLogins is the attack of somebody who signed up with
// another person's address: the owner confirmed by mistake and then chose a
// password of their own. The browser in which the sign-up began is out.
func TestResetEndsWaitingLogins(t *testing.T) {
	w := newWorld(t)
	thief, owner := w.browser(), w.browser()
	waiting := thief.post("/signup/", "email", "ada@example.org", "name", "Ada", "password", password).to("/sent/").location
	token := strings.TrimPrefix(w.mailedLink("sign-up"), "/verify-email/?token=")
	owner.post("/verify-email/", "token", token).want(200)
	owner.post("/lost-password/", "email", "ada@example.org").want(200)
	token = strings.TrimPrefix(w.mailedLink("reset"), "/reset-password/?token=")
	owner.post("/reset-password/", "token", token, "password", "another long one").to("/login/")

	thief.follow(thief.get(waiting))
	thief.nobody()
}

func TestNoticeOfAVisitor(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b := w.browser()
	b.post("/lost-password/", "email", "ada@example.org").want(200)
	token := strings.TrimPrefix(w.mailedLink("reset"), "/reset-password/?token=")
	b.post("/reset-password/", "token", token, "password", "another long one").to("/login/")
	if b.cookie(sessionCookie) == "" {
		t.Fatal("nothing carries the notice")
	}
	if a := b.get("/login/").want(200); !strings.Contains(a.body, `role="status"`) {
		t.Errorf("no notice:\n%s", text(a.body))
	}
	if b.cookie(sessionCookie) != "" {
		t.Error("the session outlives its notice")
	}
	if a := b.get("/login/"); strings.Contains(a.body, `role="status"`) {
		t.Error("the notice comes twice")
	}
}

func TestNotices(t *testing.T) {
	var many []any
	for range 10 {
		many = append(many, sessionNotice{Key: "a.b", Args: map[string]string{"x": strings.Repeat("y", 100)}})
	}
	if got := decodeNotices(encodeNotices(many)); len(got) != maxNotices || got[0].Key != "a.b" {
		t.Errorf("%d notices", len(got))
	}
	if encodeNotices([]any{sessionNotice{Key: strings.Repeat("k", maxData)}}) != nil {
		t.Error("more than a session holds")
	}
	for _, bad := range []string{"", "null", "[]", `{"notices":7}`, "{", string(bytes.Repeat([]byte("a"), maxData+1))} {
		if got := decodeNotices([]byte(bad)); len(got) != 0 {
			t.Errorf("%.20q: %v", bad, got)
		}
	}
}

// FuzzSessionCookie: no cookie makes a session or an error.
func FuzzSessionCookie(f *testing.F) {
	for _, seed := range []string{"", "a", strings.Repeat("a", secretLength), strings.Repeat("é", 22), "a=b; c", "\x00", strings.Repeat("=", secretLength)} {
		f.Add(seed)
	}
	db := fuzzStore(f)
	s := &sessionStore{rows: db, idle: time.Hour, absolute: time.Hour}
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", sessionCookie+"="+value)
		session, err := s.Get(r, sessionCookie)
		if err != nil || session.ID != "" || !session.IsNew {
			t.Errorf("%q: %+v, %v", value, session, err)
		}
	})
}

// FuzzNotices: whatever stands in a row is read without a panic.
func FuzzNotices(f *testing.F) {
	f.Add([]byte(`{"notices":[{"key":"a","args":{"b":"c"}}]}`))
	f.Add([]byte(`{"notices":[null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		session := sessions.NewSession(nil, "")
		for _, n := range decodeNotices(data) {
			session.AddFlash(n)
		}
		_ = encodeNotices(session.Values["_flash"])
	})
}
