package volatile_test

import (
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store/storetest"
	"idbroker/volatile/volatiletest"
)

// TestBuckets: in Redis they do what they do in the database, which is not asked.
func TestBuckets(t *testing.T) {
	s := volatiletest.Start(t)
	var c storetest.Counter
	db := storetest.New(t, c.Option())
	c.Reset() // after it was opened
	storetest.EachBucket(t, func(t *testing.T) storetest.Buckets {
		return volatiletest.Over(t, db, s, broker.NewID()+":")
	})
	if c.Transactions()+c.Reads() != 0 {
		t.Errorf("the database was asked: %d transactions, %d reads", c.Transactions(), c.Reads())
	}
}

// TestBucketsGo: a bucket is gone when it is full, and not before.
func TestBucketsGo(t *testing.T) {
	s := volatiletest.Start(t)
	db, c, ctx := volatiletest.Over(t, storetest.New(t), s, "p:"), s.Client(), t.Context()
	limit := broker.Limit{Burst: 3, Every: time.Minute}
	for n := range 3 {
		must(db.TakeTokens(ctx, time.Now(), broker.Charge{Key: "k", Limit: limit}))(t)
		want := time.Duration(n+1) * time.Minute
		if left := c.PTTL(ctx, "p:b:k").Val(); left > want || left < want-10*time.Second {
			t.Errorf("after %d tokens it stays for %s", n+1, left)
		}
	}
	ok(t, db.ReturnToken(ctx, "k"))
	if left := c.PTTL(ctx, "p:b:k").Val(); left <= 0 || left > 3*time.Minute {
		t.Errorf("after a token came back it stays for %s", left)
	}
}

// TestForeignBuckets: what others have written to the place of a bucket is no bucket, and
// breaks nothing.
func TestForeignBuckets(t *testing.T) {
	s := volatiletest.Start(t)
	db, c, ctx := volatiletest.Over(t, storetest.New(t), s, "p:"), s.Client(), t.Context()
	limit := broker.Limit{Burst: 2, Every: time.Minute}
	for name, plant := range map[string]func(){
		"words":        func() { c.Set(ctx, "p:b:k", "full of water", 0) },
		"one number":   func() { c.Set(ctx, "p:b:k", "17", 0) },
		"negative":     func() { c.Set(ctx, "p:b:k", "-5 -5", 0) },
		"a long one":   func() { c.Set(ctx, "p:b:k", strings.Repeat("9", 40)+" 1", 0) },
		"a long step":  func() { c.Set(ctx, "p:b:k", "1 "+strings.Repeat("9", 40), 0) },
		"nan":          func() { c.Set(ctx, "p:b:k", "nan inf", 0) },
		"huge":         func() { c.Set(ctx, "p:b:k", strings.Repeat("x", 1<<20), 0) },
		"a list":       func() { c.RPush(ctx, "p:b:k", "1 1") },
		"a hash":       func() { c.HSet(ctx, "p:b:k", "a", "b") },
		"empty":        func() { c.Set(ctx, "p:b:k", "", 0) },
		"other blanks": func() { c.Set(ctx, "p:b:k", "1  1\n", 0) },
	} {
		c.Del(ctx, "p:b:k")
		plant()
		if err := db.ReturnToken(ctx, "k"); err != nil {
			t.Errorf("%s: return: %v", name, err)
		}
		got, err := db.TakeTokens(ctx, time.Now(), broker.Charge{Key: "k", Limit: limit})
		if err != nil || got[0] != (broker.Charged{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if left := c.PTTL(ctx, "p:b:k").Val(); left <= 0 {
			t.Errorf("%s: it stays for %s", name, left)
		}
	}
}
