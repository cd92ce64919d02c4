package storetest_test

import (
	"context"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestBuckets: what every home of buckets promises.
func TestBuckets(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		storetest.EachBucket(t, func(t *testing.T) storetest.Buckets {
			_, err := storetest.Raw(t, dsn).Exec("DELETE FROM buckets")
			ok(t, err)
			return storetest.Open(t, dsn)
		})
	})
}

func charge(key string, burst int, every time.Duration) broker.Charge {
	return broker.Charge{Key: key, Limit: broker.Limit{Burst: burst, Every: every}}
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
