package web

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// TestThrownOutMeanwhile: somebody with the old password, or an identity that has just been
// taken away, signs in again and again while the owner throws everybody out at another
// replica. What was right when it was looked at opens no session behind that.
func TestThrownOutMeanwhile(t *testing.T) {
	owner := map[string]func(*broker.User, time.Time){
		"new password":   func(u *broker.User, at time.Time) { u.PasswordSetAt = at },
		"signed out":     func(u *broker.User, at time.Time) { u.SignedOutAt = at },
		"disabled":       func(u *broker.User, at time.Time) { u.DisabledAt = at },
		"nothing of it":  func(u *broker.User, _ time.Time) { u.Name = "Ada" },
		"nothing at all": nil,
	}
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		var behind atomic.Pointer[func()]
		w := worldOn(t, storetest.Open(t, dsn, storetest.OnStatement(func(s store.Statement) {
			if s.Op == "begin" {
				if f := behind.Swap(nil); f != nil {
					(*f)()
				}
			}
		})), tokens.Options{})
		ada, replica := w.user("ada"), storetest.Open(t, dsn)
		w.member("bob")
		bob, err := w.db.UserByEmail(t.Context(), "bob@example.org")
		must(t, err)
		ways := map[string]func(b *browser) func() answer{
			"password": func(b *browser) func() answer {
				return func() answer { return b.post("/login/", "email", "ada@example.org", "password", password) }
			},
			"identity": func(b *browser) func() answer {
				back := w.op.Walk(t, b.get("/oauth/login/demo/").to(w.op.URL).location, "bob")
				return func() answer { return b.callback(back) }
			},
		}
		for way, begin := range ways {
			id := map[string]broker.UserID{"password": ada.ID, "identity": bob.ID}[way]
			for name, change := range owner {
				b := w.browser()
				signIn := begin(b)
				throw := func() {
					if change == nil {
						return
					}
					must(t, replica.InTx(context.Background(), func(ctx context.Context) error {
						u, err := replica.LockUser(ctx, id)
						if err != nil {
							return err
						}
						if change(&u, time.Now()); replica.UpdateUser(ctx, u) != nil {
							t.Error("not updated")
						}
						_, err = replica.EndSessions(ctx, id, "")
						return err
					}))
				}
				if way == "identity" { // the first unit decides about the identity, the second one makes the session
					second := throw
					throw = func() { behind.Store(&second) }
				}
				behind.Store(&throw)
				a := signIn()
				if behind.Load() != nil {
					t.Fatalf("%s, %s: nothing has happened meanwhile", way, name)
				}
				row, err := b.session()
				if in := err == nil && row.UserID == id; in != strings.HasPrefix(name, "nothing") {
					t.Errorf("%s, %s: signed in %t: %d %s", way, name, in, a.status, a.location)
				}
				u, err := w.db.User(t.Context(), id)
				must(t, err)
				u.DisabledAt = time.Time{}
				must(t, w.db.UpdateUser(t.Context(), u))
			}
		}
	})
}
