package storetest_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestMailCodeIsSpentOnce: of sixteen who type it at once one succeeds, and none
// guesses more often than allowed.
func TestMailCodeIsSpentOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		ok(t, db.CreateMailCode(ctx, broker.MailCode{ID: "x", LoginID: "l", Email: "e", ExpiresAt: at.Add(time.Minute)}))
		var tried, spent atomic.Int32
		count := func(n *atomic.Int32, err error) {
			switch {
			case err == nil:
				n.Add(1)
			case !errors.Is(err, broker.ErrSpent):
				t.Error(err)
			}
		}
		race(func(int) { count(&tried, db.TryMailCode(ctx, "x", 5, at)) })
		same(t, int(tried.Load()), 5)
		same(t, must(db.MailCode(ctx, "x"))(t).Tries, 5)
		race(func(int) { count(&spent, db.SpendMailCode(ctx, "x", at)) })
		same(t, int(spent.Load()), 1)
		for name, err := range map[string]error{
			"tried after use": db.TryMailCode(ctx, "x", 99, at), "addressed after use": db.AddressMailCode(ctx, "x", "u", 1, at),
		} {
			if !errors.Is(err, broker.ErrSpent) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestMailCodeEnds: an expired one can be neither tried, addressed nor spent, and
// a new one of the same login replaces it.
func TestMailCodeEnds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		code := func(id string, login broker.LoginID, email string, nth int, d time.Duration) {
			ok(t, db.CreateMailCode(ctx, broker.MailCode{
				ID: id, LoginID: login, BrowserHash: "b", Email: email, Hour: at.Truncate(time.Hour), Nth: nth, CreatedAt: at.Add(d), ExpiresAt: at.Add(d + time.Hour),
			}))
		}
		code("old", "l", "ada", 1, 0)
		code("new", "l", "ada", 2, time.Second)
		code("other", "m", "bob", 1, 0)
		same(t, must(db.LastMailCode(ctx, "l"))(t).ID, "new")
		if _, err := db.LastMailCode(ctx, "none"); !errors.Is(err, broker.ErrNotFound) {
			t.Error(err)
		}
		code("own", "n", "ada", int(broker.MailCodesOwn)+1, 0) // a browser of hers asked
		code("older", "n", "ada", -1, 0)                       // as it was counted before
		for i := range 3 {
			code("proven"+strconv.Itoa(i), "n", "ada", int(broker.MailCodesProven)+i+1, 0)
		}
		for _, tt := range []struct {
			later time.Duration
			kind  broker.MailCodeKind
			want  [2]int
		}{
			{0, broker.MailCodesStranger, [2]int{2, 8}}, {0, broker.MailCodesOwn, [2]int{2, 8}}, {0, broker.MailCodesProven, [2]int{3, 8}},
			{time.Hour, broker.MailCodesStranger, [2]int{}}, {time.Hour, broker.MailCodesOwn, [2]int{}}, {time.Hour, broker.MailCodesProven, [2]int{}},
		} {
			to, from, err := db.CountMailCodes(ctx, "ada", "b", at.Truncate(time.Hour).Add(tt.later), tt.kind)
			ok(t, err)
			same(t, [2]int{to, from}, tt.want)
		}

		ok(t, db.AddressMailCode(ctx, "other", "u", 7, at))
		if err := db.AddressMailCode(ctx, "other", "v", 8, at); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("addressed twice: %v", err)
		}
		c := must(db.MailCode(ctx, "other"))(t)
		same(t, string(c.UserID), "u")
		same(t, c.Version, 7)

		late := at.Add(time.Hour)
		for name, err := range map[string]error{
			"tried": db.TryMailCode(ctx, "other", 5, late), "spent": db.SpendMailCode(ctx, "other", late), "addressed": db.AddressMailCode(ctx, "old", "u", 1, late),
		} {
			if !errors.Is(err, broker.ErrSpent) {
				t.Errorf("%s when expired: %v", name, err)
			}
		}
		ok(t, db.ReplaceMailCodes(ctx, "l", at))
		for _, id := range []string{"old", "new"} {
			if err := db.SpendMailCode(ctx, id, at); !errors.Is(err, broker.ErrSpent) {
				t.Errorf("%s was replaced: %v", id, err)
			}
		}
		ok(t, db.SpendMailCode(ctx, "other", at))
	})
}
