package web

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"idbroker/broker/local"
	"idbroker/limits"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// TestPumpedMessages: many members, each with a number of their own, have no more messages sent than the site's bound. Who has a number as
// their factor comes in meanwhile; then they, too, are told to wait, and the operator what to do, once.
func TestPumpedMessages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		held := map[string]int{}
		w := worldOn(t, db, tokens.Options{}, func(o *Options) {
			o.Limits = limits.New(db, limits.Options{SMSPerHour: 8, SMSPerCountry: 8})
			o.OnSMSHeld = func(bound string) { held[bound]++ }
		})
		w.texting()
		const number = "+41227676111"
		ada := w.user("ada")
		b := w.browser()
		b.signIn("ada")
		b.post(factorPath+"number/", "phone", number).to(factorPath)
		b.post(factorPath+"number/confirm/", "code", w.texted(number)).want(200)
		w.minuteLater(ada)

		pumped := 0
		for i := range 5 {
			name := "sybil" + strconv.Itoa(i)
			w.user(name)
			s := w.browser()
			s.signIn(name)
			a := s.post(factorPath+"number/", "phone", "+4179555000"+strconv.Itoa(i))
			if a.status == http.StatusSeeOther {
				pumped++
				continue
			}
			seconds, err := strconv.Atoi(a.want(http.StatusTooManyRequests).says("It is nothing that you did").header.Get("Retry-After"))
			if err != nil || seconds < 1 || seconds > 3600 {
				t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
			}
		}
		if n := len(w.texts()); pumped != 1 || n != 1 || held["new"] != 4 { // two to new numbers, hers was one
			t.Errorf("%d messages, %d told, held %v", n, pumped, held)
		}
		in := func() (*browser, string) {
			b := w.browser()
			return b, b.password("ada").to("/second-factor/").param("login")
		}
		for range 2 { // the other half is for people
			b, login := in()
			b.post("/second-factor/send/", "login", login).to("/second-factor/")
			b.post("/second-factor/", "login", login, "way", "sms", "code", w.texted(number)).to("/")
			w.minuteLater(ada)
		}
		late, login := in()
		if a := late.post("/second-factor/send/", "login", login).want(http.StatusTooManyRequests).says("no more for a while"); a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		if n := len(w.texts()); n != 0 || held["site"] != 1 {
			t.Errorf("%d messages, held %v", n, held)
		}
		log := w.log.String()
		if strings.Count(log, "messages with codes are held back") != 2 || !strings.Contains(log, "accounts.sms.countries") || !regexp.MustCompile(`\bwait"?[=:]"?\d+m\d+s`).MatchString(log) || strings.Contains(log, "+4179555") {
			t.Errorf("the operator is told: %s", log)
		}
	})
}

// TestMessagesToNoOtherCountry: no code goes to where the operator serves nobody, whoever asks; it costs nobody a message.
func TestMessagesToNoOtherCountry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, tokens.Options{}, func(o *Options) { o.Limits = limits.New(db, limits.Options{SMSPerHour: 8, SMSPerCountry: 8}) })
		only := func(prefixes ...string) {
			w.accounts = local.New(w.db, w.server.linker, local.Options{
				Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, EndGrants: w.tokens.EndGrants, SMS: true, SMSPrefixes: prefixes,
			})
			w.server.accounts = w.accounts
		}
		only("+41", "+1212")
		ada := w.user("ada")
		b := w.browser()
		b.signIn("ada")
		for _, number := range []string{"+18765550123", "+1 (809) 555-0123", "+97912345678", "+4", "+252612345678", "+88213123456"} {
			a := b.post(factorPath+"number/", "phone", number).want(http.StatusUnprocessableEntity)
			if number != "+4" {
				a.says("We send no codes to numbers of this country")
			}
		}
		p := w.program()
		p.signIn("ada@example.org")
		p.post(factorPath+"number/", "phone", "+18765550123").refused(http.StatusUnprocessableEntity, "sms.country", "phone")
		if n := len(w.texts()); n != 0 {
			t.Errorf("%d messages", n)
		}
		const number = "+12125550123"
		b.post(factorPath+"number/", "phone", number).to(factorPath)
		b.post(factorPath+"number/confirm/", "code", w.texted(number)).want(200)
		w.minuteLater(ada)
		b.post(factorPath+"number/swap/", "phone", "+18765550123").want(http.StatusUnprocessableEntity).says("no codes to numbers of this country")

		only("+41") // thought otherwise since: her number is there, and gets none
		late := w.browser()
		login := late.password("ada").to("/second-factor/").param("login")
		late.post("/second-factor/send/", "login", login).want(http.StatusUnprocessableEntity).says("no codes to numbers of this country")
		if n := len(w.texts()); n != 0 {
			t.Errorf("%d messages", n)
		}
		only()
		late.post("/second-factor/send/", "login", login).to("/second-factor/")
		late.post("/second-factor/", "login", login, "way", "sms", "code", w.texted(number)).to("/")
	})
}

