package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/store/storetest"
	"idbroker/tokens"
)

// remembering days in tests.
const ninety = 90 * 24 * time.Hour

// sessionCookieOf is the session's cookie that an answer sets; nil none.
func (a answer) sessionCookieOf() *http.Cookie {
	for _, c := range slices.Backward(a.cookies) {
		if c.Name == sessionCookie {
			return c
		}
	}
	return nil
}

// idle moves the last use and the beginning of the browser's session into the past.
func (b *browser) idle(d time.Duration) {
	b.w.t.Helper()
	row, err := b.session()
	must(b.w.t, err)
	row.LastSeenAt, row.AuthTime = row.LastSeenAt.Add(-d), row.AuthTime.Add(-d)
	must(b.w.t, b.w.db.SaveSession(b.w.t.Context(), row))
	must(b.w.t, b.w.db.TouchSession(b.w.t.Context(), row))
}

// TestRemember: what its person chose outlives the browser and idling, ends by
// revocation at once, and is no younger sign-in than it was.
func TestRemember(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := worldOn(t, storetest.Open(t, dsn), tokens.Options{}, func(o *Options) { o.Remember = ninety })
		u := w.user("ada")
		b, plain := w.browser(), w.browser()
		b.get("/login/").says("Stay signed in here for 90 days")
		a := b.post("/login/", "email", "ada@example.org", "password", password, "remember", "1").to("/")
		if c := a.sessionCookieOf(); c == nil || c.MaxAge != int(ninety/time.Second) || !c.HttpOnly {
			t.Errorf("the cookie is %+v", c)
		}
		for _, c := range a.cookies { // applications would ask again and again without it
			if c.Name == stateCookie && c.MaxAge != int(ninety/time.Second) {
				t.Errorf("the cookie of session management is %+v", c)
			}
		}
		a = plain.post("/login/", "email", "ada@example.org", "password", password).to("/")
		if c := a.sessionCookieOf(); c == nil || c.MaxAge != 0 {
			t.Errorf("without the choice the cookie is %+v", c)
		}
		for _, each := range []*browser{b, plain} {
			each.idle(3 * time.Hour)
		}
		plain.get(profilePath).to("/login/")
		b.in()
		row, err := b.session()
		must(t, err)
		if left := time.Until(row.ExpiresAt); !row.Lasting || left < ninety-time.Hour || left > ninety {
			t.Errorf("the session is %+v", row)
		}
		if time.Since(row.AuthTime) < 3*time.Hour {
			t.Errorf("it was authenticated at %s", row.AuthTime)
		}
		// What needs a recent sign-in still does; that makes it no shorter.
		b.post("/oauth/login/demo/").to("/login/?")
		again := b.get("/login/?again=1").to("/login/")
		b.post("/login/", "login", again.param("login"), "password", password).want(303)
		if row, err = b.session(); err != nil || !row.Lasting || time.Since(row.AuthTime) > time.Minute {
			t.Errorf("after proving to be there: %+v, %v", row, err)
		}
		// It is a row like any other: who is signed out elsewhere is out.
		plain.signIn("ada")
		plain.post("/account/settings/sessions/", "others", "1").to(devicesPath)
		b.out()
		if rows, err := w.db.SessionsOf(t.Context(), u.ID); err != nil || len(rows) != 1 {
			t.Errorf("%d sessions, %v", len(rows), err)
		}
	})
}

// TestRememberIsOffered: where the operator wants none there is no choice, nobody can
// make it, and what was remembered before is an ordinary session.
func TestRememberIsOffered(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := worldOn(t, storetest.Open(t, dsn), tokens.Options{}, func(o *Options) { o.Remember = ninety })
		w.user("ada")
		old := w.browser()
		old.post("/login/", "email", "ada@example.org", "password", password, "remember", "1").to("/")
		w.server.o.Remember, w.server.sessions.remember = 0, 0 // the operator thinks better of it
		b := w.browser()
		if page := b.get("/login/").want(200); strings.Contains(page.body, `name="remember"`) {
			t.Error("the choice is offered")
		}
		a := b.post("/login/", "email", "ada@example.org", "password", password, "remember", "1").to("/")
		if c := a.sessionCookieOf(); c == nil || c.MaxAge != 0 {
			t.Errorf("the cookie is %+v", c)
		}
		if page := b.get(devicesPath).want(200); strings.Contains(page.body, "remember/") || strings.Contains(page.body, "stays signed in") {
			t.Error("the page offers it")
		}
		b.post("/account/settings/devices/remember/", "on", "1").want(404)
		old.in()
		old.idle(3 * time.Hour)
		old.out()
	})
}

// TestRememberHere: a session that a provider began can be made to last, by who signed
// in a moment ago, and be made to end with the browser again.
func TestRememberHere(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := worldOn(t, storetest.Open(t, dsn), tokens.Options{}, func(o *Options) { o.Remember = ninety })
		b := w.member("ada")
		b.idle(time.Hour)
		b.post("/account/settings/devices/remember/", "on", "1").to("/login/?")
		if row, err := b.session(); err != nil || row.Lasting {
			t.Errorf("somebody who found the browser open made it last: %+v, %v", row, err)
		}
		b.idle(-time.Hour)
		a := b.post("/account/settings/devices/remember/", "on", "1").to(devicesPath)
		if c := a.sessionCookieOf(); c == nil || c.MaxAge < int(ninety/time.Second)-60 || c.Value != b.cookie(sessionCookie) {
			t.Errorf("the cookie is %+v", c)
		}
		b.idle(5 * 24 * time.Hour)
		b.get(devicesPath).want(200).says("This browser stays signed in")
		a = b.post("/account/settings/devices/remember/").to(devicesPath) // to end sooner takes no proof
		if c := a.sessionCookieOf(); c == nil || c.MaxAge != 0 {
			t.Errorf("the cookie is %+v", c)
		}
		row, err := b.session()
		must(t, err)
		if row.Lasting || time.Until(row.ExpiresAt) > defaultAbsolute {
			t.Errorf("the session is %+v", row)
		}
		b.idle(3 * time.Hour)
		b.out()
	})
}

// TestRememberBehindTheFactor: the choice waits with the login until the second factor
// is shown; before that there is no session to last.
func TestRememberBehindTheFactor(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := worldOn(t, storetest.Open(t, dsn), tokens.Options{}, func(o *Options) { o.Remember = ninety })
		w.user("ada")
		first, b := w.browser(), w.browser()
		first.signIn("ada")
		_, codes := first.setUpApp()
		a := b.post("/login/", "email", "ada@example.org", "password", password, "remember", "1").to("/second-factor/")
		if b.cookie(sessionCookie) != "" {
			t.Error("there is a session without the second factor")
		}
		a = b.post("/second-factor/", "login", a.param("login"), "recovery", "1", "code", codes[0]).to("/")
		if c := a.sessionCookieOf(); c == nil || c.MaxAge != int(ninety/time.Second) {
			t.Errorf("the cookie is %+v", c)
		}
		b.get(devicesPath).want(200).says("with your password and a second step")
	})
}
