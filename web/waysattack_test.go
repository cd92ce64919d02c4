package web

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker/local"
	"idbroker/broker/local/passkeytest"
	"idbroker/providers"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// changing are the parts of a page that are new each time.
var changing = regexp.MustCompile(`login=[A-Za-z0-9_-]+|name="login" value="[^"]*"|data-passkey="[^"]*"`)

// TestStrangersLearnNoWays is the attack: somebody asks for the ways of accounts that are
// there, and of ones that are not, in browsers of their own: a new one, one that an
// account of theirs knows, and ones with cookies that they have made up. Pages and
// statements are the same for all.
func TestStrangersLearnNoWays(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		var l ledger
		db := storetest.Open(t, dsn, storetest.OnStatement(l.note))
		w := worldAt(t, "localhost", db, tokens.Options{}, nil, func(string, *providers.App) {}, asksFirst)
		w.codes(local.CodesSignIn)
		ada := w.member("ada") // her provider alone
		w.user("bob")
		w.user("kay")
		b := w.browser()
		b.signIn("kay")
		b.addPasskey(passkeytest.New(t, passkeytest.ES256), "Phone")
		w.user("off")
		off, err := db.UserByEmail(t.Context(), "off@example.org")
		must(t, err)
		must(t, w.accounts.SetDisabled(t.Context(), off.ID, true))
		w.user("mine")

		mine := func() *browser {
			b := w.browser()
			b.signIn("mine")
			b.post("/logout/")
			return b
		}
		hers, err := base64.RawURLEncoding.DecodeString(ada.cookie(waysCookie))
		must(t, err)
		swapped := slices.Concat([]byte("0123456789abcdef"), hers[knownName:]) // her MACs under another browser's name
		flipped := slices.Clone(hers)
		flipped[len(flipped)-1] ^= 1
		with := func(cookie string) func() *browser {
			return func() *browser {
				b := w.browser()
				b.setCookie(waysCookie, cookie)
				return b
			}
		}
		encode := base64.RawURLEncoding.EncodeToString
		for what, who := range map[string]func() *browser{
			"new": w.browser, "known to another account": mine,
			"garbage": with("****"), "made up": with(strings.Repeat("A", 64)), "too long": with(strings.Repeat("A", 5000)), "cut": with(encode(hers)[:30]),
			"another name": with(encode(swapped)), "another MAC": with(encode(flipped)), "known by its mail": with(ada.cookie(knownCookie)),
		} {
			for _, kind := range []string{"@example.org", ""} { // usernames, too
				var page, first string
				var ops []string
				for _, name := range []string{"nobody", "ada", "bob", "kay", "off"} {
					b := who()
					var a, wrong answer
					got := l.of(func() {
						a = b.waysOf(name + kind)
						wrong = b.post("/login/", "email", name+kind, "password", "wrong").want(http.StatusUnprocessableEntity)
					})
					now := strings.ReplaceAll(changing.ReplaceAllString(a.body+wrong.body, ""), name+kind, "WHO")
					if page == "" {
						page, ops, first = now, got, name+kind
					}
					if now != page {
						t.Errorf("%s: the page of %s%s:\n%s\nand of %s:\n%s", what, name, kind, text(now), first, text(page))
					}
					if !slices.Equal(got, ops) {
						t.Errorf("%s: %s%s:\n%s\nand %s:\n%s", what, name, kind, strings.Join(got, " "), first, strings.Join(ops, " "))
					}
				}
				if strings.Contains(page, ">Last used<") && what != "known to another account" || strings.Contains(page, "all=1") {
					t.Errorf("%s: own ways\n%s", what, text(page))
				}
			}
		}
	})
}

// TestMembersLearnNoWays is the same attack by somebody who is signed in: to another account.
func TestMembersLearnNoWays(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := worldOn(t, storetest.Open(t, dsn), tokens.Options{}, asksFirst)
		w.member("ada") // her provider alone
		w.user("mallory")
		b := w.browser()
		b.signIn("mallory")
		for _, name := range []string{"ada@example.org", "nobody@example.org"} {
			b.waysOf(name).wantOffers(name, "password, demo, other, sign up")
		}
		b.waysOf("mallory").wantOffers("their own", "password, all")
	})
}

