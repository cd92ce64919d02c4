package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/limits"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// TestSameWorkForKnownAndUnknown: what a stranger asks of an address costs the same statements
// and the same password hashes whether somebody has an account with it or not, and
// whatever state that account is in. Time is measured by nobody who counts so.
func TestSameWorkForKnownAndUnknown(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		var l ledger
		db := storetest.Open(t, dsn, storetest.OnStatement(l.note))
		w := worldOn(t, db, tokens.Options{}, func(o *Options) {
			o.TrustedHops = 1
			o.Limits = limits.New(db, limits.Options{Mails: broker.Limit{Burst: 100, Every: time.Minute}}) // or all would get the same: none
		})
		w.user("ada")
		w.member("bob") // without a password
		w.user("off")
		off, err := db.UserByEmail(t.Context(), "off@example.org")
		must(t, err)
		must(t, w.accounts.SetDisabled(t.Context(), off.ID, true))
		mine := w.user("mine")

		whose := []string{"ada@example.org", "bob@example.org", "off@example.org", "nobody@example.org"}
		from := 0
		for _, f := range []struct {
			name   string
			hashes int
			send   func(b *browser, ip, email string) answer
			status int
			ready  func(b *browser, ip string)
		}{
			{"who, then how, in a browser of another account", 1, func(b *browser, ip, email string) answer {
				to := b.from(ip, "/login/identify/", "email", email).to("/login/?login=")
				b.get(to.location).want(http.StatusOK)
				return b.from(ip, "/login/", "login", to.param("login"), "password", "not the password")
			}, http.StatusUnprocessableEntity, func(b *browser, ip string) {
				w.server.o.IdentifyFirst = true
				b.from(ip, "/login/", "email", mine.Email, "password", password).to("/")
				b.from(ip, "/logout/").want(http.StatusSeeOther)
				if b.cookie(waysCookie) == "" {
					t.Error("the browser is not known to its own account")
				}
			}},
			{"sign-in", 1, func(b *browser, ip, email string) answer {
				return b.from(ip, "/login/", "email", email, "password", "not the password")
			}, http.StatusUnprocessableEntity, nil},
			{"sign-in, not ASCII", 4, func(b *browser, ip, email string) answer {
				return b.from(ip, "/login/", "email", email, "password", "nicht d\u00fc\ufb01s")
			}, http.StatusUnprocessableEntity, nil},
			{"sign-up", 1, func(b *browser, ip, email string) answer {
				return b.from(ip, "/signup/", "email", email, "name", "Somebody", "password", password)
			}, http.StatusSeeOther, nil},
			{"recovery", 0, func(b *browser, ip, email string) answer {
				return b.from(ip, "/lost-password/", "email", email)
			}, http.StatusOK, nil},
			{"change of e-mail", 0, func(b *browser, ip, email string) answer {
				return b.from(ip, emailPath, "email", email)
			}, http.StatusSeeOther, func(b *browser, ip string) {
				b.from(ip, "/login/", "email", mine.Email, "password", password).to("/")
			}},
		} {
			var first []string
			for _, email := range whose {
				b := w.browser()
				from++
				ip := fmt.Sprintf("198.51.%d.7", from)
				if f.ready != nil {
					f.ready(b, ip)
				}
				b.get("/login/") // it has its cookies
				before := w.hashes.Load()
				var a answer
				ops := l.of(func() { a = f.send(b, ip, email) })
				w.server.o.IdentifyFirst = false
				if a.want(f.status); int(w.hashes.Load()-before) != f.hashes {
					t.Errorf("%s of %s: %d hashes, want %d", f.name, email, w.hashes.Load()-before, f.hashes)
				}
				if first == nil {
					first = ops
				}
				if !slices.Equal(ops, first) {
					t.Errorf("%s of %s:\n%s\nand of %s:\n%s", f.name, email, strings.Join(ops, " "), whose[0], strings.Join(first, " "))
				}
			}
			t.Logf("%s: %s", f.name, strings.Join(first, " "))
		}
		w.sameConfirmation(&l, whose)
		w.sameCode(&l, whose)
	})
}

// sameCode asks for a code to sign in with.
func (w *world) sameCode(l *ledger, whose []string) {
	w.t.Helper()
	w.codes(local.CodesSignIn)
	var first []string
	for i, email := range whose {
		b := w.browser()
		b.get("/login/") // it has its cookies
		before := w.hashes.Load()
		ops := l.of(func() {
			b.from(fmt.Sprintf("198.51.%d.10", i), "/code/send/", "email", email).want(http.StatusSeeOther)
		})
		if first == nil {
			first = ops
		}
		if !slices.Equal(ops, first) || w.hashes.Load() != before {
			w.t.Errorf("code to %s: %d hashes,\n%s\nand to %s:\n%s", email, w.hashes.Load()-before, strings.Join(ops, " "), whose[0], strings.Join(first, " "))
		}
	}
	w.t.Logf("code: %s", strings.Join(first, " "))
}

// sameConfirmation asks for the mail that proves an address once more.
func (w *world) sameConfirmation(l *ledger, whose []string) {
	w.t.Helper()
	var first []string
	for i, email := range whose {
		b := w.browser()
		path := b.from(fmt.Sprintf("198.51.%d.8", i), "/signup/", "email", email, "name", "Somebody", "password", password).want(http.StatusSeeOther).location
		id := broker.LoginID(path[strings.Index(path, "login=")+len("login="):])
		login, err := w.db.Login(w.t.Context(), id)
		must(w.t, err)
		login.ExpiresAt = login.ExpiresAt.Add(-resendAfter) // as time passes
		must(w.t, w.db.SaveLogin(w.t.Context(), login))
		before := w.hashes.Load()
		ops := l.of(func() { b.from(fmt.Sprintf("198.51.%d.9", i), "/sent/", "login", string(id)).want(http.StatusSeeOther) })
		if first == nil {
			first = ops
		}
		if !slices.Equal(ops, first) || w.hashes.Load() != before {
			w.t.Errorf("confirmation of %s: %d hashes,\n%s\nand of %s:\n%s", email, w.hashes.Load()-before, strings.Join(ops, " "), whose[0], strings.Join(first, " "))
		}
	}
}
