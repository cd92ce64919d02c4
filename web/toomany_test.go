package web

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/limits"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// TestTooManyEverywhere: every form that guesses or has us mail is held up with 429 and the
// time after which it may come again: first with a challenge, then for good, and nothing is done meanwhile.
func TestTooManyEverywhere(t *testing.T) {
	const ip = "198.51.100.7"
	for name, send := range map[string]func(w *world, b *browser) func(more ...string) answer{
		"sign-in": func(_ *world, b *browser) func(...string) answer {
			return func(more ...string) answer {
				return b.from(ip, "/login/", append(more, "email", "ada@example.org", "password", password)...)
			}
		},
		"sign-up": func(_ *world, b *browser) func(...string) answer {
			return func(more ...string) answer {
				return b.from(ip, "/signup/", append(more, "email", "new@example.org", "name", "New", "password", password)...)
			}
		},
		"recovery": func(_ *world, b *browser) func(...string) answer {
			return func(more ...string) answer {
				return b.from(ip, "/lost-password/", append(more, "email", "ada@example.org")...)
			}
		},
		"confirmation": func(w *world, b *browser) func(...string) answer {
			id := b.from("203.0.113.1", "/signup/", "email", "new@example.org", "name", "New", "password", password).want(http.StatusSeeOther).param("login")
			l, err := w.db.Login(t.Context(), broker.LoginID(id))
			must(t, err)
			l.ExpiresAt = l.ExpiresAt.Add(-resendAfter) // as time passes
			must(t, w.db.SaveLogin(t.Context(), l))
			return func(more ...string) answer { return b.from(ip, "/sent/", append(more, "login", id)...) }
		},
		"code": func(w *world, b *browser) func(...string) answer {
			u := w.op.Walk(t, b.get("/oauth/login/demo/").to(w.op.URL).location, "bob")
			id := b.callback(u).want(http.StatusSeeOther).param("login")
			return func(more ...string) answer {
				return b.from(ip, "/code/send/", append(more, "login", id, "email", "ada@example.org")...)
			}
		},
		"change of e-mail": func(_ *world, b *browser) func(...string) answer {
			b.from("203.0.113.1", "/login/", "email", "ada@example.org", "password", password).to("/")
			return func(more ...string) answer {
				return b.from(ip, emailPath, append(more, "email", "new@example.org")...)
			}
		},
		"change of password": func(_ *world, b *browser) func(...string) answer {
			b.from("203.0.113.1", "/login/", "email", "ada@example.org", "password", password).to("/")
			return func(more ...string) answer {
				return b.from(ip, "/account/settings/password/", append(more, "current", password, "password", "another password of hers")...)
			}
		},
		"change of username": func(_ *world, b *browser) func(...string) answer {
			b.from("203.0.113.1", "/login/", "email", "ada@example.org", "password", password).to("/")
			return func(more ...string) answer {
				return b.from(ip, usernamePath, append(more, "username", "countess")...)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := storetest.New(t)
			w := worldOn(t, db, tokens.Options{}, func(o *Options) {
				o.TrustedHops = 1
				o.Limits = limits.New(db, limits.Options{Network: broker.Limit{Burst: 1, Every: time.Hour}})
			})
			w.user("ada")
			b := w.browser()
			again := send(w, b)
			w.mails()
			for i := range 3 { // the network's own
				w.browser().from(ip, "/login/", "email", "somebody"+strconv.Itoa(i)+"@example.org", "password", "wrong")
			}
			a := again().want(http.StatusTooManyRequests)
			if a.header.Get("Retry-After") != "30" || a.solution() == nil {
				t.Errorf("challenge: Retry-After %q\n%s", a.header.Get("Retry-After"), text(a.body))
			}
			proof := a.solution()
			for i := range 30 { // those that prove work
				o := w.browser()
				name := "other" + strconv.Itoa(i) + "@example.org"
				s := o.from(ip, "/login/", "email", name, "password", "wrong").solution()
				if o.from(ip, "/login/", append(s, "email", name, "password", "wrong")...).header.Get("Retry-After") != "" {
					break
				}
			}
			a = again(proof...).want(http.StatusTooManyRequests)
			if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || seconds <= 30 {
				t.Errorf("sent away: Retry-After %q", a.header.Get("Retry-After"))
			}
			a.says("Too many tries")
			if len(w.mails()) != 0 {
				t.Error("mailed all the same")
			}
		})
	}
}
