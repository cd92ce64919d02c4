package storetest_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

func charge(key string, burst int, every time.Duration) broker.Charge {
	return broker.Charge{Key: key, Limit: broker.Limit{Burst: burst, Every: every}}
}

// TestTakeTokens: a burst, then one every minute, however the time between is cut.
func TestTakeTokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		take := func(after time.Duration) broker.Charged {
			t.Helper()
			return must(db.TakeTokens(ctx, at.Add(after), charge("k", 3, time.Minute)))(t)[0]
		}
		same(t, take(0), broker.Charged{})
		same(t, take(0), broker.Charged{})
		same(t, take(0), broker.Charged{Last: true})
		same(t, take(0), broker.Charged{Refused: true, Wait: time.Minute})
		same(t, take(20*time.Second), broker.Charged{Refused: true, Wait: 40 * time.Second})
		same(t, take(time.Minute), broker.Charged{Last: true})
		same(t, take(time.Minute), broker.Charged{Refused: true, Wait: time.Minute})
		same(t, take(time.Hour), broker.Charged{})
		// A clock that is behind takes from what is there, and gives nothing for it.
		same(t, take(time.Hour-10*time.Second), broker.Charged{Last: true})
		same(t, take(time.Hour-10*time.Second), broker.Charged{Refused: true, Wait: 10 * time.Second})
	})
}

// TestTakeTokensOfSeveral: each bucket answers for itself.
func TestTakeTokensOfSeveral(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		both := []broker.Charge{charge("b", 1, time.Minute), charge("none", 0, time.Minute), charge("a", 2, time.Hour)}
		same(t, must(db.TakeTokens(ctx, at, both...))(t), []broker.Charged{{Last: true}, {}, {}})
		same(t, must(db.TakeTokens(ctx, at, both...))(t), []broker.Charged{{Refused: true, Wait: time.Minute}, {}, {Last: true}})
		same(t, must(db.TakeTokens(ctx, at.Add(time.Minute), both...))(t), []broker.Charged{{Last: true}, {}, {Refused: true, Wait: 59 * time.Minute}})
		same(t, len(must(db.TakeTokens(ctx, at))(t)), 0)
		same(t, must(db.TakeTokens(ctx, at, charge("c", 2, time.Minute), charge("c", 2, time.Minute)))(t), []broker.Charged{{}, {}})
		same(t, must(db.TakeTokens(ctx, at, charge("c", 2, time.Minute)))(t)[0].Last, true)
	})
}

// TestReturnToken: what was not used can be used by the next one.
func TestReturnToken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		k := charge("k", 2, time.Minute)
		for range 5 {
			same(t, must(db.TakeTokens(ctx, at, k))(t)[0].Refused, false)
			ok(t, db.ReturnToken(ctx, "k"))
		}
		ok(t, db.ReturnToken(ctx, "none"))
		ok(t, db.ReturnToken(ctx))
		// More returns than takes do not make the bucket deeper.
		for range 5 {
			ok(t, db.ReturnToken(ctx, "k"))
		}
		same(t, must(db.TakeTokens(ctx, at, k))(t)[0].Last, false)
		same(t, must(db.TakeTokens(ctx, at, k))(t)[0].Last, true)
		must(db.TakeTokens(ctx, at, charge("other", 2, time.Minute)))(t)
		ok(t, db.ReturnToken(ctx, "other")) // is another one's
		same(t, must(db.TakeTokens(ctx, at, k))(t)[0].Refused, true)
	})
}

// TestTokensAreTakenOnce: of sixteen at once as many succeed as there are
// tokens, also where they charge the same buckets in another order.
func TestTokensAreTakenOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		var a, b atomic.Int32
		race(func(i int) {
			charges := []broker.Charge{charge("a", 5, time.Hour), charge("b", 7, time.Hour)}
			if i%2 == 1 {
				charges[0], charges[1] = charges[1], charges[0]
			}
			got, err := db.TakeTokens(ctx, at, charges...)
			if err != nil {
				t.Error(err)
				return
			}
			for j, c := range charges {
				if !got[j].Refused && c.Key == "a" {
					a.Add(1)
				} else if !got[j].Refused {
					b.Add(1)
				}
			}
		})
		same(t, a.Load(), int32(5))
		same(t, b.Load(), int32(7))
	})
}

// TestFullBucketsArePruned, and a bucket that is not full stays.
func TestFullBucketsArePruned(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		must(db.TakeTokens(ctx, at, charge("full", 1, time.Minute), charge("empty", 1, time.Hour)))(t)
		same(t, must(db.Prune(ctx, at.Add(2*time.Minute)))(t), 1)
		same(t, must(db.TakeTokens(ctx, at.Add(2*time.Minute), charge("empty", 1, time.Hour)))(t)[0].Refused, true)
	})
}
