package linking_test

import (
	"sync"
	"testing"

	"idbroker/broker"
	"idbroker/linking"
	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestAssertedInAnotherSpelling: a provider that begins accounts asserts another spelling of an address that somebody
// has. No second account begins, and theirs is neither opened nor changed.
func TestAssertedInAnotherSpelling(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, automatic)
		u := w.user("ada", "hash")
		for _, tt := range []struct{ has, asserted string }{
			{"ada@b\u00fccher.example", "ada@xn--bcher-kva.example"}, {"ada@xn--bcher-kva.example", "ada@b\u00fccher.example"}, {"ada@b\u00fccher.example", "ada@bu\u0308cher.example"},
		} {
			u.Email = tt.has
			must(t, db.UpdateUser(t.Context(), u))
			u.Version++
			before := w.state(u)
			w.op.AddPerson(providertest.Person{Subject: "mallory", Username: "mallory", Name: "Mallory", Email: tt.asserted, EmailVerified: true})
			if res := w.signIn("mallory"); res.Outcome != linking.NewPerson || !res.Known || res.User.ID != "" || w.count() != 1 || w.state(u) != before || w.read(u).Email != tt.has {
				t.Errorf("%+v: %s, known %t, %d accounts, %+v became %+v", tt, res.Outcome, res.Known, w.count(), before, w.state(u))
			}
		}
	})
}

// TestTwoSpellingsBeginAtOnce: two people come back at once from two providers, each of which asserts
// one mailbox in a spelling of its own. One account begins.
func TestTwoSpellingsBeginAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, automatic)
		w.op.AddPerson(providertest.Person{Subject: "a", Username: "a", Name: "A", Email: "ada@b\u00fccher.example", EmailVerified: true})
		w.op2.AddPerson(providertest.Person{Subject: "b", Username: "b", Name: "B", Email: "ada@xn--bcher-kva.example", EmailVerified: true})
		var wg sync.WaitGroup
		began := make([]bool, 2)
		for i, from := range []struct{ provider, subject string }{{"one", "a"}, {"two", "b"}} {
			browser := newBrowser()
			cb := w.out(browser, from.provider, broker.PurposeSignIn, from.subject)
			wg.Go(func() {
				res, err := w.back(browser, from.provider, cb)
				if began[i] = err == nil && res.Outcome == linking.Began; !began[i] && err == nil && res.Outcome != linking.NewPerson {
					t.Errorf("%s: %s", from.provider, res.Outcome)
				}
			})
		}
		wg.Wait()
		if began[0] == began[1] || w.count() != 1 {
			t.Errorf("began %v, %d accounts", began, w.count())
		}
	})
}
