package store

import (
	"context"
	"time"
)

// PruneEvents removes the lines of the audit trail that are older than a time,
// in small batches as Prune does, and returns how many went, also where it
// stopped with an error.
func (db *DB) PruneEvents(ctx context.Context, before time.Time) (int, error) {
	total := 0
	for {
		n, err := db.exec(ctx, "prune events",
			"DELETE FROM events WHERE id IN (SELECT id FROM events WHERE happened_at < ? LIMIT ?)", micro(before), pruneBatch)
		total += int(n)
		if err != nil || n < pruneBatch {
			return total, err
		}
	}
}
