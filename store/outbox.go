package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

// maxLastError bounds OutboxEntry.LastError, in bytes.
const maxLastError = 500

type outboxRow struct {
	bun.BaseModel `bun:"table:outbox"`

	ID           string `bun:"id,pk"`
	Kind         string `bun:"kind"`
	Payload      []byte `bun:"payload"`
	CreatedAt    micros `bun:"created_at"`
	NextAt       micros `bun:"next_at"`
	Attempts     int    `bun:"attempts"`
	LastError    string `bun:"last_error"`
	ClaimedUntil micros `bun:"claimed_until"`
	DoneAt       micros `bun:"done_at"`
	FailedAt     micros `bun:"failed_at"`
}

func (db *DB) entry(r outboxRow) (broker.OutboxEntry, error) {
	payload, err := db.ring().open(inRow("outbox", "payload", r.ID), r.Payload)
	return broker.OutboxEntry{
		ID: r.ID, Kind: r.Kind, Payload: payload, CreatedAt: r.CreatedAt.time(), NextAt: r.NextAt.time(), Attempts: r.Attempts,
		LastError: r.LastError, ClaimedUntil: r.ClaimedUntil.time(), DoneAt: r.DoneAt.time(), FailedAt: r.FailedAt.time(),
	}, err
}

// Enqueue writes a new entry, in the unit of work that causes it.
func (db *DB) Enqueue(ctx context.Context, e broker.OutboxEntry) error {
	const what = "enqueue"
	row, err := db.rowOfEntry(e)
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	return db.insert(ctx, what, row)
}

func (db *DB) rowOfEntry(e broker.OutboxEntry) (*outboxRow, error) {
	payload, err := db.ring().seal(inRow("outbox", "payload", e.ID), e.Payload)
	return &outboxRow{
		ID: e.ID, Kind: e.Kind, Payload: payload, CreatedAt: micro(e.CreatedAt), NextAt: micro(e.NextAt), Attempts: e.Attempts,
		LastError: clip(e.LastError), ClaimedUntil: micro(e.ClaimedUntil), DoneAt: micro(e.DoneAt), FailedAt: micro(e.FailedAt),
	}, err
}

// ClaimOutbox gives at most limit entries that are due to the caller alone, for
// the time of the lease; the longest due first. Where kinds are named, only
// theirs. Each counts as an attempt. An entry whose payload does not open is given
// up instead of returned.
func (db *DB) ClaimOutbox(ctx context.Context, limit int, at time.Time, lease time.Duration, kinds ...string) ([]broker.OutboxEntry, error) {
	const what = "claim outbox"
	if limit <= 0 {
		return nil, nil
	}
	args, of := []any{micro(at.Add(lease)), micro(at), micro(at)}, ""
	if len(kinds) > 0 {
		args, of = append(args, bun.List(kinds)), " AND kind IN (?)"
	}
	skip := ""
	if db.flavour == flavourPostgres {
		skip = " FOR UPDATE SKIP LOCKED"
	}
	var rows []outboxRow
	err := db.returning(ctx, what, &rows, `UPDATE outbox SET claimed_until = ?, attempts = attempts + 1 WHERE id IN (
			SELECT id FROM outbox WHERE done_at = 0 AND failed_at = 0 AND next_at <= ? AND claimed_until <= ?`+of+`
			ORDER BY next_at, id LIMIT ?`+skip+`)
		RETURNING `+names(outboxColumns), append(args, limit)...)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b outboxRow) int { // RETURNING has no order
		return cmp.Or(cmp.Compare(a.NextAt, b.NextAt), cmp.Compare(a.ID, b.ID))
	})
	var entries []broker.OutboxEntry
	for _, r := range rows {
		e, err := db.entry(r)
		if err != nil {
			db.log.ErrorContext(ctx, "outbox entry cannot be opened", "entry", r.ID, "kind", r.Kind, "err", err)
			if err := db.FailOutbox(ctx, r.ID, at, err.Error()); err != nil {
				return nil, err
			}
			continue
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// FinishOutbox marks an entry as done and drops its payload. broker.ErrNotFound.
func (db *DB) FinishOutbox(ctx context.Context, id string, at time.Time) error {
	n, err := db.exec(ctx, "finish outbox entry", "UPDATE outbox SET done_at = ?, payload = ?, claimed_until = 0 WHERE id = ?",
		micro(at), []byte{}, id)
	return must(n, err, broker.ErrNotFound, "finish outbox entry")
}

// RetryOutbox gives an entry back, to be tried again at next. lastError is cut
// to 500 bytes. broker.ErrNotFound.
func (db *DB) RetryOutbox(ctx context.Context, id string, next time.Time, lastError string) error {
	n, err := db.exec(ctx, "retry outbox entry", "UPDATE outbox SET next_at = ?, claimed_until = 0, last_error = ? WHERE id = ?",
		micro(next), clip(lastError), id)
	return must(n, err, broker.ErrNotFound, "retry outbox entry")
}

// FailOutbox gives an entry up. It stays, payload included, until an operator
// has seen it or it is pruned. broker.ErrNotFound.
func (db *DB) FailOutbox(ctx context.Context, id string, at time.Time, lastError string) error {
	n, err := db.exec(ctx, "fail outbox entry", "UPDATE outbox SET failed_at = ?, claimed_until = 0, last_error = ? WHERE id = ?",
		micro(at), clip(lastError), id)
	return must(n, err, broker.ErrNotFound, "fail outbox entry")
}

// FailedOutbox returns at most limit entries that were given up, the last first,
// without their payloads.
func (db *DB) FailedOutbox(ctx context.Context, limit int) ([]broker.OutboxEntry, error) {
	if limit <= 0 {
		return nil, nil
	}
	rows, err := many[outboxRow](ctx, db, "list failed outbox entries", "failed_at DESC, id", limit, "failed_at <> 0")
	var entries []broker.OutboxEntry
	for _, r := range rows {
		r.Payload = nil
		e, err := db.entry(r)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, err
}

// CountFailedOutbox counts the entries that were given up and are still kept, by kind.
func (db *DB) CountFailedOutbox(ctx context.Context) (map[string]int, error) {
	const what = "count failed outbox entries"
	on, err := db.reader(ctx)
	if err != nil {
		return nil, db.failed(what, err)
	}
	var rows []struct {
		Kind string
		N    int
	}
	if err := on.NewRaw("SELECT kind, count(*) AS n FROM outbox WHERE failed_at <> 0 GROUP BY kind").Scan(ctx, &rows); err != nil {
		return nil, db.failed(what, err)
	}
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.Kind] = r.N
	}
	return counts, nil
}

// clip makes an error text storable and short.
func clip(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) <= maxLastError {
		return s
	}
	s = s[:maxLastError]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