// TestForgottenBrowsers: a cookie that was copied, or is in a browser that was lost, shows
// nothing any more after the person has ended a session, signed out everywhere else, let
// a browser be forgotten, or chosen another password. Their own browser stays known.
func TestForgottenBrowsers(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := worldOn(t, storetest.Open(t, dsn), tokens.Options{}, asksFirst)
		u := w.user("ada")
		const own, everybodys = "password, all", "password, demo, other, sign up"
		b, lost := w.browser(), w.browser()
		for what, end := range map[string]func(){
			"others": func() { b.post("/account/settings/sessions/", "others", "1").to(devicesPath) },
			"that one": func() {
				all, err := w.db.SessionsOf(t.Context(), u.ID)
				must(t, err)
				mine, err := b.session()
				must(t, err)
				for _, s := range all {
					if s.SID != mine.SID {
						b.post("/account/settings/sessions/", "sid", s.SID).to(devicesPath)
					}
				}
			},
		} {
			b.signIn("ada")
			lost.signIn("ada")
			thief := w.browser()
			thief.setCookie(waysCookie, lost.cookie(waysCookie))
			thief.waysOf("ada").wantOffers(what+": a copy", own) // as in the browser that it was taken from
			end()
			lost.waysOf("ada").wantOffers(what+": the lost one", everybodys)
			thief.waysOf("ada").wantOffers(what+": the copy afterwards", everybodys)
			b.post("/account/settings/sessions/", "sid", "over").to(devicesPath) // changes nothing
			b.post("/logout/")
			b.waysOf("ada").wantOffers(what+": the person's", own)
		}
		b.signIn("ada")
		lost.signIn("ada")
		next := "another horse battery"
		b.post("/account/settings/password/", "current", password, "password", next).want(http.StatusSeeOther)
		lost.waysOf("ada").wantOffers("another password", everybodys)
		lost.post("/login/", "email", "ada", "password", next).to("/")
		lost.post("/logout/")
		lost.waysOf("ada").wantOffers("signed in anew", own)
		must(t, w.db.ForgetKnown(t.Context(), u.ID, u.CreatedAt))
		lost.waysOf("ada").wantOffers("forgotten", everybodys)
	})
}

// TestForgottenWithTheFactor: a browser that is forgotten as the second factor's has nothing
// to show either; an id that nobody has changes nothing.
func TestForgottenWithTheFactor(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := worldOn(t, storetest.Open(t, dsn), tokens.Options{SecondFactor: true}, asksFirst)
		w.remembering(24 * time.Hour)
		w.user("ada")
		b, lost := w.browser(), w.browser()
		b.signIn("ada")
		secret, _ := b.setUpApp()
		login := lost.password("ada").to("/second-factor/").param("login")
		lost.waysOf("ada").wantOffers("before the second factor", "password, demo, other, sign up")
		lost.post("/second-factor/", "login", login, "remember", "1", "code", appShows(t, secret, 1)).to("/")
		lost.post("/logout/")
		b.post(factorPath+"forget/", "id", "nobodys").to(securityPath)
		lost.waysOf("ada").wantOffers("known", "password, all")
		id := forgetID.FindStringSubmatch(b.get(securityPath).want(http.StatusOK).body)
		if id == nil {
			t.Fatal("no browser to forget")
		}
		b.post(factorPath+"forget/", "id", id[1]).to(securityPath)
		lost.waysOf("ada").wantOffers("forgotten", "password, demo, other, sign up")
	})
}

// TestNobodyOfThatName: an account that is gone, and a name that went to somebody else,
// have nothing to show in the browser of before.
func TestNobodyOfThatName(t *testing.T) {
	w := newWorld(t, asksFirst)
	u := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.post("/logout/")
	b.waysOf("ada").wantOffers("hers", "password, all")
	must(t, w.db.DeleteUser(t.Context(), u.ID))
	b.waysOf("ada").wantOffers("nobody's", "password, demo, other, sign up")
	w.user("ada")
	b.waysOf("ada").wantOffers("somebody else's", "password, demo, other, sign up")
}
