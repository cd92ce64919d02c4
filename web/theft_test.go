package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// Browsers that sign in here.
const (
	firefox      = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	firefoxNext  = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0"
	firefoxWin   = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
	chrome       = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
	chromePhone  = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
	safariTablet = "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1"
	safari       = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15"
)

// countries is a country for addresses of documentation (RFC 5737, RFC 3849).
func countries(ip string) string {
	return map[string]string{"192.0.2.1": "CH", "2001:db8::1": "CH", "2001:db8:ffff::1": "US", "198.51.100.1": "US"}[ip]
}

// theftWorld is a world where ada is signed in with a browser, Firefox unless another is
// named.
func theftWorld(t testing.TB, dsn string, level Theft, agent ...string) (*world, *browser) {
	t.Helper()
	w := worldOn(t, storetest.Open(t, dsn), tokens.Options{}, func(o *Options) {
		o.Theft, o.TrustedHops, o.Country, o.SessionIdle, o.SessionAbsolute = level, 1, countries, 24*time.Hour, 24*time.Hour
	})
	w.user("ada")
	b := w.browser()
	b.agent, b.ip = append(agent, firefox)[0], "192.0.2.1"
	b.signIn("ada")
	return w, b
}

// steal copies the cookies of a browser into another one like it.
func (b *browser) steal() *browser {
	thief := b.w.browser()
	thief.agent, thief.ip = b.agent, b.ip
	here, err := url.Parse(b.w.url)
	must(b.w.t, err)
	thief.c.Jar.SetCookies(here, slices.Clone(b.c.Jar.Cookies(here)))
	return thief
}

// wait lets time pass for the turn of a browser's session.
func (b *browser) wait(d time.Duration) {
	b.w.t.Helper()
	row, err := b.session()
	must(b.w.t, err)
	if row.TurnedAt.IsZero() { // its first turn is counted from its beginning
		row.TurnedAt = row.CreatedAt
	}
	if row.TurnedAt = row.TurnedAt.Add(-d); !row.ShownAt.IsZero() {
		row.ShownAt = row.ShownAt.Add(-d)
	}
	must(b.w.t, b.w.db.TouchSession(b.w.t.Context(), row))
}

// fresh is a database of the kind of another.
func fresh(t testing.TB, dsn string) string {
	t.Helper()
	if strings.HasPrefix(dsn, "sqlite:") {
		return storetest.SQLite(t)
	}
	return storetest.Postgres(t)
}

// in and out ask for a page of the person's.
func (b *browser) in() {
	b.w.t.Helper()
	b.get(profilePath).want(200)
}

func (b *browser) out() answer {
	b.w.t.Helper()
	return b.get(profilePath).to("/login/")
}

// noticed fails unless the session of ada has ended for a reason, once, and she was told.
func (w *world) noticed(why string) {
	w.t.Helper()
	u, err := w.db.UserByEmail(w.t.Context(), "ada@example.org")
	must(w.t, err)
	rows, err := w.db.SessionsOf(w.t.Context(), u.ID)
	must(w.t, err)
	if len(rows) != 0 {
		w.t.Errorf("%d sessions stand", len(rows))
	}
	events, err := w.db.Events(w.t.Context(), u.ID, 99)
	must(w.t, err)
	events = slices.DeleteFunc(events, func(e broker.Event) bool { return e.Name != broker.EventSessionStolen })
	if len(events) != 1 || events[0].Detail[broker.DetailWhy] != why {
		w.t.Errorf("events %+v, want one that says %q", events, why)
	}
	mails := slices.DeleteFunc(w.mails(), func(m broker.Mail) bool { return m.Template != "session-stolen" })
	if len(mails) != 1 || mails[0].To != u.Email {
		w.t.Errorf("mails %+v", mails)
	}
}

// unnoticed fails where anything was noticed.
func (w *world) unnoticed() {
	w.t.Helper()
	for _, m := range w.mails() {
		if m.Template == "session-stolen" {
			w.t.Errorf("a mail: %+v", m)
		}
	}
}

