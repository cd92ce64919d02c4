package linking_test

import (
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/linking"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestTabs: two identities come back in two tabs of one login. Each gets what the
// other had not, and a mail that is out for the first stays good.
func TestTabs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, b, ctx := newWorld(t, db), newBrowser(), t.Context()
		now := time.Now()
		login := broker.Login{ID: "tabs", BrowserHash: b.cookie.Hash(), Request: "client_id=app", StartedAt: now, ExpiresAt: now.Add(time.Hour)}
		must(t, db.CreateLogin(ctx, login))
		come := func(provider, subject string) linking.Result {
			start, err := w.Start(ctx, linking.StartRequest{Provider: provider, Purpose: broker.PurposeSignIn, Browser: b.cookie, LoginID: login.ID})
			must(t, err)
			res, err := w.back(b, provider, callback(w.op.Walk(t, start, subject)))
			must(t, err)
			return res
		}
		one := come("one", "ada")
		if one.Login.ID != login.ID {
			t.Errorf("the first has the login %q", one.Login.ID)
		}
		one.Login.SignUp = &broker.SignUp{Email: "ada@example.org"}
		must(t, db.SaveLogin(ctx, one.Login))
		two := come("two", "ada")
		if two.Outcome != linking.NewPerson || two.Login.ID == login.ID || two.Login.Remote.Provider != "two" || two.Login.Request != login.Request || two.Login.SignUp != nil || !two.Login.Live(b.cookie, time.Now()) {
			t.Errorf("the second: %+v", two.Login)
		}
		stored, err := db.Login(ctx, login.ID)
		must(t, err)
		if stored.Remote == nil || stored.Remote.Provider != "one" || stored.SignUp == nil {
			t.Errorf("the first now: %+v", stored)
		}
		if again := come("one", "ada"); again.Login.ID != login.ID { // the same once more: a reload, the back button
			t.Errorf("the first once more has the login %q", again.Login.ID)
		}
		// A form without an identity, whose mail is out, stays as well.
		plain := broker.Login{ID: "plain", BrowserHash: b.cookie.Hash(), SignUp: &broker.SignUp{Email: "x@example.org"}, StartedAt: now, ExpiresAt: now.Add(time.Hour)}
		must(t, db.CreateLogin(ctx, plain))
		login.ID = plain.ID
		if res := come("one", "ada"); res.Login.ID == plain.ID {
			t.Error("the form whose mail is out was forgotten")
		}
	})
}

// TestProveByAnotherIdentity: an identity that opens an account proves it for one
// that waits, which then can be linked. Nothing is before that.
func TestProveByAnotherIdentity(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, b, ctx := newWorld(t, db), newBrowser(), t.Context()
		u := w.user("ada", "hash")
		w.link(u, "two", "ada")
		waits := w.journey(b, "one", broker.PurposeSignIn, "ada").Login
		start, err := w.Start(ctx, linking.StartRequest{Provider: "two", Purpose: broker.PurposeSignIn, Browser: b.cookie, LoginID: waits.ID})
		must(t, err)
		res, err := w.back(b, "two", callback(w.op.Walk(t, start, "ada")))
		must(t, err)
		if res.Outcome != linking.SignedIn || res.Login.ID != waits.ID || res.Login.Next(false) != broker.StepLink || res.Login.Provider != "two" {
			t.Fatalf("%+v", res.Login)
		}
		linked, err := db.IdentitiesOf(ctx, u.ID)
		must(t, err)
		if len(linked) != 1 {
			t.Errorf("linked before anybody was asked: %+v", linked)
		}
		outcome, err := w.LinkPending(ctx, broker.Session{UserID: u.ID, SID: "s", AuthTime: time.Now()}, res.Login, false)
		if err != nil || outcome != linking.Linked {
			t.Errorf("%v %v", outcome, err)
		}
	})
}
