package web

import (
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// newBrowserMails are the mails about new browsers that wait.
func (w *world) newBrowserMails() []broker.Mail {
	w.t.Helper()
	return slices.DeleteFunc(w.mails(), func(m broker.Mail) bool { return m.Template != "new-browser" })
}

func mailingWorld(t *testing.T, dsn string) *world {
	t.Helper()
	return worldOn(t, storetest.Open(t, dsn), tokens.Options{}, func(o *Options) {
		o.NewBrowserMail, o.TrustedHops, o.Country = true, 1, countries
	})
}

// TestNewBrowser: the first sign-in is told to nobody, one from a browser that was never
// here is, and one from a browser that was is not, whatever way it is done.
func TestNewBrowser(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := mailingWorld(t, dsn)
		u := w.user("ada")
		b := w.browser()
		b.signIn("ada")
		if m := w.newBrowserMails(); len(m) != 0 {
			t.Errorf("the first sign-in was mailed: %+v", m)
		}
		b.post("/logout/").want(303)
		b.signIn("ada")
		if m := w.newBrowserMails(); len(m) != 0 {
			t.Errorf("a browser that was there was mailed: %+v", m)
		}

		thief := w.browser()
		thief.agent, thief.ip = chrome, "198.51.100.1"
		thief.signIn("ada")
		m := w.newBrowserMails()
		if len(m) != 1 || m[0].To != u.Email || m[0].Data["ip"] != "198.51.100.1, United States" || m[0].Data["browser"] != "Chrome, Linux" {
			t.Fatalf("mails %+v", m)
		}
		events, err := w.db.Events(t.Context(), u.ID, 1)
		must(t, err)
		if events[0].Detail[broker.DetailBrowser] != "new" {
			t.Errorf("the event is %+v", events[0])
		}
		thief.signIn("ada") // it is known now
		if m := w.newBrowserMails(); len(m) != 0 {
			t.Errorf("it was mailed twice: %+v", m)
		}
	})
}

// TestNewBrowserOfAnother: that a browser is known to one account says nothing to
// another's owner, nor does a cookie that somebody made up or took from elsewhere.
func TestNewBrowserOfAnother(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := mailingWorld(t, dsn)
		w.user("ada")
		w.user("eve")
		ada, eve := w.browser(), w.browser()
		ada.signIn("ada")
		eve.signIn("eve")
		w.newBrowserMails()
		known := eve.cookie(knownCookie)
		for name, cookie := range map[string]string{
			"hers":      known,
			"none":      "",
			"too short": known[:20],
			"garbage":   "****",
			"long":      strings.Repeat("A", 5000),
			"cut":       known + "AAAA", // no whole MAC at the end
		} {
			t.Run(name, func(t *testing.T) {
				b := w.browser()
				if b.setCookie(knownCookie, cookie); cookie == "" {
					b = w.browser()
				}
				b.signIn("ada")
				if m := w.newBrowserMails(); len(m) != 1 {
					t.Errorf("mails %+v", m)
				}
			})
		}
		// A family's browser knows all of them.
		ada.post("/logout/").want(303)
		ada.signIn("eve")
		w.newBrowserMails()
		for range maxKnown + 1 { // who comes often takes nobody's place
			ada.post("/logout/").want(303)
			ada.signIn("ada")
		}
		ada.post("/logout/").want(303)
		ada.signIn("eve")
		if m := w.newBrowserMails(); len(m) != 0 {
			t.Errorf("mails %+v", m)
		}
	})
}

// TestNewBrowserAfterSignUp: neither the sign-up nor a provider's is told, and the next
// browser by a provider is.
func TestNewBrowserAfterSignUp(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := mailingWorld(t, dsn)
		b := w.member("ada")
		if m := w.newBrowserMails(); len(m) != 0 {
			t.Errorf("the sign-up was mailed: %+v", m)
		}
		b.post("/logout/").want(200)
		b.walk(b.get("/oauth/login/demo/"), "ada").want(303)
		if m := w.newBrowserMails(); len(m) != 0 {
			t.Errorf("the same browser was mailed: %+v", m)
		}
		other := w.browser()
		other.walk(other.get("/oauth/login/demo/"), "ada").want(303)
		if m := w.newBrowserMails(); len(m) != 1 {
			t.Errorf("mails %+v", m)
		}
	})
}

// TestManyKnownAccounts: a browser remembers the accounts that were used last, and its
// cookie stays small.
func TestManyKnownAccounts(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.NewBrowserMail = true })
	b := w.browser()
	for i := range maxKnown + 3 {
		name := "u" + string(rune('a'+i))
		w.user(name)
		b.signIn(name)
	}
	if n := len(b.cookie(knownCookie)); n > 200 {
		t.Errorf("the cookie has %d bytes", n)
	}
	w.newBrowserMails()
	for i := range maxKnown {
		b.signIn("u" + string(rune('a'+maxKnown+2-i)))
	}
	if m := w.newBrowserMails(); len(m) != 0 {
		t.Errorf("the latest are forgotten: %+v", m)
	}
}

// TestSignInsAreShown: the page says when and how the sign-in before this one was.
func TestSignInsAreShown(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := mailingWorld(t, dsn)
		b := w.member("ada")
		b.ip = "198.51.100.1"
		b.post("/logout/").want(200)
		b.walk(b.get("/oauth/login/demo/"), "ada").want(303)
		for _, path := range []string{securityPath, devicesPath} {
			b.get(path).want(200).says("with Demo").says("United States").says("The one before").says("2 sign-ins so far")
		}
		must(t, func() error { _, err := w.db.ForgetIPs(t.Context(), time.Now().Add(time.Minute)); return err }())
		page := b.get(devicesPath).want(200)
		if strings.Contains(page.body, "198.51.100.1") {
			t.Error("a forgotten IP is shown")
		}
	})
}