// TestStolenCookies: a copy of a browser's cookies, whatever it calls itself, ends the
// session as soon as both have been there, whoever comes first.
func TestStolenCookies(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		for name, first := range map[string]string{"the owner turns first": "owner", "the thief turns first": "thief"} {
			t.Run(name, func(t *testing.T) {
				w, owner := theftWorld(t, fresh(t, dsn), TheftBasic)
				thief := owner.steal()
				owner.in()
				thief.in() // nobody can tell yet
				a, b := owner, thief
				if first == "thief" {
					a, b = thief, owner
				}
				owner.wait(turnEvery)
				a.in() // gets the next value
				if a.cookie(turnCookie) == "" {
					t.Fatal("nothing turned")
				}
				a.in() // shows it
				a.wait(turnOverlap)
				a.in() // goes on, which gives the copy no more time
				b.out()
				a.out()
				w.noticed(theftCopied)
				b.signIn("ada") // the way back is open
				b.in()
			})
		}
	})
}

// TestStolenCookiesWithoutTurn: to leave the cookie away that turns, to make one up, or to
// bring another session's is no way round it.
func TestStolenCookiesWithoutTurn(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		for name, forge := range map[string]func(w *world, value string) string{
			"away":            func(*world, string) string { return "" },
			"no MAC":          func(*world, string) string { return "2." },
			"the number up":   func(_ *world, value string) string { return "2" + value[1:] },
			"another spelled": func(_ *world, value string) string { return "0" + value },
			"of another": func(w *world, _ string) string {
				w.user("eve")
				eve := w.browser()
				eve.agent, eve.ip = firefox, "192.0.2.1"
				eve.signIn("eve")
				eve.wait(turnEvery)
				eve.in()
				return eve.cookie(turnCookie)
			},
		} {
			t.Run(name, func(t *testing.T) {
				w, owner := theftWorld(t, fresh(t, dsn), TheftBasic)
				owner.wait(turnEvery)
				owner.in()
				owner.in()
				owner.wait(turnOverlap)
				thief := owner.steal()
				thief.setCookie(turnCookie, forge(w, owner.cookie(turnCookie)))
				thief.out()
				owner.out()
				w.noticed(theftCopied)
			})
		}
	})
}

// TestTurnsSignNobodyOut: tabs at once, an answer that never arrives, one that is late,
// and hours of use.
func TestTurnsSignNobodyOut(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w, b := theftWorld(t, dsn, TheftBasic)
		b.wait(turnEvery)
		first, second := b.steal(), b.steal() // tabs that have sent their requests
		first.in()
		second.in()
		if one, other := first.cookie(turnCookie), second.cookie(turnCookie); one == "" || one != other {
			t.Errorf("two tabs got %q and %q", one, other)
		}
		// Neither answer arrived: the browser still has what it had, for an hour.
		b.wait(time.Hour)
		b.in()
		if got := b.cookie(turnCookie); got != first.cookie(turnCookie) {
			t.Errorf("the browser has %q, want %q once more", got, first.cookie(turnCookie))
		}
		for range 5 { // a browser that is used all day
			b.wait(turnEvery)
			b.in()
			b.in()
		}

		// A request that was sent before the answer came, and arrives after the next one.
		b.wait(turnEvery)
		late := b.steal()
		b.in()
		b.in()
		late.in()
		b.in()
		w.unnoticed()
	})
}

// TestTurnsOfARenewedSession: a session that gets another secret begins its turns anew,
// and its copies are noticed from then on.
func TestTurnsOfARenewedSession(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w, b := theftWorld(t, dsn, TheftBasic)
		for range 3 {
			b.wait(turnEvery)
			b.in()
			b.in()
		}
		b.setUpApp()
		b.in()
		b.in()
		w.unnoticed()
		thief := b.steal()
		b.wait(turnEvery)
		b.in()
		b.in()
		b.wait(turnOverlap)
		thief.out()
		w.noticed(theftCopied)
	})
}

// TestTheftForgetsBrowsers: the cookie that stands in for the second factor was copied
// with the others.
func TestTheftForgetsBrowsers(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w, owner := theftWorld(t, dsn, TheftBasic)
		u, err := w.db.UserByEmail(t.Context(), "ada@example.org")
		must(t, err)
		must(t, w.db.CreateRemembered(t.Context(), broker.RememberedBrowser{ID: "r", Hash: "h", UserID: u.ID, ExpiresAt: time.Now().Add(time.Hour)}))
		thief := owner.steal()
		thief.agent = chrome
		thief.out()
		if left, err := w.db.RememberedOf(t.Context(), u.ID); err != nil || len(left) != 0 {
			t.Errorf("remembered browsers %+v, %v", left, err)
		}
	})
}

