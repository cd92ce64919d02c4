package web

import (
	"sync"
	"testing"
	"time"

	"idbroker/store/storetest"
)

// TestTheftIsToldOnce: of many requests at once with a copied cookie, one mails.
func TestTheftIsToldOnce(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w, owner := theftWorld(t, dsn, TheftBasic)
		var wg sync.WaitGroup
		for range 8 {
			thief := owner.steal()
			thief.agent = chrome
			wg.Go(func() { thief.get(profilePath) })
		}
		wg.Wait()
		owner.out()
		w.noticed(theftBrowser)
	})
}

// TestTheftOfTheUnproven: nobody is told at an address that nobody has proven, and the
// session ends all the same.
func TestTheftOfTheUnproven(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w, owner := theftWorld(t, dsn, TheftBasic)
		u, err := w.db.UserByEmail(t.Context(), "ada@example.org")
		must(t, err)
		u.EmailVerifiedAt = time.Time{}
		must(t, w.db.UpdateUser(t.Context(), u))
		thief := owner.steal()
		thief.agent = chrome
		thief.out()
		owner.out()
		w.unnoticed()
	})
}
