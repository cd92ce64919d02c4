package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

// A bucket is one number: the moment at which it will be full again (the
// generic cell rate algorithm). One that was never used, or is full, has no row.
type bucketRow struct {
	bun.BaseModel `bun:"table:buckets"`

	Key    string `bun:"key,pk"`
	FullAt micros `bun:"full_at"`
	Every  int64  `bun:"every"`  // microseconds
	Latest micros `bun:"latest"` // only the statement needs it
}

// TakeTokens takes one token from each bucket, all in one statement, and
// answers in the order of the charges. A bucket that is empty refuses and stays
// as it is, whatever the others answer. Limits without a burst are not asked.
// Of two charges with one key the first counts.
func (db *DB) TakeTokens(ctx context.Context, at time.Time, charges ...broker.Charge) ([]broker.Charged, error) {
	const what = "take tokens"
	asked := slices.DeleteFunc(slices.Clone(charges), func(c broker.Charge) bool { return c.Limit.Burst <= 0 || c.Limit.Every <= 0 })
	// In one order everywhere, or two replicas wait for each other.
	slices.SortStableFunc(asked, func(a, b broker.Charge) int { return strings.Compare(a.Key, b.Key) })
	asked = slices.CompactFunc(asked, func(a, b broker.Charge) bool { return a.Key == b.Key })
	answers := make([]broker.Charged, len(charges))
	if len(asked) == 0 {
		return answers, nil
	}
	// Each row brings along when its bucket is full after this token (full_at),
	// what a token costs, and the latest moment at which it may be full.
	var rows, keys []string
	var args, keyArgs []any
	for _, c := range asked {
		rows = append(rows, "(?, ?, ?, ?)")
		args = append(args, c.Key, micro(at.Add(c.Limit.Every)), c.Limit.Every.Microseconds(), micro(at.Add(time.Duration(c.Limit.Burst)*c.Limit.Every)))
		keys, keyArgs = append(keys, "?"), append(keyArgs, c.Key)
	}
	var taken []bucketRow
	err := db.returning(ctx, what, &taken, "INSERT INTO buckets (key, full_at, every, latest) VALUES "+strings.Join(rows, ", ")+`
		ON CONFLICT (key) DO UPDATE SET every = excluded.every, latest = excluded.latest,
			full_at = CASE WHEN buckets.full_at + excluded.every > excluded.full_at THEN buckets.full_at + excluded.every ELSE excluded.full_at END
		WHERE buckets.full_at + excluded.every <= excluded.latest
		RETURNING key, full_at, every, latest`, args...)
	if err != nil {
		return nil, err
	}
	given := map[string]*bucketRow{}
	for i := range taken {
		given[taken[i].Key] = &taken[i]
	}
	full := map[string]time.Time{}
	if len(given) < len(asked) {
		on, err := db.reader(ctx)
		if err != nil {
			return nil, db.failed(what, err)
		}
		var empty []bucketRow
		if err := on.NewRaw("SELECT key, full_at FROM buckets WHERE key IN ("+strings.Join(keys, ", ")+")", keyArgs...).Scan(ctx, &empty); err != nil {
			return nil, db.failed(what, err)
		}
		for _, r := range empty {
			full[r.Key] = r.FullAt.time()
		}
	}
	for i, c := range charges {
		if c.Limit.Burst <= 0 || c.Limit.Every <= 0 {
			continue
		}
		if r := given[c.Key]; r != nil {
			answers[i].Last = r.FullAt+micros(r.Every) > r.Latest
			continue
		}
		// One fits as soon as the bucket is full within burst-1 steps.
		wait := full[c.Key].Sub(at) - time.Duration(c.Limit.Burst-1)*c.Limit.Every
		answers[i] = broker.Charged{Refused: true, Wait: max(wait, 0)}
	}
	return answers, nil
}

// ReturnToken puts a token back that was taken and not used. A bucket without a
// row is full already.
func (db *DB) ReturnToken(ctx context.Context, keys ...string) error {
	if len(keys) == 0 {
		return nil
	}
	_, err := db.exec(ctx, "return token", "UPDATE buckets SET full_at = full_at - every WHERE key IN (?)", bun.List(slices.Sorted(slices.Values(keys))))
	return err
}