// TestAnotherBrowser: who brings the cookie in another browser, or from another system,
// is out. A new version of the same one is not, nor a phone that asks for desktop pages.
func TestAnotherBrowser(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		for _, tt := range []struct {
			level    Theft
			was, is  string
			from     string
			why      string
			whatever string
		}{
			{TheftBasic, firefox, chrome, "", theftBrowser, "another browser"},
			{TheftBasic, firefox, firefoxWin, "", theftBrowser, "another system"},
			{TheftBasic, firefox, "curl/8.0", "", theftBrowser, "a program"},
			{TheftBasic, firefox, firefoxNext, "", "", "an upgrade"},
			{TheftBasic, chromePhone, chrome, "", "", "desktop pages on Android"},
			{TheftBasic, safariTablet, safari, "", "", "desktop pages on an iPad"},
			{TheftBasic, firefox, firefox, "198.51.100.1", "", "a journey"},
			{TheftStrict, firefox, firefox, "198.51.100.1", theftNetwork, "another network"},
			{TheftStrict, firefox, firefox, "192.0.2.254", "", "the same network"},
			{TheftStrict, firefox, firefox, "2001:db8::1", "", "the same country in IPv6"},
			{TheftStrict, firefox, firefox, "2001:db8:ffff::1", theftNetwork, "another country in IPv6"},
			{TheftStrict, firefox, chrome, "", theftBrowser, "another browser"},
			{TheftOff, firefox, chrome, "198.51.100.1", "", "whatever"},
		} {
			t.Run(string(tt.level)+" "+tt.whatever, func(t *testing.T) {
				w, owner := theftWorld(t, fresh(t, dsn), tt.level, tt.was)
				thief := owner.steal()
				thief.agent = tt.is
				if tt.from != "" {
					thief.ip = tt.from
				}
				if tt.why == "" {
					thief.in()
					w.unnoticed()
					return
				}
				page, _ := thief.follow(thief.out())
				page.says("You have been signed out here")
				owner.out()
				w.noticed(tt.why)
			})
		}
	})
}

// TestTheftEndsTokens: what an application was given in a stolen session ends with it.
func TestTheftEndsTokens(t *testing.T) {
	w, owner := theftWorld(t, storetest.SQLite(t), TheftBasic)
	w.client(func(c *broker.Client) { c.FirstParty = true })
	if to := owner.get(authorize()); to.status != http.StatusSeeOther {
		t.Fatalf("authorize: %d", to.status)
	}
	u, err := w.db.UserByEmail(t.Context(), "ada@example.org")
	must(t, err)
	thief := owner.steal()
	thief.agent = chrome
	thief.out()
	grants, err := w.db.GrantsOf(t.Context(), u.ID)
	must(t, err)
	if len(grants) != 0 {
		t.Errorf("grants stand: %+v", grants)
	}
	w.noticed(theftBrowser)
}

// TestSamePlaceAndBrowser: what the comparisons say of what is not known.
func TestSamePlaceAndBrowser(t *testing.T) {
	g := &theftGuard{country: countries}
	for _, tt := range []struct {
		was, is string
		want    bool
	}{
		{"192.0.2.1", "192.0.2.255", true},
		{"192.0.2.1", "192.0.3.1", false},
		{"192.0.2.1", "::ffff:192.0.2.9", true},
		{"2001:db8::1", "2001:db8:0:9::1", true},
		{"2001:db8::1", "2001:db8:1::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
		{"", "192.0.2.1", true},
		{"192.0.2.1", "", true},
		{"192.0.2.9", "2001:db8::1", true}, // whose country is not known
	} {
		if got := g.sameNetwork(tt.was, tt.is); got != tt.want {
			t.Errorf("%q, %q: %t", tt.was, tt.is, got)
		}
	}
	if !sameBrowser("", chrome) || sameBrowser(chrome, "") || !sameBrowser("odd", "odd") {
		t.Error("an unknown browser is any, and none is none")
	}
}
