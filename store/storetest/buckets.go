package storetest

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
)

// Buckets is what keeps buckets.
type Buckets interface {
	TakeTokens(ctx context.Context, at time.Time, charges ...broker.Charge) ([]broker.Charged, error)
	ReturnToken(ctx context.Context, keys ...string) error
}

// EachBucket runs what every home of buckets promises. open returns one without any.
func EachBucket(t *testing.T, open func(t *testing.T) Buckets) {
	for name, test := range map[string]func(*testing.T, bucketTest){
		"take": takeTokens, "several": takeTokensOfSeveral, "return": returnToken, "once": tokensAreTakenOnce,
	} {
		t.Run(name, func(t *testing.T) {
			test(t, bucketTest{t, open(t), time.Now().Round(time.Microsecond)})
		})
	}
}

// racers is how many do the same at once.
const racers = 16

// bucketTest is one test of buckets.
type bucketTest struct {
	t  *testing.T
	db Buckets
	at time.Time
}

// take takes tokens some time after the beginning.
func (b bucketTest) take(after time.Duration, charges ...broker.Charge) []broker.Charged {
	b.t.Helper()
	got, err := b.db.TakeTokens(b.t.Context(), b.at.Add(after), charges...)
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

func (b bucketTest) give(keys ...string) {
	b.t.Helper()
	if err := b.db.ReturnToken(b.t.Context(), keys...); err != nil {
		b.t.Fatal(err)
	}
}

func equal(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func charge(key string, burst int, every time.Duration) broker.Charge {
	return broker.Charge{Key: key, Limit: broker.Limit{Burst: burst, Every: every}}
}

// takeTokens: a burst, then one every minute, however the time between is cut.
func takeTokens(t *testing.T, b bucketTest) {
	take := func(after time.Duration) broker.Charged {
		t.Helper()
		return b.take(after, charge("k", 3, time.Minute))[0]
	}
	equal(t, take(0), broker.Charged{})
	equal(t, take(0), broker.Charged{})
	equal(t, take(0), broker.Charged{Last: true})
	equal(t, take(0), broker.Charged{Refused: true, Wait: time.Minute})
	equal(t, take(20*time.Second), broker.Charged{Refused: true, Wait: 40 * time.Second})
	equal(t, take(time.Minute), broker.Charged{Last: true})
	equal(t, take(time.Minute), broker.Charged{Refused: true, Wait: time.Minute})
	equal(t, take(time.Hour), broker.Charged{})
	// A clock that is behind takes from what is there, and gives nothing for it.
	equal(t, take(time.Hour-10*time.Second), broker.Charged{Last: true})
	equal(t, take(time.Hour-10*time.Second), broker.Charged{Refused: true, Wait: 10 * time.Second})
}

// takeTokensOfSeveral: each bucket answers for itself.
func takeTokensOfSeveral(t *testing.T, b bucketTest) {
	both := []broker.Charge{charge("b", 1, time.Minute), charge("none", 0, time.Minute), charge("a", 2, time.Hour)}
	equal(t, b.take(0, both...), []broker.Charged{{Last: true}, {}, {}})
	equal(t, b.take(0, both...), []broker.Charged{{Refused: true, Wait: time.Minute}, {}, {Last: true}})
	equal(t, b.take(time.Minute, both...), []broker.Charged{{Last: true}, {}, {Refused: true, Wait: 59 * time.Minute}})
	equal(t, len(b.take(0)), 0)
	equal(t, b.take(0, charge("c", 2, time.Minute), charge("c", 2, time.Minute)), []broker.Charged{{}, {}})
	equal(t, b.take(0, charge("c", 2, time.Minute))[0].Last, true)
}

// returnToken: what was not used can be used by the next one.
func returnToken(t *testing.T, b bucketTest) {
	k := charge("k", 2, time.Minute)
	for range 5 {
		equal(t, b.take(0, k)[0].Refused, false)
		b.give("k")
	}
	b.give("none")
	b.give()
	// More returns than takes do not make the bucket deeper.
	for range 5 {
		b.give("k")
	}
	equal(t, b.take(0, k)[0].Last, false)
	equal(t, b.take(0, k)[0].Last, true)
	b.take(0, charge("other", 2, time.Minute))
	b.give("other") // is another one's
	equal(t, b.take(0, k)[0].Refused, true)
}

// tokensAreTakenOnce: of sixteen at once as many succeed as there are
// tokens, also where they charge the same buckets in another order.
func tokensAreTakenOnce(t *testing.T, b bucketTest) {
	var first, second atomic.Int32
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() {
			charges := []broker.Charge{charge("a", 5, time.Hour), charge("b", 7, time.Hour)}
			if i%2 == 1 {
				charges[0], charges[1] = charges[1], charges[0]
			}
			got, err := b.db.TakeTokens(t.Context(), b.at, charges...)
			if err != nil {
				t.Error(err)
				return
			}
			for j, c := range charges {
				if !got[j].Refused && c.Key == "a" {
					first.Add(1)
				} else if !got[j].Refused {
					second.Add(1)
				}
			}
		})
	}
	all.Wait()
	equal(t, first.Load(), int32(5))
	equal(t, second.Load(), int32(7))
}