// TestThiefOfAPasswordKeepsNobodyOut: who knows only the password empties all tries there are, from one fresh browser after
// the other, and has every code sent that can be. The owner comes in, in a browser in which they have been.
func TestThiefOfAPasswordKeepsNobodyOut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, tokens.Options{}, func(o *Options) { o.Limits = limits.New(db, limits.Options{}) })
		w.texting()
		ada := w.user("ada")
		first, second, third := w.browser(), w.browser(), w.browser()
		first.signIn("ada")
		secret, codes := first.setUpApp() // known by that already
		const number = "+41227676111"
		first.post(factorPath+"number/", "phone", number).to(factorPath)
		first.post(factorPath+"number/confirm/", "code", w.texted(number)).to(factorPath)
		in := func(b *browser) string { return b.password("ada").to("/second-factor/").param("login") }
		login := in(second)
		second.post("/second-factor/", "login", login, "recovery", "1", "code", codes[0]).to("/")
		login = in(third) // has seen the password alone
		third.get("/second-factor/?login=" + login).want(200)
		for _, b := range []*browser{first, second} {
			b.post("/logout/").want(http.StatusSeeOther)
		}

		guesses := map[string]int{}
		for range 12 {
			thief := w.browser()
			login := in(thief)
			for _, way := range []string{"totp", "recovery"} {
				code := map[string]string{"totp": wrongOf(t, secret), "recovery": "BBBBB-BBBBB"}[way]
				for thief.post("/second-factor/", "login", login, "way", way, "code", code).status == http.StatusUnprocessableEntity {
					guesses[way]++
				}
			}
			w.minuteLater(ada)
			thief.post("/second-factor/send/", "login", login)
		}
		if guesses["totp"] != 10 || guesses["recovery"] != 10 || len(w.texts()) > 6 {
			t.Errorf("the thief guessed %v", guesses)
		}
		login = in(third) // is no more known than a thief's
		third.post("/second-factor/", "login", login, "way", "totp", "code", appShows(t, secret, 0)).want(http.StatusTooManyRequests)

		w.minuteLater(ada)
		login = in(first)
		first.post("/second-factor/send/", "login", login).to("/second-factor/")
		first.post("/second-factor/", "login", login, "way", "sms", "code", w.texted(number)).to("/")
		login = in(second)
		second.post("/second-factor/", "login", login, "way", "totp", "code", wrongOf(t, secret)).want(http.StatusUnprocessableEntity)
		second.post("/second-factor/", "login", login, "way", "totp", "code", appShows(t, secret, 1)).to("/")
		second.post("/logout/").want(http.StatusSeeOther)
		login = in(second)
		second.post("/second-factor/", "login", login, "way", "recovery", "code", codes[1]).to("/")
	})
}

// wrongOf is a code that the app shows at no time near now.
func wrongOf(t *testing.T, secret string) string {
	t.Helper()
	for _, wrong := range []string{"000000", "999999", "123456", "654321"} {
		near := false
		for step := -2; step <= 3; step++ {
			near = near || appShows(t, secret, step) == wrong
		}
		if !near {
			return wrong
		}
	}
	t.Fatal("all of them are near")
	return ""
}
