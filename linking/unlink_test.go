package linking_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/store"
	"idbroker/store/storetest"
)

func TestUnlink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		with, without, other := w.user("ada", "hash"), w.user("bob", ""), w.user("eve", "hash")
		w.link(with, "one", "ada")
		w.link(without, "one", "bob")
		id := func(u broker.User, i int) string {
			t.Helper()
			ids, err := db.IdentitiesOf(t.Context(), u.ID)
			must(t, err)
			return ids[i].ID
		}
		session := func(u broker.User, ago time.Duration) broker.Session { return newBrowser().signedIn(u, ago).session }

		before := w.state(with, without)
		for _, tt := range []struct {
			name string
			s    broker.Session
			p    string
			id   string
			want error
		}{
			{"nobody", broker.Session{}, "one", id(with, 0), broker.ErrSignIn},
			{"an old sign-in", session(with, time.Hour), "one", id(with, 0), linking.ErrStale},
			{"somebody else's identity", session(other, 0), "one", id(with, 0), broker.ErrNotFound},
			{"another provider's name", session(with, 0), "two", id(with, 0), broker.ErrNotFound},
			{"the only way in", session(without, 0), "one", id(without, 0), linking.ErrLast},
		} {
			wantError(t, tt.name, w.Unlink(t.Context(), tt.s, tt.p, tt.id), tt.want)
		}
		if got := w.state(with, without); got != before {
			t.Errorf("state %+v became %+v", before, got)
		}

		must(t, w.Unlink(t.Context(), session(with, 0), "one", id(with, 0)))
		if got := w.state(with); got.identities != 0 || got.accounts != 0 || got.tokens != 0 {
			t.Errorf("after unlinking: %+v", got)
		}
		if res := w.journey(newBrowser(), "one", broker.PurposeSignIn, "ada"); res.Outcome != linking.NewPerson {
			t.Errorf("the unlinked identity still signs in: %+v", res)
		}

		// Two ways in, removed in two tabs at once: one stays.
		w.link(without, "two", "bob")
		var wg sync.WaitGroup
		var mu sync.Mutex
		refused := 0
		identities := []string{id(without, 0), id(without, 1)} // before the first is gone
		for i, p := range []string{"one", "two"} {
			wg.Go(func() {
				if err := w.Unlink(t.Context(), session(without, 0), p, identities[i]); errors.Is(err, linking.ErrLast) {
					mu.Lock()
					refused++
					mu.Unlock()
				} else if err != nil {
					t.Errorf("%v", err)
				}
			})
		}
		wg.Wait()
		if got := w.state(without); got.identities != 1 || refused != 1 {
			t.Errorf("%d identities stand, %d refused", got.identities, refused)
		}
	})
}

// TestLinkOnlyIsNoWayIn: an identity that cannot sign in does not count.
func TestLinkOnlyIsNoWayIn(t *testing.T) {
	w := newWorld(t, storetest.New(t), func(a *providers.App) { a.LinkOnly = a.ID == "two" })
	u := w.user("ada", "")
	w.link(u, "one", "ada")
	w.link(u, "two", "ada")
	rows, err := w.Accounts(t.Context(), u.ID)
	must(t, err)
	if len(rows) != 2 || rows[0].CanRemove || !rows[0].OpensAccount || !rows[1].CanRemove || rows[1].OpensAccount {
		t.Errorf("%+v", rows)
	}
	s := newBrowser().signedIn(u, 0).session
	wantError(t, "the only usable one", w.Unlink(t.Context(), s, "one", rows[0].Identity.ID), linking.ErrLast)
	must(t, w.Unlink(t.Context(), s, "two", rows[1].Identity.ID))
}

// TestAccountsShowsWhatIsGone: links of providers that are not configured any
// more stay visible and removable.
func TestAccountsShowsWhatIsGone(t *testing.T) {
	db := storetest.New(t)
	w := newWorld(t, db)
	u := w.user("ada", "hash")
	w.link(u, "one", "ada")
	reg, err := providers.New(providers.Options{BaseURL: base})
	must(t, err)
	later := linking.New(db, reg, linking.Options{})
	rows, err := later.Accounts(t.Context(), u.ID)
	must(t, err)
	if len(rows) != 1 || rows[0].Configured || rows[0].OpensAccount || !rows[0].CanRemove || rows[0].Account.Username != "ada-at-one" {
		t.Fatalf("%+v", rows)
	}
	must(t, later.Unlink(t.Context(), newBrowser().signedIn(u, 0).session, "one", rows[0].Identity.ID))
}
